"""
The two parameters of a read that is of a moment: which, and whose screen.

They are no part of any operation's own query: whatever answers of the past takes both.
"""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import unquote_plus

import msgspec

from api.http.decode import query_decoder
from api.http.parameters import QQ_MAX, QQ_MIN
from api.http.positions import ONE
from api.http.routes import Looked, Route

AS_OF = "as_of"
_TIME = (
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)
_WHEN = f"^({ONE}(,{ONE})*|{_TIME})$"
_OWN = frozenset({AS_OF, "viewer"})


class _Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    as_of: Annotated[str, msgspec.Meta(pattern=_WHEN, max_length=600)]
    viewer: Annotated[int, msgspec.Meta(ge=QQ_MIN, le=QQ_MAX)] | None = None


_READ = query_decoder(_Query)

#: As the OpenAPI document has them.
PARAMETERS: tuple[dict[str, Any], ...] = (
    {
        "name": AS_OF,
        "in": "query",
        "required": False,
        "description": (
            "Answer as of this moment, for the role `auditor`: a position or several"
            " (`0-123,7-45`), or a time (RFC 3339). It is recorded, with `Homezone-Purpose`."
        ),
        "schema": {
            "type": "string",
            "pattern": _WHEN,
            "maxLength": 600,
            "examples": ["0-123", "2026-11-22T08:00:00Z"],
        },
    },
    {
        "name": "viewer",
        "in": "query",
        "required": False,
        "description": "With `as_of`: whose screen it is, by QQ number.",
        "schema": {"type": "integer", "minimum": QQ_MIN, "maximum": QQ_MAX},
    },
)


def looks_back(query: Mapping[str, str], route: Route) -> bool:
    """Whether a query names a moment, or whose screen it is to be."""
    return AS_OF in query or (route.past and "viewer" in query)


def read_looked(raw: str) -> tuple[Looked, str]:
    """
    The moment that a query string names, and what is left of it.

    :raises ProblemError: 400 that names the parameter.
    """
    parts = raw.split("&")
    own = [part for part in parts if _name(part) in _OWN]
    query = _READ("&".join(own))
    rest = "&".join(part for part in parts if _name(part) not in _OWN)
    return Looked(query.as_of, query.viewer), rest


def _name(part: str) -> str:
    return unquote_plus(part.partition("=")[0])
