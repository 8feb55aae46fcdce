"""
The members that tests are about, each in a cell of their own, and things of theirs.
"""

from uuid import UUID

from domain.account_events import Identity
from domain.ids import CommentId, ListId, MemberId, PostId, derive, mint
from domain.sealed import Sealed

ANNA = MemberId(mint(1_790_000_000_000, 1, 1))
BELA = MemberId(mint(1_790_000_000_001, 2, 2))
CARL = MemberId(mint(1_790_000_000_002, 3, 3))

BY_ANNA = PostId(mint(1_790_000_100_000, 1, 10))
BY_BELA = PostId(mint(1_790_000_100_001, 2, 11))
COMMENT = CommentId(mint(1_790_000_200_000, 2, 20))
ANSWER = CommentId(mint(1_790_000_200_001, 3, 21))
FAMILY = ListId(derive(1, "list", ANNA, b"family"))


def sealed(text: str) -> Sealed[str]:
    """A sealed value; the domain never looks inside."""
    return Sealed(text.encode())


def identity(name: str) -> Identity:
    """Who somebody is, sealed."""
    return Identity(
        sealed(f"qq of {name}"), sealed(name), sealed(f"{name} 王"), sealed("2001-02-03")
    )


def bond(number: int) -> UUID:
    """The id of a request."""
    return mint(1_790_000_300_000 + number, 1, number)
