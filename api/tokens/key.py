"""
The embedded default's signing key: a file in the data directory.

It is a JWK with one more member, the issuer's name, which is made with the key: a token of one data
directory is a stranger to every other, even if its key were copied. The file gets its name when it
is complete and synced, and is never overwritten, as another server may be starting at this moment.
"""

import os
import secrets
from pathlib import Path
from typing import Literal

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from api.tokens.trust import FixedKeys, TrustedIssuer

#: RFC 9864's name for the one curve, where the older ``EdDSA`` could mean two.
ALGORITHM = "Ed25519"


class TokenKeyFault(Exception):
    """The key file cannot be used. The message names the file, never what is in it."""


class _Stored(msgspec.Struct, frozen=True):
    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str
    d: str
    kid: str
    iss: str


class TokenKey:
    """The key of one data directory, and the issuer it stands for."""

    def __init__(self, private: OKPKey, kid: str, issuer: str) -> None:
        self.private = private
        self.kid = kid
        self.issuer = issuer

    @property
    def trusted(self) -> TrustedIssuer:
        """The issuer as a verifier needs it: the public half only, and no leeway."""
        public = OKPKey.import_key(
            self.private.public_key, {"kid": self.kid, "alg": ALGORITHM, "use": "sig"}
        )
        return TrustedIssuer(self.issuer, FixedKeys(KeySet([public])))

    @classmethod
    def open(cls, path: Path) -> "TokenKey":
        """
        Read the key, or make it if there is none.

        :raises TokenKeyFault: the file is not a key.
        """
        if not path.exists():
            _create(path)
        path.chmod(0o600)
        try:
            stored = msgspec.json.decode(path.read_bytes(), type=_Stored)
            private = OKPKey.import_key(
                {"kty": stored.kty, "crv": stored.crv, "x": stored.x, "d": stored.d}
            )
            if OKPKey.import_key(private.public_key)["x"] != stored.x:
                raise ValueError("the halves do not belong together")
        except (msgspec.MsgspecError, JoseError, ValueError, TypeError):
            raise TokenKeyFault(
                f"{path} is not a token key: it was damaged. Restore it, or move it away: "
                "a new one is made then, and every token issued before stops working"
            ) from None
        return cls(private, stored.kid, stored.iss)


def _create(path: Path) -> None:
    key = OKPKey.generate_key("Ed25519", auto_kid=True)
    members = key.as_dict(private=True) | {"iss": f"urn:homezone:{secrets.token_hex(16)}"}
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(members))
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass  # another server was first: its key is the directory's
    finally:
        draft.unlink()
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
