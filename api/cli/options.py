"""
The many numbers of a server that few operators ever change, apart from the few that all of them do.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Group, Parameter, validators

from api.addresses import Network, parse_networks
from api.cli.failures import Failed
from api.quotas import Quota, Quotas
from domain.evidence.notes import COSIGNATURE, BadNote, Verifier

_LIMITS = Group("Limits")
_BOUNDS = Group("Bounds")
_PHOTOS = Group("Photos")
_NOTARY = Group("Notary")
_KEYS = Group("Keys")
_KEPT = Group("Erasure")
_SOME = validators.Number(gte=1)


def _text(environment: str, help: str, group: Group) -> Parameter:
    return Parameter(env_var=environment, help=help, group=group)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PhotoOptions:
    """Where photos are kept, and how large one may be."""

    object_store: Annotated[
        str | None,
        _text(
            "OBJECT_STORE_URL",
            "A bucket for photos, s3://BUCKET/PREFIX. Default: photos/ in the data directory.",
            _PHOTOS,
        ),
    ] = None
    upload_max: Annotated[
        int,
        Parameter(
            env_var="UPLOAD_BYTES_MAX",
            validator=_SOME,
            group=_PHOTOS,
            help="Bytes of one photo.",
        ),
    ] = 50_000_000


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Tuning(PhotoOptions):
    """Limits as ``RATE/BURST``: requests a second, and at once."""

    limit_member: Annotated[
        str | None, _text("LIMIT_MEMBER", "Of a member. Default: 100/1000.", _LIMITS)
    ] = None
    limit_writes: Annotated[
        str | None, _text("LIMIT_WRITES", "Of a member's writes. Default: 50/500.", _LIMITS)
    ] = None
    limit_address: Annotated[
        str | None,
        _text("LIMIT_ADDRESS", "Of all members behind an address. Default: 1000/10000.", _LIMITS),
    ] = None
    limit_guest: Annotated[
        str | None,
        _text("LIMIT_GUEST", "Of an address without a valid token. Default: 100/1000.", _LIMITS),
    ] = None
    limit_staff: Annotated[
        str | None, _text("LIMIT_STAFF", "Of one of staff. Default: 1000/10000.", _LIMITS)
    ] = None
    trusted_proxies: Annotated[
        str | None,
        _text(
            "TRUSTED_PROXIES",
            "Networks, by commas, whose X-Forwarded-For is believed. Default: none.",
            _LIMITS,
        ),
    ] = None
    requests_max: Annotated[
        int,
        Parameter(
            env_var="REQUESTS_MAX",
            validator=_SOME,
            group=_BOUNDS,
            help="Requests inside at once; beyond, 503.",
        ),
    ] = 2_000
    connections_max: Annotated[
        int,
        Parameter(
            env_var="CONNECTIONS_MAX",
            validator=_SOME,
            group=_BOUNDS,
            help="Connections at once; beyond, 503.",
        ),
    ] = 12_000
    streams_max: Annotated[
        int,
        Parameter(
            env_var="STREAMS_MAX", validator=_SOME, group=_BOUNDS, help="Streams; beyond, 503."
        ),
    ] = 10_000
    streams_of_member_max: Annotated[
        int,
        Parameter(
            env_var="STREAMS_OF_MEMBER_MAX",
            validator=_SOME,
            group=_BOUNDS,
            help="Streams of one member; beyond, 429.",
        ),
    ] = 20
    access_log: Annotated[
        Literal["off", "slow", "all"],
        Parameter(
            env_var="ACCESS_LOG",
            group=_BOUNDS,
            help="A line for no request, for those of a second or more and of 5xx, or for all.",
        ),
    ] = "slow"
    drain: Annotated[
        float,
        Parameter(
            env_var="DRAIN",
            validator=validators.Number(gte=0, lte=600),
            group=_BOUNDS,
            help="Seconds, when told to stop, to say so in /readyz before the door closes.",
        ),
    ] = 0.0

    kms: Annotated[
        str | None,
        _text(
            "KMS_URL",
            "The key service that wraps the master key, aws-kms://KEY. Default: whichever does.",
            _KEYS,
        ),
    ] = None
    retention: Annotated[
        float,
        Parameter(
            env_var="RETENTION_DAYS",
            validator=validators.Number(gte=0, lte=36_500),
            group=_KEPT,
            help="Days for which what is deleted can be read by those who audit.",
        ),
    ] = 30.0

    notary_key: Annotated[
        Path | None,
        _text("NOTARY_KEY", "The file of its key. Default: one in the data directory.", _NOTARY),
    ] = None
    notary_name: Annotated[
        str | None,
        _text(
            "NOTARY_NAME", "Of a new log, as in example.com/log. Default: a random one.", _NOTARY
        ),
    ] = None
    witnesses: Annotated[
        str | None,
        _text("WITNESSES", "Verifier keys, by commas, whose cosignatures are taken.", _NOTARY),
    ] = None

    @property
    def key_service(self) -> str | None:
        """
        Which key service is to wrap the master key.

        :raises Failed: it is not named as one.
        """
        return None if self.kms is None else key_service(self.kms)

    @property
    def witness_keys(self) -> tuple[str, ...]:
        """
        Whose cosignatures are taken.

        :raises Failed: one of them is no key of a witness.
        """
        keys = tuple(one.strip() for one in (self.witnesses or "").split(",") if one.strip())
        try:
            fitting = all(Verifier.parse(one).kind == COSIGNATURE for one in keys)
        except BadNote:
            fitting = False
        if not fitting:
            raise Failed("--witnesses takes verifier keys of witnesses, NAME+ID+KEY", 2)
        return keys

    @property
    def quotas(self) -> Quotas:
        """
        The limits.

        :raises Failed: one of them cannot be read.
        """
        given = {
            name: _quota(name, text)
            for name in Quotas.__struct_fields__
            if (text := getattr(self, f"limit_{name}")) is not None
        }
        return Quotas(**given)

    @property
    def networks(self) -> tuple[Network, ...]:
        """
        The trusted proxies.

        :raises Failed: one of them is no network.
        """
        try:
            return parse_networks(self.trusted_proxies or "")
        except ValueError:
            raise Failed("--trusted-proxies takes networks, as in 10.0.0.0/8", 2) from None


def _quota(name: str, text: str) -> Quota:
    try:
        return Quota.parse(text)
    except (ValueError, OverflowError):
        raise Failed(f"--limit-{name} takes RATE/BURST, as in 100/1000", 2) from None


def key_service(url: str) -> str:
    """
    The URL of a key service.

    :raises Failed: it is none.
    """
    from api.wiring.keys import VaultFault, check_service

    try:
        return check_service(url)
    except VaultFault as fault:
        raise Failed(str(fault), 2) from None


def rails_at(text: str) -> dict[str, str]:
    """
    Payment rails by name, from ``NAME=URL,…``.

    :raises Failed: one of them cannot be read, or its URL could not be believed.
    """
    from api.wiring.rails import parse_rails

    try:
        return parse_rails(text)
    except ValueError:
        raise Failed("--rails takes NAME=URL, the URL https or on this machine", 2) from None
