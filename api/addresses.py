"""
Whom a request comes from, as far as limits need to know.

An address is whoever connected, unless that is a proxy that the operator trusts: then it is the
last one in ``X-Forwarded-For`` that no trusted proxy has. What a client writes into that header
itself stands further left and is not believed. One who has IPv6 has a whole /64 to choose from, so
that counts as one.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

Network = IPv4Network | IPv6Network

_FORWARDED = "X-Forwarded-For"
_REMEMBERED_MAX = 20_000
#: Proxies in a row; a longer list is somebody's invention.
_HOPS_MAX = 16


def parse_networks(text: str) -> tuple[Network, ...]:
    """
    From a list by commas, as in ``10.0.0.0/8, 2001:db8::7``.

    :raises ValueError: one of them is no network.
    """
    return tuple(ip_network(one.strip()) for one in text.split(",") if one.strip())


class Addresses:
    """
    Reads addresses off requests.

    :param trusted: networks of the operator's own proxies.
    """

    def __init__(self, trusted: Sequence[Network] = ()) -> None:
        self._trusted = tuple(trusted)
        self._known: dict[str, str | None] = {}

    def of(self, request: "web.Request") -> str | None:
        """
        An address, or the network that stands for it; None for this very machine and for a trusted
        proxy, which are nobody in particular.
        """
        peer = request.remote or ""
        if self._trusted:
            forwarded = request.headers.getall(_FORWARDED, None)
            if forwarded is not None and self._is_trusted(peer):
                peer = self._last_untrusted(peer, ",".join(forwarded))
        try:
            return self._known[peer]
        except KeyError:
            if len(self._known) >= _REMEMBERED_MAX:
                self._known.clear()
            found = self._known[peer] = self._name(peer)
            return found

    def _last_untrusted(self, peer: str, forwarded: str) -> str:
        found = peer
        for hop in reversed(forwarded.split(",")[-_HOPS_MAX:]):
            address = _parse(hop.strip())
            if address is None:
                return found
            found = str(address)
            if not self._is_trusted(found):
                return found
        return found

    def _is_trusted(self, text: str) -> bool:
        address = _parse(text)
        return address is not None and any(address in network for network in self._trusted)

    def _name(self, text: str) -> str | None:
        address = _parse(text)
        if address is None or address.is_loopback or self._is_trusted(text):
            return None
        if isinstance(address, IPv6Address):
            return str(IPv6Network((int(address) >> 64 << 64, 64)))
        return str(address)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """An address in any of its spellings, with or without a port."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
