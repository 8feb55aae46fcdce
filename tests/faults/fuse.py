"""
A file system that passes everything on to a directory, until it is told that its disk is bad.

Then fsync fails, and, worse than any error, what was written since the last one is gone: the kernel
of a machine whose disk fails does just that with its pages. It speaks the kernel's FUSE protocol
over ``/dev/fuse``, so that it needs root and nothing else. A process of its own, which reads three
paths from its standard input: the directory, where to mount it, and a flag that is there while the
disk is bad.
"""

import ctypes
import errno
import os
import stat
import struct
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Final

_IN: Final = struct.Struct("<IIQQIIII")
_OUT: Final = struct.Struct("<IiQ")
_ATTR: Final = struct.Struct("<6Q10I")
_ENTRY: Final = struct.Struct("<4Q2I")
_SETATTR: Final = struct.Struct("<2I6Q8I")
_WRITE: Final = struct.Struct("<2Q2IQ2I")
_ROOT: Final = 1
_WRITE_BYTES_MAX: Final = 1 << 17
_DIRECT_IO: Final = 1
_MODE, _UID, _GID, _SIZE, _FILE = 1, 2, 4, 8, 64


class Passthrough:
    """Answers the kernel, one request at a time."""

    def __init__(self, source: Path, flag: Path) -> None:
        self._flag = flag
        self._paths: dict[int, str] = {_ROOT: str(source)}
        self._numbers: dict[int, int] = {os.stat(source).st_ino: _ROOT}
        #: What every file held where it was written to since it was last on the disk for sure.
        self._before: dict[int, list[tuple[int, bytes, int]]] = defaultdict(list)
        self._answers: dict[int, Callable[[int, bytes, bytes], bytes]] = {
            1: self._lookup,
            3: self._getattr,
            4: self._setattr,
            5: lambda node, *_: os.readlink(self._paths[node]).encode(),
            6: self._symlink,
            8: self._mknod,
            9: self._mkdir,
            10: self._unlink,
            11: self._rmdir,
            12: lambda node, body, head: self._rename(node, body, 8),
            14: self._open_file,
            15: self._read,
            16: self._write,
            17: self._statfs,
            18: self._release,
            20: self._fsync,
            25: lambda *_: b"",
            26: self._init,
            27: lambda *_: struct.pack("<QII", 0, 0, 0),
            28: self._readdir,
            29: lambda *_: b"",
            30: self._fsyncdir,
            35: self._create,
            43: self._fallocate,
            45: lambda node, body, head: self._rename(node, body, 16),
        }

    def answer(self, request: bytes) -> bytes | None:
        """What to tell the kernel; None for what wants no answer."""
        _, opcode, unique, node, *_ = _IN.unpack_from(request)
        if opcode in (2, 36, 42):
            return None
        answer = self._answers.get(opcode)
        body, failure = b"", errno.ENOSYS
        if answer is not None:
            try:
                body, failure = answer(node, request[_IN.size :], request[: _IN.size]), 0
            except OSError as error:
                failure = error.errno or errno.EIO
        return _OUT.pack(_OUT.size + len(body), -failure, unique) + body

    # Names

    def _child(self, node: int, name: bytes) -> str:
        plain = name.split(b"\0", 1)[0].decode()
        return f"{self._paths[node]}/{plain}"

    def _entry(self, path: str) -> bytes:
        status = os.lstat(path)
        number = self._numbers.setdefault(status.st_ino, status.st_ino + 1)
        self._paths[number] = path
        return _ENTRY.pack(number, 0, 0, 0, 0, 0) + _attributes(status)

    def _lookup(self, node: int, body: bytes, head: bytes) -> bytes:
        return self._entry(self._child(node, body))

    def _made(self, path: str, head: bytes) -> bytes:
        _, _, _, _, uid, gid, *_ = _IN.unpack(head)
        os.lchown(path, uid, gid)
        return self._entry(path)

    def _symlink(self, node: int, body: bytes, head: bytes) -> bytes:
        name, target, _ = body.split(b"\0", 2)
        os.symlink(target, self._child(node, name))
        return self._made(self._child(node, name), head)

    def _mknod(self, node: int, body: bytes, head: bytes) -> bytes:
        path = self._child(node, body[16:])
        os.mknod(path, struct.unpack_from("<I", body)[0])
        return self._made(path, head)

    def _mkdir(self, node: int, body: bytes, head: bytes) -> bytes:
        path = self._child(node, body[8:])
        os.mkdir(path, struct.unpack_from("<I", body)[0])
        return self._made(path, head)

    def _unlink(self, node: int, body: bytes, head: bytes) -> bytes:
        path = self._child(node, body)
        status = os.lstat(path)
        os.unlink(path)
        if status.st_nlink == 1:
            self._forget(status.st_ino)
        return b""

    def _rmdir(self, node: int, body: bytes, head: bytes) -> bytes:
        path = self._child(node, body)
        number = os.lstat(path).st_ino
        os.rmdir(path)
        self._forget(number)
        return b""

    def _forget(self, inode: int) -> None:
        # The inode may be given to another file: that is another node, with nothing to take back.
        self._numbers.pop(inode, None)
        self._before.pop(inode, None)

    def _rename(self, node: int, body: bytes, size: int) -> bytes:
        (target,) = struct.unpack_from("<Q", body)
        old, new, _ = body[size:].split(b"\0", 2)
        before, after = self._child(node, old), self._child(target, new)
        if os.path.lexists(after) and os.lstat(after).st_nlink == 1:
            self._forget(os.lstat(after).st_ino)
        os.rename(before, after)
        for number, path in self._paths.items():
            if path == before or path.startswith(f"{before}/"):
                self._paths[number] = after + path[len(before) :]
        return b""

    # Attributes

    def _getattr(self, node: int, body: bytes, head: bytes) -> bytes:
        flags, _, file = struct.unpack_from("<2IQ", body)
        status = os.fstat(file) if flags & 1 else os.lstat(self._paths[node])
        return struct.pack("<QII", 0, 0, 0) + _attributes(status)

    def _setattr(self, node: int, body: bytes, head: bytes) -> bytes:
        valid, _, file, size, *rest = _SETATTR.unpack_from(body)
        mode, _, uid, gid, _ = rest[-5:]
        path = self._paths[node]
        if valid & _MODE:
            os.chmod(path, stat.S_IMODE(mode))
        if valid & (_UID | _GID):
            os.lchown(path, uid if valid & _UID else -1, gid if valid & _GID else -1)
        if valid & _SIZE:
            os.truncate(file if valid & _FILE else path, size)
        status = os.fstat(file) if valid & _FILE else os.lstat(path)
        return struct.pack("<QII", 0, 0, 0) + _attributes(status)

    def _statfs(self, node: int, body: bytes, head: bytes) -> bytes:
        it = os.statvfs(self._paths[node])
        numbers = (it.f_blocks, it.f_bfree, it.f_bavail, it.f_files, it.f_ffree)
        return struct.pack("<5Q4I24x", *numbers, it.f_bsize, it.f_namemax, it.f_frsize, 0)

    # Contents

    def _open_at(self, path: str, flags: int, mode: int = 0) -> bytes:
        # To take writes back, what was there must be read; appending is the kernel's affair.
        wanted = flags & ~(os.O_ACCMODE | os.O_APPEND | os.O_EXCL | os.O_NOFOLLOW) | os.O_RDWR
        file = os.open(path, wanted, mode)
        return struct.pack("<QII", file, _DIRECT_IO, 0)

    def _open_file(self, node: int, body: bytes, head: bytes) -> bytes:
        return self._open_at(self._paths[node], struct.unpack_from("<I", body)[0])

    def _create(self, node: int, body: bytes, head: bytes) -> bytes:
        flags, mode = struct.unpack_from("<2I", body)
        path = self._child(node, body[16:])
        opened = self._open_at(path, flags | os.O_CREAT, stat.S_IMODE(mode))
        return self._made(path, head) + opened

    def _read(self, node: int, body: bytes, head: bytes) -> bytes:
        file, offset, size = struct.unpack_from("<2QI", body)
        return os.pread(file, size, offset)

    def _write(self, node: int, body: bytes, head: bytes) -> bytes:
        file, offset, size, *_ = _WRITE.unpack_from(body)
        status = os.fstat(file)
        kept = os.pread(file, size, offset)
        self._before[status.st_ino].append((offset, kept, status.st_size))
        written = os.pwrite(file, body[_WRITE.size : _WRITE.size + size], offset)
        return struct.pack("<2I", written, 0)

    def _fallocate(self, node: int, body: bytes, head: bytes) -> bytes:
        file, offset, length, mode = struct.unpack_from("<3QI", body)
        if mode:
            raise OSError(errno.EOPNOTSUPP, "")
        os.posix_fallocate(file, offset, length)
        return b""

    def _release(self, node: int, body: bytes, head: bytes) -> bytes:
        os.close(struct.unpack_from("<Q", body)[0])
        return b""

    def _fsync(self, node: int, body: bytes, head: bytes) -> bytes:
        (file,) = struct.unpack_from("<Q", body)
        written = self._before.pop(os.fstat(file).st_ino, [])
        if self._flag.exists():
            for offset, kept, size in reversed(written):
                os.pwrite(file, kept, offset)
                os.ftruncate(file, size)
            raise OSError(errno.EIO, "")
        return b""

    def _fsyncdir(self, node: int, body: bytes, head: bytes) -> bytes:
        if self._flag.exists():
            raise OSError(errno.EIO, "")
        return b""

    def _readdir(self, node: int, body: bytes, head: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<2QI", body)
        found = bytearray()
        names = [".", "..", *sorted(os.listdir(self._paths[node]))]
        for at, name in enumerate(names[offset:], offset + 1):
            raw = name.encode()
            status = os.lstat(f"{self._paths[node]}/{name}")
            entry = struct.pack("<2Q2I", status.st_ino, at, len(raw), status.st_mode >> 12) + raw
            entry += b"\0" * (-len(entry) % 8)
            if len(found) + len(entry) > size:
                break
            found += entry
        return bytes(found)

    def _init(self, node: int, body: bytes, head: bytes) -> bytes:
        _, minor, readahead, _ = struct.unpack_from("<4I", body)
        return struct.pack(
            "<4I2H2I2HI28x", 7, min(minor, 31), readahead, 0, 0, 0, _WRITE_BYTES_MAX, 1, 0, 0, 0
        )


def _attributes(status: os.stat_result) -> bytes:
    times = (int(status.st_atime), int(status.st_mtime), int(status.st_ctime))
    rest = (status.st_mode, status.st_nlink, status.st_uid, status.st_gid, status.st_rdev, 4096, 0)
    number = status.st_ino + 1
    return _ATTR.pack(number, status.st_size, status.st_blocks, *times, 0, 0, 0, *rest)


def mount(source: Path, at: Path, flag: Path) -> None:
    """Serve a directory in another place until it is unmounted."""
    libc = ctypes.CDLL(None, use_errno=True)
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions"
    if libc.mount(b"homezone", os.fsencode(at), b"fuse", 6, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), "cannot mount")
    print("mounted", flush=True)
    served = Passthrough(source, flag)
    while True:
        try:
            request = os.read(device, _WRITE_BYTES_MAX + 4096)
        except OSError as error:
            if error.errno == errno.ENODEV:
                return
            if error.errno in (errno.EINTR, errno.ENOENT):
                continue
            raise
        answer = served.answer(request)
        if answer is not None:
            try:
                os.write(device, answer)
            except OSError as error:
                if error.errno != errno.ENOENT:  # the one who asked has been killed
                    raise


if __name__ == "__main__":
    os.umask(0)
    mount(*(Path(line.rstrip("\n")) for line in sys.stdin.readlines()))
