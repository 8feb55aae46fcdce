"""
What holds of every decision, whatever happened before: Equinox's law that interpreting a command
yields the right events, and again nothing.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import account, circle, comment, like, named_list, post, space, suspensions
from domain.audience import Friends, Listed, OnlyMe, Public
from domain.circle import Tie
from domain.event import Aggregate, Event, Refused
from domain.post_events import PostContent
from tests.domain.given import interpreted_twice
from tests.domain.people import (
    ANNA,
    BELA,
    BY_ANNA,
    CARL,
    COMMENT,
    FAMILY,
    bond,
    identity,
    sealed,
)

Decision = Callable[[Any], Sequence[Event]]

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
OTHERS = st.sampled_from([BELA, CARL])
BONDS = st.builds(bond, st.integers(0, 3))
SETS = st.frozensets(OTHERS)
WORDS = st.sampled_from([sealed("one"), sealed("two")])
AUDIENCES = st.sampled_from([Public(), Friends(), OnlyMe(), Listed(frozenset({BELA}))])
WHO = st.sampled_from([ANNA, BELA, CARL])


@st.composite
def halves(draw: st.DrawFn) -> Tie:
    """Any half that another may stand on."""
    standing: circle.Standing = draw(st.sampled_from(["none", "outgoing", "incoming", "friends"]))
    if standing == "none":
        return Tie(blocked=draw(st.booleans()))
    return Tie(standing, draw(BONDS))


def told(decide: Callable[..., Sequence[Event]], *given: Any) -> Decision:
    """A decision with all but the state given."""
    return lambda state: decide(state, *given)


HALVES = halves()
CIRCLES = st.one_of(
    st.builds(
        lambda o, h, b: told(circle.befriend, ANNA, o, h, b),
        OTHERS,
        HALVES,
        BONDS,
    ),
    st.builds(lambda o: told(circle.unfriend, ANNA, o), OTHERS),
    st.builds(lambda o: told(circle.block, ANNA, o), OTHERS),
    st.builds(lambda o: told(circle.unblock, ANNA, o), OTHERS),
    st.builds(lambda o, c, h: told(circle.follow, ANNA, o, c, h), OTHERS, st.booleans(), HALVES),
    st.builds(lambda o: told(circle.unfollow, ANNA, o), OTHERS),
    st.builds(lambda o, b, h: told(circle.hear_asked, ANNA, o, b, h), OTHERS, BONDS, HALVES),
    st.builds(lambda o, b: told(circle.hear_accepted, ANNA, o, b), OTHERS, BONDS),
    st.builds(lambda o, b: told(circle.hear_ended, ANNA, o, b, "ended"), OTHERS, BONDS),
)


class Kind(NamedTuple):
    """An aggregate and what may be decided there, none of it meant to be done twice."""

    aggregate: Aggregate[Any]
    decisions: st.SearchStrategy[Decision]


def _content(text: Any, title: Any) -> PostContent:
    return PostContent(text, title)


KINDS = {
    "account": Kind(
        account.ACCOUNT,
        st.one_of(
            st.just(told(account.open_account, ANNA, identity("anna"))),
            st.builds(lambda s: told(suspensions.suspend, s, sealed("spam"), NOON), BONDS),
            st.builds(lambda s: told(suspensions.reinstate, NOON, s), BONDS),
            st.just(told(suspensions.reinstate, NOON)),
        ),
    ),
    "number": Kind(
        account.NUMBER, st.builds(lambda who: told(account.claim, who, identity("anna")), WHO)
    ),
    "circle": Kind(circle.CIRCLE, CIRCLES),
    "lists": Kind(
        named_list.LISTS,
        st.one_of(
            st.builds(lambda m: told(named_list.save, ANNA, FAMILY, sealed("family"), m), SETS),
            st.just(told(named_list.delete, ANNA, FAMILY)),
        ),
    ),
    "space": Kind(
        space.SPACE,
        st.one_of(
            st.builds(
                lambda kind, name: told(space.certify, ANNA, kind, name, name.envelope),
                st.sampled_from(["brand", "shop"]),
                WORDS,
            ),
            st.just(told(space.withdraw_certification, ANNA)),
        ),
    ),
    "post": Kind(
        post.POST,
        st.one_of(
            st.builds(
                lambda kind, text, title, audience: told(
                    post.publish, ANNA, kind, _content(text, title), audience
                ),
                st.sampled_from(["shuoshuo", "diary", "share"]),
                WORDS,
                st.none() | WORDS,
                AUDIENCES,
            ),
            st.builds(lambda who, to: told(post.change_audience, who, to), WHO, AUDIENCES),
            st.builds(lambda who: told(post.delete, who), WHO),
        ),
    ),
    "comment": Kind(
        comment.COMMENT,
        st.one_of(
            st.just(
                lambda state: (
                    comment.write(COMMENT, BELA, BY_ANNA, ANNA, sealed("x"), None, state)
                    if isinstance(state, comment.Unwritten)
                    else ()
                )
            ),
            st.builds(lambda who: told(comment.delete, who), WHO),
        ),
    ),
    "like": Kind(
        like.LIKE,
        st.one_of(
            st.just(told(like.give, BELA, BY_ANNA, ANNA)),
            st.just(told(like.withdraw, BELA, BY_ANNA, ANNA)),
        ),
    ),
}


def lived(aggregate: Aggregate[Any], decisions: Sequence[Decision]) -> tuple[list[Event], Any]:
    """A history decided one after the other, and what it comes to."""
    history: list[Event] = []
    state = aggregate.initial
    for decide in decisions:
        try:
            events = decide(state)
        except Refused:
            continue
        state = aggregate.fold(events, state, len(history))
        history += events
    return history, state


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_decision_made_again_decides_nothing(kind: Kind, data: st.DataObject) -> None:
    _, state = lived(kind.aggregate, data.draw(st.lists(kind.decisions, max_size=12)))
    first, again = interpreted_twice(kind.aggregate, state, data.draw(kind.decisions))
    assert again == (), f"after {first}"


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_history_folds_the_same_however_it_is_cut(kind: Kind, data: st.DataObject) -> None:
    history, state = lived(kind.aggregate, data.draw(st.lists(kind.decisions, max_size=15)))
    cut = data.draw(st.integers(0, len(history)))
    before = kind.aggregate.fold(history[:cut], kind.aggregate.initial)
    assert kind.aggregate.fold(history[cut:], before, cut) == state


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_what_was_decided_is_never_changed_by_deciding_more(
    kind: Kind, data: st.DataObject
) -> None:
    """States are values: a command in flight may hold one while the stream moves on."""
    _, state = lived(kind.aggregate, data.draw(st.lists(kind.decisions, max_size=10)))
    kept = repr(state)
    for decide in data.draw(st.lists(kind.decisions, max_size=5)):
        interpreted_twice(kind.aggregate, state, decide)
    assert repr(state) == kept


@settings(max_examples=100, deadline=None)
@given(st.lists(CIRCLES, max_size=30))
def test_a_circle_counts_what_its_ties_say(decisions: list[Decision]) -> None:
    _, state = lived(circle.CIRCLE, decisions)
    ties = list(state.ties.values())
    assert state.friends == sum(tie.standing == "friends" for tie in ties)
    assert state.incoming == sum(tie.standing == "incoming" for tie in ties)
    assert state.outgoing == sum(tie.standing == "outgoing" for tie in ties)
    assert state.blocks == sum(tie.blocked for tie in ties)
    assert state.follows == sum(tie.follows for tie in ties)
    assert all((tie.standing == "none") == (tie.bond is None) for tie in ties)
    assert not any(tie.blocked and (tie.offered or tie.follows) for tie in ties)
