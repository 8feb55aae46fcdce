"""
A decision as a statement of reasons in the EU's DSA Transparency Database: its field names, its
enumerations, version 2 of its API.

What is published says nothing of a person (Article 24(5) of Regulation (EU) 2022/2065). What the
moderator wrote as explanation and facts is for the member and stays sealed, since it may quote or
name anybody; the public texts are sentences from here, put together from what is no one's data:
what kind of thing it was, how it was found, which clause, which category.
"""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Final, Literal

import msgspec

from api.moderation.categories import category_of
from projections.reading.decisions import DecisionView

#: The European Economic Area: a decision of ours holds wherever the service is used.
TERRITORY: Final = (
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE",
    "IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
)  # fmt: skip
_EARLIEST: Final = date(2000, 1, 1)

_THINGS: Final = {
    "post": "A post",
    "comment": "A comment",
    "message": "A message",
    "nickname": "A nickname",
    "member": "An account",
    "album": "An album",
    "photo": "A photo",
}
_CONTENT_TYPES: Final = {
    "member": ("CONTENT_TYPE_OTHER",),
    "photo": ("CONTENT_TYPE_IMAGE",),
}
_FOUND: Final = {
    "report": "notices by members of the service",
    "by_hand": "staff of the service",
    "appeal": "an appeal of the member concerned",
}
_BY_RULES: Final = "automated screening against rules of the service"

YesNo = Literal["Yes", "No"]
Text = Annotated[str, msgspec.Meta(max_length=500)]


class TransparencyStatement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    One statement of reasons, in the field names of the EU DSA Transparency Database, version 2;
    fields that do not apply are left out.
    """

    puid: str
    decision_visibility: tuple[str, ...] | None = None
    end_date_visibility_restriction: date | None = None
    decision_provision: str | None = None
    end_date_service_restriction: date | None = None
    decision_account: str | None = None
    end_date_account_restriction: date | None = None
    decision_ground: Literal[
        "DECISION_GROUND_ILLEGAL_CONTENT", "DECISION_GROUND_INCOMPATIBLE_CONTENT"
    ]
    illegal_content_legal_ground: Text | None = None
    illegal_content_explanation: str | None = None
    incompatible_content_ground: Text | None = None
    incompatible_content_explanation: str | None = None
    incompatible_content_illegal: YesNo | None = None
    content_type: tuple[str, ...]
    content_type_other: str | None = None
    category: str
    category_specification: tuple[str, ...] | None = None
    category_specification_other: Text | None = None
    territorial_scope: tuple[str, ...] = msgspec.field(default_factory=tuple)
    content_date: date
    application_date: date
    decision_facts: str
    source_type: str
    automated_detection: YesNo
    automated_decision: str


#: The order of columns in a table, and of fields in a line.
COLUMNS: Final = TransparencyStatement.__struct_fields__


def statement_of(view: DecisionView) -> TransparencyStatement | None:
    """The statement of a decision; None when it restricts nothing, and so needs no statement."""
    visibility = _VISIBILITY.get(view.verdict)
    sanctions = dict(view.sanctions)
    account = next((kind for kind in _ACCOUNT if kind in sanctions), None)
    restricted = "restriction" in sanctions
    if visibility is None and account is None and not restricted:
        return None
    category, other = category_of(view.category)
    applied = view.decided_at.date()
    ended = None if view.overturned_at is None else view.overturned_at.date()

    def end_of(kind: str) -> date | None:
        until = sanctions[kind]
        return ended or (None if until is None else until.date())

    about_account = view.kind == "member"
    illegal = view.ground == "illegal"
    reason = _explanation(view, illegal=illegal)
    return TransparencyStatement(
        puid=str(view.decision),
        decision_visibility=None if visibility is None else (visibility,),
        end_date_visibility_restriction=None if visibility is None else ended,
        decision_provision="DECISION_PROVISION_PARTIAL_SUSPENSION" if restricted else None,
        end_date_service_restriction=end_of("restriction") if restricted else None,
        decision_account=None if account is None else _ACCOUNT[account],
        end_date_account_restriction=None if account is None else end_of(account),
        decision_ground=(
            "DECISION_GROUND_ILLEGAL_CONTENT" if illegal else "DECISION_GROUND_INCOMPATIBLE_CONTENT"
        ),
        illegal_content_legal_ground=view.clause if illegal else None,
        illegal_content_explanation=reason if illegal else None,
        incompatible_content_ground=None if illegal else view.clause,
        incompatible_content_explanation=None if illegal else reason,
        incompatible_content_illegal=None if illegal else "No",
        content_type=_CONTENT_TYPES.get(view.kind, ("CONTENT_TYPE_TEXT",)),
        content_type_other="Account" if about_account else None,
        category=category,
        category_specification=None if other is None else ("KEYWORD_OTHER",),
        category_specification_other=other,
        territorial_scope=TERRITORY,
        content_date=max(_EARLIEST, min(applied, view.content_at.date())),
        application_date=applied,
        decision_facts=_facts(view),
        source_type=_source(view, illegal=illegal),
        automated_detection="Yes" if view.automated_detection else "No",
        automated_decision="AUTOMATED_DECISION_NOT_AUTOMATED",
    )


# What was kept back never was visible, and is kept so; what was visible is removed.
_VISIBILITY: Final = {
    "reject": "DECISION_VISIBILITY_CONTENT_DISABLED",
    "unpublish": "DECISION_VISIBILITY_CONTENT_REMOVED",
}
#: The gravest first: one is stated.
_ACCOUNT: Final = {
    "ban": "DECISION_ACCOUNT_TERMINATED",
    "suspension": "DECISION_ACCOUNT_SUSPENDED",
}


def statements_of(views: Iterable[DecisionView]) -> Iterable[TransparencyStatement]:
    """The statements of those that need one."""
    for view in views:
        if (statement := statement_of(view)) is not None:
            yield statement


def _source(view: DecisionView, *, illegal: bool) -> str:
    if view.cause == "report":
        # Notices under Article 16 are of illegal content; of anything else they are notices still.
        return "SOURCE_ARTICLE_16" if illegal else "SOURCE_TYPE_OTHER_NOTIFICATION"
    return "SOURCE_VOLUNTARY"


def _facts(view: DecisionView) -> str:
    thing = _THINGS[view.kind]
    found = _FOUND.get(view.cause, _BY_RULES)
    return (
        f"{thing} was brought to the attention of moderators by {found}. A moderator examined it"
        f" and found it to fall under the category '{view.category}'."
    )


def _explanation(view: DecisionView, *, illegal: bool) -> str:
    against = "the law named as ground" if illegal else "the clause of the terms named as ground"
    return (
        f"{_THINGS[view.kind]} of the category '{view.category}' was found by a moderator"
        f" to be against {against}."
    )
