"""
Whose signatures count.

An issuer is trusted for its own name with its own keys only. Keys come from a source that may
change them at any time: fixed for the embedded default, a JWKS document for an identity provider.
"""

from datetime import timedelta
from typing import Protocol

import msgspec
from joserfc.jwk import KeySet

AUDIENCE = "homezone"


class KeySource(Protocol):
    """An issuer's public keys, as far as they are known."""

    @property
    def keys(self) -> KeySet:
        """The keys now: the same object for as long as they do not change."""

    async def refresh(self) -> None:
        """Ask for newer keys, unless that was done just now. Never raises for the provider."""


class FixedKeys:
    """Keys that never change."""

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys

    @property
    def keys(self) -> KeySet:
        """Always the same."""
        return self._keys

    async def refresh(self) -> None:
        """There are no newer ones."""


class TrustedIssuer(msgspec.Struct, frozen=True, eq=False):
    """
    An issuer and how to read its tokens.

    :param issuer: the ``iss`` of its tokens, to the letter.
    :param leeway: how far its clock may be from ours; zero when it is ours.
    :param role_claim: the claim that holds the role.
    :param qq_claim: the claim that holds the QQ number.
    """

    issuer: str
    source: KeySource
    audience: str = AUDIENCE
    leeway: timedelta = timedelta(0)
    role_claim: str = "role"
    qq_claim: str = "sub"
