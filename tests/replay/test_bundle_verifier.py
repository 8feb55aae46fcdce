"""
The verifier in each bundle: its own Ed25519, and that it takes Python alone.
"""

import ast
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adapters.notary.key import check
from replay.bundles.verify import ORDER, P, ed25519_holds

VERIFIER = Path("replay/bundles/verify.py")

#: RFC 8032, section 7.1: public key, message, signature.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c"
        "f9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0"
        "f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984"
        "dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3f"
        "eebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c6643"
        "1e0303dca179c138ac17ad9bef1177331a704",
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_published_vectors(public: str, message: str, signature: str) -> None:
    key, said, signed = (bytes.fromhex(one) for one in (public, message, signature))
    assert ed25519_holds(key, said, signed)
    assert not ed25519_holds(key, said + b"x", signed)
    # The same signature with another spelling of its second half.
    more = int.from_bytes(signed[32:], "little") + ORDER
    assert not ed25519_holds(key, said, signed[:32] + more.to_bytes(32, "little"))


def test_it_agrees_with_the_library_on_what_is_spoiled() -> None:
    random = Random(8032)
    private = Ed25519PrivateKey.from_private_bytes(random.randbytes(32))
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    for _ in range(60):
        message = random.randbytes(random.randrange(80))
        whole = bytearray(public + private.sign(message))
        assert ed25519_holds(public, message, bytes(whole[32:]))
        whole[random.randrange(96)] ^= 1 << random.randrange(8)
        spoiled = (bytes(whole[:32]), message, bytes(whole[32:]))
        assert ed25519_holds(*spoiled) == check(*spoiled)


@pytest.mark.parametrize("public", [b"", bytes(31), P.to_bytes(32, "little"), b"\xff" * 32])
def test_what_is_no_key(public: bytes) -> None:
    assert not ed25519_holds(public, b"", bytes(64))


def test_it_takes_python_alone_and_since_39() -> None:
    tree = ast.parse(VERIFIER.read_text(), feature_version=(3, 9))
    imported = {
        alias.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {
        str(node.module).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
    }
    assert imported <= sys.stdlib_module_names
    shown = subprocess.run(
        [sys.executable, "-I", "-S", str(VERIFIER), "--help"], capture_output=True, text=True
    )
    assert shown.returncode == 0
    wrong = [[], ["nowhere.zip"], ["nowhere.zip", "--key", "nobody"]]
    for arguments in wrong:
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(VERIFIER), *arguments], capture_output=True, text=True
        )
        assert (done.returncode, "Traceback" in done.stderr) == (2, False), arguments


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x03\x04", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_bundle(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.zip"
    file.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(VERIFIER), str(file)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
