"""
The catalogue: every event type ever released, in one registry, and every kind of stream.
"""

from typing import Any

from domain import account, circle, comment, disclosure, like, named_list, post, space
from domain.event import Aggregate, Registry

#: Old shapes and what lifts each to its newest. A released tag never leaves the registry.
EVENTS = Registry(
    (
        account.NumberClaimed,
        account.AccountEvent,
        circle.AnyCircleEvent,
        named_list.ListEvent,
        space.SpaceEvent,
        post.PostEvent,
        comment.CommentEvent,
        like.LikeEvent,
        disclosure.SealedDataRead,
    ),
    upcasts={},
)

AGGREGATES: tuple[Aggregate[Any], ...] = (
    account.NUMBER,
    account.ACCOUNT,
    circle.CIRCLE,
    named_list.LISTS,
    space.SPACE,
    post.POST,
    comment.COMMENT,
    like.LIKE,
    disclosure.DISCLOSURES,
)
