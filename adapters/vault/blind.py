"""
Digests that nobody without the vault can compute.

They find what is sealed by its value (is this real name registered?) without storing the value. The
secret behind them is wrapped like a key instead of derived from the master, so that the master can
be changed while every digest ever stored stays true.
"""

import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Blinder:
    """
    HMAC-SHA256 under a key derived from a secret.

    :param secret: 32 random bytes, for ever the same.
    """

    def __init__(self, secret: bytes) -> None:
        self._key = HKDF(SHA256(), 32, salt=None, info=b"homezone blind v1").derive(secret)

    def blind(self, namespace: str, value: str) -> bytes:
        """32 bytes; other bytes for the same value in another namespace."""
        name = namespace.encode()
        # The length keeps ("a", "bc") and ("ab", "c") apart. A lone surrogate gets bytes as well: a
        # failure here would carry the value in its message.
        message = len(name).to_bytes(4, "big") + name + value.encode(errors="surrogatepass")
        return hmac.digest(self._key, message, "sha256")
