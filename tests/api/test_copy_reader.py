"""
Zips from outside: whatever is wrong with one is said in a line that names what it is, before
anything of it is used.
"""

import hashlib
import json
import random
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from api.exports.contents import FORMAT
from api.exports.reading import BadCopy, CopyReader

PHOTO: Final = "photos/01a22412-0d9a-800c-a2fd-4da6fb938a7a.jpeg"
FILES: Final = {"made.ndjson": b"", "space.json": b"{}", PHOTO: b"a picture"}


def manifest(files: Mapping[str, bytes], **more: Any) -> dict[str, Any]:
    """What says of these files what they are."""
    return {
        "format": FORMAT,
        "id": str(UUID(int=1)),
        "qq": 10_001,
        "asked_at": "2026-11-28T00:00:00Z",
        "made_at": "2026-11-28T00:00:00Z",
        "position": "0-1",
        "files": [
            {"path": path, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for path, data in files.items()
        ],
        **more,
    }


def zipped(
    to: Path, files: Mapping[str, bytes], said: Any = None, packed: int = ZIP_DEFLATED
) -> Path:
    """A copy of these files."""
    with ZipFile(to, "w", packed) as new:
        new.writestr("manifest.json", json.dumps(manifest(files) if said is None else said))
        for path, data in files.items():
            new.writestr(path, data)
    return to


def without(path: str) -> dict[str, bytes]:
    return {name: data for name, data in FILES.items() if name != path}


def test_a_copy_is_read(tmp_path: Path) -> None:
    copy = CopyReader(zipped(tmp_path / "copy.zip", FILES))
    assert (copy.manifest.qq, copy.length(PHOTO)) == (10_001, 9)
    assert b"".join(copy.pieces(PHOTO)) == b"a picture"
    copy.close()


def test_more_photos_than_a_short_file_can_name_are_read(tmp_path: Path) -> None:
    many = {f"photos/{number:036}.jpeg": b"" for number in range(30_000)}
    said = manifest(many)
    assert len(json.dumps(said)) > 4 << 20
    copy = CopyReader(zipped(tmp_path / "copy.zip", many, said))
    assert copy.length(f"photos/{29_999:036}.jpeg") == 0
    copy.close()


Spoil = Callable[[Path], Path]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda to: zipped(to, without(PHOTO), manifest(FILES)), f"{PHOTO} is not there"),
        (
            lambda to: zipped(to, {**FILES, PHOTO: b"A picture"}, manifest(FILES)),
            f"{PHOTO} is not as its manifest says",
        ),
        (
            # Nothing is unpacked to anywhere, so no name leads out of there.
            lambda to: zipped(to, FILES, manifest({"../../etc/passwd": b"root"})),
            "../../etc/passwd is not there",
        ),
        (
            lambda to: zipped(to, {**FILES, PHOTO: bytes(64 << 20)}, manifest(FILES)),
            f"{PHOTO} is not as its manifest says",
        ),
        (
            lambda to: zipped(to, FILES, manifest(FILES, more=" " * (65 << 20))),
            "manifest.json is too long",
        ),
        (
            lambda to: zipped(to, FILES, {"format": "homezone-copy/2", "all": "is new"}),
            "its format is 'homezone-copy/2', not 'homezone-copy/1'",
        ),
        (lambda to: zipped(to, FILES, {"by": "somebody else"}), "manifest.json: "),
        (lambda to: zipped(to, FILES, packed=zipfile.ZIP_LZMA), "manifest.json is packed as no"),
        (lambda to: zipped(to, FILES, packed=zipfile.ZIP_BZIP2), "manifest.json is packed as no"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, spoil: Spoil, said: str) -> None:
    with pytest.raises(BadCopy) as bad:
        CopyReader(spoil(tmp_path / "copy.zip"))
    assert str(bad.value).startswith(said)


def test_whatever_is_damaged_is_found_and_nothing_else_is_raised(tmp_path: Path) -> None:
    chance = random.Random(49)
    whole = zipped(tmp_path / "copy.zip", FILES).read_bytes()
    found = 0
    for _ in range(1_500):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        spoilt = tmp_path / "spoilt.zip"
        spoilt.write_bytes(data[: chance.choice([len(data), chance.randrange(len(data))])])
        try:
            copy = CopyReader(spoilt)
        except BadCopy:
            found += 1
        else:
            # What does not matter may be damaged: what can be read is as it was.
            assert all(b"".join(copy.pieces(path)) == FILES[path] for path in FILES)
            copy.close()
    assert found > 1_000
