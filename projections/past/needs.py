"""
What each statement needs of the log, so that its rows are right.

A need names parameters of the statement and says which events they stand for. It may stand for more
than the statement reads, never for less: a row is right once every event that ever touched it is
there. A statement that is not listed cannot be asked of the past.
"""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from domain.catalogue import AGGREGATES_BY_TYPE
from domain.event import Event

#: ``streams``: the streams of these ids. ``things``: with all that names them. ``concerning``: all
#: that is these members' data or names them. ``kinds``: every event of these kinds of stream.
How: TypeAlias = Literal["streams", "things", "concerning", "kinds"]


class Need(msgspec.Struct, frozen=True):
    """
    The events that the ids in some parameters stand for.

    :param kinds: of streams, whose events are enough; all, where none is named.
    :param parents: with the streams of what those events name.
    """

    how: How
    parameters: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    parents: bool = False

    @property
    def types(self) -> frozenset[type[Event]] | None:
        """The types of event that are enough; None for all."""
        return None if not self.kinds else types_of(self.kinds)


def types_of(kinds: tuple[str, ...]) -> frozenset[type[Event]]:
    """The types of event of some kinds of stream."""
    return frozenset(
        kind for kind, aggregate in AGGREGATES_BY_TYPE.items() if aggregate.name in kinds
    )


def _streams(*parameters: str, parents: bool = False) -> Need:
    return Need("streams", parameters, parents=parents)


def _things(*parameters: str, parents: bool = False) -> Need:
    return Need("things", parameters, parents=parents)


def _of(parameter: str, *kinds: str, parents: bool = False) -> Need:
    return Need("concerning", (parameter,), kinds, parents)


def _ties(*parameters: str) -> Need:
    """What decides who is whose friend, who blocks whom, and who is on which list."""
    return Need("concerning", parameters, ("circle", "lists", "space"))


def _people(*parameters: str) -> Need:
    """Who they are, and as what their spaces are certified."""
    return Need("concerning", parameters, ("account", "space"))


_EVERY_CASE = Need("kinds", (), ("case",))
#: What decides of anything how its viewer stands to whose it is.
SHOWN: Final = (_ties("viewer"), _people("viewer"))
_EXHIBITS: Final = ("album", "photo", "gallery")
_COINS: Final = ("wallet", "order", "payment", "membership", "received-gift", "allowance")
_GOODS: Final = ("order", "belonging", "received-gift", "decoration", "wallet", "item")

NEEDS: Final[Mapping[str, tuple[Need, ...]]] = {
    # People, and how they stand to each other
    "member_status": (_streams("member"),),
    "members_by_id": (_people("members"), *SHOWN),
    "friendship_halves": (_ties("member"),),
    "blocked_members": (_ties("member"),),
    "followed_spaces": (_ties("member"),),
    "lists_of_owner": (_of("owner", "lists"),),
    "members_of_lists": (_things("lists"),),
    "all_ties": (_ties("viewer"),),
    "ties_to": (_ties("viewer"),),
    # Posts, and what stands under them
    "hydrate_posts": (_things("posts"), *SHOWN),
    "polls_of_posts": (_things("posts"),),
    "tallies_of_posts": (_things("posts"),),
    "mentions_of_posts": (_streams("posts"), _ties("members")),
    "mentioned_members": (_people("members"), _ties("members"), *SHOWN),
    "posts_mentioning": (_of("member", "post"),),
    "comments_of_post": (_things("post"),),
    "comment_by_id": (_streams("comments"),),
    "comment_gates": (_streams("comments"), _people("authors"), *SHOWN),
    "likes_of_post": (_things("post"),),
    "likers": (_people("members"), *SHOWN),
    "timeline": (_of("member"),),
    # Albums and photos
    "hydrate_albums": (_things("albums"), *SHOWN),
    "albums_of_member": (_of("owner", *_EXHIBITS), *SHOWN),
    "storage_of_member": (_of("owner", *_EXHIBITS),),
    "images_of_posts": (_streams("photos", parents=True),),
    "hydrate_photos": (_streams("photos", parents=True), *SHOWN),
    "photos_newest": (_things("album"), *SHOWN),
    "photos_oldest": (_things("album"), *SHOWN),
    "photos_taken": (_things("album"), *SHOWN),
    "photos_own": (_things("album"), *SHOWN),
    "photos_of_member": (_of("owner", *_EXHIBITS), *SHOWN),
    # The space
    "homes_of_members": (_of("members", "home"),),
    "decoration_of_member": (_of("member", *_GOODS),),
    "wardrobe_by_order": (_of("member", *_GOODS),),
    "badges_of_member": (_of("member"),),
    "messages_of_space": (_of("space", "message"),),
    "newest_messages": (_of("spaces", "message"),),
    "messages_by_id": (_streams("messages"),),
    "visits_of_spaces": (_of("spaces", "visits", "removed-visitor"),),
    "newest_visitors": (_of("spaces", "visits", "removed-visitor"),),
    "visitors_of_space": (_of("space", "visits", "removed-visitor"),),
    # What a member is told
    "notice_settings": (_of("member", "notices"),),
    "notice_marks": (_of("member", "notices"),),
    "notice_heads": (_of("member"),),
    "unread_notice_heads": (_of("member"),),
    "newest_of_notices": (_of("member"),),
    "notice_gates": (_streams("sources"), _people("actors"), *SHOWN),
    # Coins and goods
    "wallet_of_member": (_of("member", *_COINS),),
    "lot_position": (_of("member", *_COINS),),
    "postings_of_member": (_of("member"),),
    "lots_of_postings": (_of("member"),),
    "moves_of_lot": (_things("lot"),),
    "memberships_of_member": (_of("member", *_COINS),),
    "mall_items": (Need("kinds", (), ("item",)),),
    "order_by_id": (_things("order"),),
    "belongings_of_member": (_of("member", *_GOODS),),
    "gifts_of_member": (_of("member", *_GOODS),),
    # Moderation
    **dict.fromkeys(
        (
            "cases_open", "cases_in_queue", "cases_overdue", "cases_in_state",
            "cases_in_queue_and_state", "cases_claimed_by", "cases_by_id",
        ),
        (_EVERY_CASE,),
    ),
    "authority_requests": (Need("kinds", (), ("authority request",)),),
    "legal_holds": (Need("kinds", (), ("erasure",)),),
    "decisions_of_owner": (_of("owner", "case", "standing", parents=True),),
    "case_of_decision": (_of("owner", "case"),),
    "public_notes": (_streams("cases"),),
    "reports_of_reporter": (_of("reporter", "case", parents=True),),
    "strikes_of_member": (_of("member", "standing"),),
    "sanctions_of_member": (_of("member", "standing"),),
}  # fmt: skip

#: Pages of the newest by some authors: found by looking back as far as the page goes.
NEWEST: Final = ("page_by_authors", "narrowed_page_by_authors")

#: What answers of a moment by itself: sums of whole stretches of the log, asked for up to it.
TIMELESS: Final = ("ledger_turnovers", "ledger_rates")
