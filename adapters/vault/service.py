"""
Key services: an external KMS wraps the master key where no disk may hold it as it is.

The master is then a few hundred bytes of JSON that open nothing without the service. Who wrapped it
stands beside it, so that whoever opens the vault needs nothing but the right to ask. A service is
asked once for as long as a vault is open: it may go away meanwhile.
"""

from typing import Final, Literal, Protocol

import msgspec

from adapters.vault.key import KEY_BYTES, VaultFault

_AWS: Final = "aws-kms://"


class Wrapped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    A master key that a service wrapped.

    :param service: the URL that the operator named.
    :param key: the service's key, as it names it itself: an alias may be moved, this is not.
    :param wrapped: what only that key opens.
    """

    service: str
    key: str
    wrapped: bytes
    format: Literal[1] = 1

    @property
    def text(self) -> bytes:
        """As it is kept."""
        return msgspec.json.encode(self) + b"\n"

    @classmethod
    def parse(cls, raw: bytes) -> "Wrapped | None":
        """From what is kept; None for a master key that nobody wrapped, or no master key at all."""
        try:
            return None if len(raw) == KEY_BYTES else msgspec.json.decode(raw, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None


class KeyService(Protocol):
    """
    Wraps and unwraps. Tries again for some seconds by itself.

    :raises VaultFault: from both, when it cannot be reached or refuses.
    """

    def wrap(self, secret: bytes) -> tuple[str, bytes]:
        """The key that wrapped it, as the service names it, and what it made of it."""
        ...

    def unwrap(self, key: str, wrapped: bytes) -> bytes:
        """What was wrapped by that key."""
        ...


def service_at(url: str) -> KeyService:
    """
    The service that a URL names: ``aws-kms://KEY``.

    :raises VaultFault: there is none of that kind, or what it takes is not installed.
    """
    check_service(url)
    try:
        from adapters.vault.aws import AwsKeyService
    except ImportError:
        raise VaultFault(f"{_AWS} takes boto3, which is not installed: homezone[kms]") from None
    return AwsKeyService(url.removeprefix(_AWS))


def check_service(url: str) -> str:
    """
    A service's URL, if it is one.

    :raises VaultFault: it is not.
    """
    if not url.startswith(_AWS) or not url.isascii() or not url[len(_AWS) :].strip():
        raise VaultFault(f"a key service is named as {_AWS}KEY: an ARN, an id, or alias/NAME")
    return url


def wrap(secret: bytes, url: str) -> Wrapped:
    """
    Have a service wrap a master key.

    :raises VaultFault: it cannot be reached, or refuses.
    """
    key, wrapped = service_at(url).wrap(secret)
    return Wrapped(url, key, wrapped)


def unwrap(wrapped: Wrapped) -> bytes:
    """
    Have it unwrapped by the service that wrapped it.

    :raises VaultFault: it cannot be reached, refuses, or what it gives is no master key.
    """
    secret = service_at(wrapped.service).unwrap(wrapped.key, wrapped.wrapped)
    if len(secret) != KEY_BYTES:
        raise VaultFault(f"what {wrapped.service} unwrapped is not a master key")
    return secret
