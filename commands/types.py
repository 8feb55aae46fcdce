"""
The types of what callers may say, with the limits stated in them.

Decoding a body into one of these is the whole of its validation: what comes through is well formed.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, TypeAlias
from uuid import UUID

import msgspec

from domain.album import ALBUM_TITLE_LENGTH_MAX
from domain.audience import LISTED_MAX
from domain.comment import COMMENT_LENGTH_MAX
from domain.money import COINS_MAX
from domain.photo import ALT_LENGTH_MAX, CAPTION_LENGTH_MAX, PLACE_MAX
from domain.plans import LEVEL_MAX
from domain.post import DIARY_LENGTH_MAX, IMAGES_MAX, SHUOSHUO_LENGTH_MAX, TITLE_LENGTH_MAX

NICKNAME_LENGTH_MAX = 36
#: Of one item in one order.
QUANTITY_MAX = 100
#: How long an item or a bonus is good for: ten years.
DAYS_MAX = 3_650

#: A QQ number: 5 to 11 digits.
QQ: TypeAlias = Annotated[
    int, msgspec.Meta(ge=10_000, le=99_999_999_999, description="A QQ number.", examples=[10001])
]
Nickname: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=NICKNAME_LENGTH_MAX)]
RealName: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
ShuoshuoText: TypeAlias = Annotated[
    str, msgspec.Meta(min_length=1, max_length=SHUOSHUO_LENGTH_MAX, examples=["床前明月光"])
]
ShareText: TypeAlias = Annotated[str, msgspec.Meta(max_length=SHUOSHUO_LENGTH_MAX)]
DiaryText: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=DIARY_LENGTH_MAX)]
Title: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=TITLE_LENGTH_MAX)]
Mood: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
Location: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
AlbumTitle: TypeAlias = Annotated[
    str, msgspec.Meta(min_length=1, max_length=ALBUM_TITLE_LENGTH_MAX, examples=["江南春"])
]
Caption: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=CAPTION_LENGTH_MAX)]
#: What a picture shows, for those who do not see it.
Alt: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=ALT_LENGTH_MAX)]
#: Where a photo stands in its owner's own order; those of one place stand as they were added.
Place: TypeAlias = Annotated[int, msgspec.Meta(ge=-PLACE_MAX, le=PLACE_MAX)]
CommentText: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=COMMENT_LENGTH_MAX)]
ListName: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Images: TypeAlias = Annotated[list[UUID], msgspec.Meta(max_length=IMAGES_MAX)]
#: Whom a post mentions beside those whom its text does.
Mentions: TypeAlias = Annotated[list[QQ], msgspec.Meta(max_length=20)]
Reason: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]
#: What somebody says of a case.
Statement: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=4_000)]
#: A clause is a citation, and no place for words about anybody: it is told, exported and published.
Clause: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=60,
        pattern=(
            r"^([A-Za-z][A-Za-z-]{0,19} )?(§ ?|Art\. ?)?[0-9]{1,4}[a-z]?"
            r"([.-][0-9]{1,3}[a-z]?|\([0-9a-z]{1,4}\)){0,6}$(?!\n)"
        ),
        description=(
            "A clause of the terms or of a law, by its number: `4.2`, `StGB § 130`,"
            " `DSA Art. 14(1)`."
        ),
        examples=["4.2", "StGB § 130"],
    ),
]
#: A kind of offence, as the rules and whoever keeps the statistics name it.
Category: TypeAlias = Annotated[
    str, msgspec.Meta(min_length=1, max_length=60, pattern="^[a-z0-9_-]+$", examples=["bullying"])
]
#: Coins, whole and at least one.
Coins: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=COINS_MAX, examples=[100])]
RailName: TypeAlias = Annotated[
    str, msgspec.Meta(min_length=1, max_length=40, pattern="^[a-z0-9-]+$", examples=["demo"])
]
#: What a payment is called on its rail.
RailReference: TypeAlias = Annotated[
    str, msgspec.Meta(min_length=1, max_length=128, pattern="^[!-~]+$", examples=["4200001889"])
]
#: A kind of item, as the shop front sorts them.
ItemKind: TypeAlias = Annotated[
    str, msgspec.Meta(min_length=1, max_length=40, pattern="^[a-z0-9_-]+$", examples=["theme"])
]
ItemTitle: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=60, examples=["雪夜"])]
Quantity: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=QUANTITY_MAX)]
#: A level of Yellow Diamond.
Level: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=LEVEL_MAX)]
Days: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=DAYS_MAX)]
#: A moment, with its offset from UTC: without one it is any of several.
Moment: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]


class ToPublic(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="to", tag="public"
):
    """Every member."""


class ToFriends(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="to", tag="friends"
):
    """The author's friends."""


class ToOnlyMe(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="to", tag="only_me"
):
    """The author alone."""


class ToList(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="to", tag="list"):
    """The members named here, or those of one of the author's named lists: one of the two."""

    members: Annotated[list[QQ], msgspec.Meta(max_length=LISTED_MAX)] | None = msgspec.field(
        name="list", default=None
    )
    name: ListName | None = None


AudienceChoice: TypeAlias = ToPublic | ToFriends | ToOnlyMe | ToList

#: Whether a change may be made to a version of what it changes.
Precondition: TypeAlias = Callable[[int], bool]
