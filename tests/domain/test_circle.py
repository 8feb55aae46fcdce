"""
A member's circle: asking, accepting, ending, blocking, following; its limits and its counts.

How the two halves of a friendship find together is in test_friendship.py.
"""

from uuid import UUID

import msgspec
import pytest

from domain.circle import (
    BLOCKS_MAX,
    CIRCLE,
    FOLLOWS_MAX,
    FRIENDS_MAX,
    REQUESTS_MAX,
    Circle,
    FriendAccepted,
    FriendAsked,
    FriendConfirmed,
    FriendEnded,
    FriendLapsed,
    FriendRequestReceived,
    MemberBlocked,
    MemberUnblocked,
    SpaceFollowed,
    SpaceUnfollowed,
    Standing,
    Tie,
    befriend,
    block,
    circle_stream,
    follow,
    friends,
    hear_accepted,
    hear_asked,
    hear_ended,
    unblock,
    unfollow,
    unfriend,
)
from domain.event import Refused
from domain.ids import cell_of
from tests.domain.given import given
from tests.domain.people import ANNA, BELA, bond

ONE, TWO, THREE = bond(1), bond(2), bond(3)

ASKED = FriendAsked(ANNA, BELA, ONE)
RECEIVED = FriendRequestReceived(ANNA, BELA, ONE)
ACCEPTED = FriendAccepted(ANNA, BELA, ONE)
CONFIRMED = FriendConfirmed(ANNA, BELA, ONE)
WITHDRAWN = FriendEnded(ANNA, BELA, ONE, "withdrawn")
DECLINED = FriendEnded(ANNA, BELA, ONE, "declined")
ENDED = FriendEnded(ANNA, BELA, ONE, "ended")
LAPSED = FriendLapsed(ANNA, BELA, ONE, "ended")
BLOCKED = MemberBlocked(ANNA, BELA)
UNBLOCKED = MemberUnblocked(ANNA, BELA)
FOLLOWED = SpaceFollowed(ANNA, BELA)
UNFOLLOWED = SpaceUnfollowed(ANNA, BELA)

NOTHING = Tie()


def half(standing: Standing, bond: UUID = ONE) -> Tie:
    """Bela's half, as Anna reads it."""
    return Tie(standing, bond)


# Asking and accepting


def test_a_member_asks_for_friendship_once() -> None:
    given(CIRCLE).when(befriend, ANNA, BELA, NOTHING, ONE).then(ASKED)
    given(CIRCLE, ASKED).when(befriend, ANNA, BELA, NOTHING, TWO).then_nothing()
    given(CIRCLE, ASKED).when(befriend, ANNA, BELA, half("incoming"), TWO).then_nothing()


def test_who_was_asked_accepts_by_asking_back_whether_the_request_arrived_yet_or_not() -> None:
    given(CIRCLE, RECEIVED).when(befriend, ANNA, BELA, half("outgoing"), TWO).then(ACCEPTED)
    given(CIRCLE).when(befriend, ANNA, BELA, half("outgoing"), TWO).then(ACCEPTED)


def test_friends_are_friends_from_the_acceptance_on() -> None:
    assert friends(given(CIRCLE, RECEIVED, ACCEPTED).state.tie(BELA), half("outgoing"))
    accepted = given(CIRCLE, RECEIVED, ACCEPTED)
    accepted.when(befriend, ANNA, BELA, half("outgoing"), TWO).then_nothing()
    accepted.when(befriend, ANNA, BELA, half("friends"), TWO).then_nothing()
    given(CIRCLE, ASKED).when(befriend, ANNA, BELA, half("friends"), TWO).then_nothing()


def test_halves_that_offer_other_bonds_or_none_are_no_friendship() -> None:
    assert not friends(NOTHING, NOTHING)
    assert not friends(half("incoming"), half("outgoing"))
    assert not friends(half("friends", ONE), half("friends", TWO))


def test_an_acceptance_is_of_a_request_that_stands_not_of_an_older_bond() -> None:
    """Bela ended the first bond and asked anew, and Anna has heard of neither."""
    still = given(CIRCLE, ASKED, CONFIRMED)
    accepted = FriendAccepted(ANNA, BELA, TWO)
    still.when(befriend, ANNA, BELA, half("outgoing", TWO), THREE).then(accepted)


@pytest.mark.parametrize(
    "ending", [(RECEIVED, DECLINED), (ACCEPTED, ENDED), (BLOCKED, DECLINED, UNBLOCKED)]
)
def test_a_request_once_answered_is_over_although_the_other_half_still_stands(
    ending: tuple[FriendRequestReceived, ...],
) -> None:
    """Bela has not heard of it yet: Anna's change of mind is a new request."""
    asked = FriendAsked(ANNA, BELA, TWO)
    over = given(CIRCLE, *ending)
    over.when(befriend, ANNA, BELA, half("outgoing", ONE), TWO).then(asked)
    over.when(hear_asked, ANNA, BELA, ONE, half("outgoing", ONE)).then_nothing()


def test_one_is_nobodys_friend_but_ones_own() -> None:
    given(CIRCLE).when(befriend, ANNA, ANNA, NOTHING, ONE).then_refused("not-yourself")
    given(CIRCLE).when(block, ANNA, ANNA).then_refused("not-yourself")
    given(CIRCLE).when(follow, ANNA, ANNA, True, NOTHING).then_refused("not-yourself")


def test_a_block_stands_in_the_way_of_asking_and_only_ones_own_is_told() -> None:
    theirs = Tie(blocked=True)
    given(CIRCLE, BLOCKED).when(befriend, ANNA, BELA, NOTHING, ONE).then_refused("blocked-by-you")
    given(CIRCLE).when(befriend, ANNA, BELA, theirs, ONE).then_refused("not-found")
    given(CIRCLE, BLOCKED).when(befriend, ANNA, BELA, theirs, ONE).then_refused("blocked-by-you")
    given(CIRCLE, BLOCKED, UNBLOCKED).when(befriend, ANNA, BELA, NOTHING, ONE).then(ASKED)


# Ending


def test_ending_says_what_was_ended() -> None:
    given(CIRCLE, ASKED).when(unfriend, ANNA, BELA).then(WITHDRAWN)
    given(CIRCLE, RECEIVED).when(unfriend, ANNA, BELA).then(DECLINED)
    given(CIRCLE, RECEIVED, ACCEPTED).when(unfriend, ANNA, BELA).then(ENDED)
    given(CIRCLE, ASKED, CONFIRMED).when(unfriend, ANNA, BELA).then(ENDED)


def test_where_nothing_stands_nothing_ends() -> None:
    given(CIRCLE).when(unfriend, ANNA, BELA).then_nothing()
    given(CIRCLE, ASKED, WITHDRAWN).when(unfriend, ANNA, BELA).then_nothing()
    given(CIRCLE, ASKED, LAPSED).when(unfriend, ANNA, BELA).then_nothing()


# Blocking


def test_a_block_ends_what_else_there_was() -> None:
    given(CIRCLE).when(block, ANNA, BELA).then(BLOCKED)
    given(CIRCLE, BLOCKED).when(block, ANNA, BELA).then_nothing()
    given(CIRCLE, RECEIVED, ACCEPTED, FOLLOWED).when(block, ANNA, BELA).then(
        ENDED, UNFOLLOWED, BLOCKED
    )
    given(CIRCLE, ASKED).when(block, ANNA, BELA).then(WITHDRAWN, BLOCKED)


def test_a_lifted_block_brings_nothing_back() -> None:
    given(CIRCLE).when(unblock, ANNA, BELA).then_nothing()
    given(CIRCLE, BLOCKED).when(unblock, ANNA, BELA).then(UNBLOCKED)
    tie = given(CIRCLE, RECEIVED, ACCEPTED, FOLLOWED, ENDED, UNFOLLOWED, BLOCKED, UNBLOCKED).state
    assert (tie.tie(BELA).standing, tie.tie(BELA).follows) == ("none", False)


# Following


def test_a_certified_space_is_followed() -> None:
    given(CIRCLE).when(follow, ANNA, BELA, True, NOTHING).then(FOLLOWED)
    given(CIRCLE, FOLLOWED).when(follow, ANNA, BELA, True, NOTHING).then_nothing()
    given(CIRCLE).when(follow, ANNA, BELA, False, NOTHING).then_refused("not-certified")
    given(CIRCLE).when(unfollow, ANNA, BELA).then_nothing()
    given(CIRCLE, FOLLOWED).when(unfollow, ANNA, BELA).then(UNFOLLOWED)


def test_who_follows_already_keeps_following_a_space_that_lost_its_certificate() -> None:
    given(CIRCLE, FOLLOWED).when(follow, ANNA, BELA, False, NOTHING).then_nothing()


def test_a_block_stands_in_the_way_of_following() -> None:
    theirs = Tie(blocked=True)
    given(CIRCLE).when(follow, ANNA, BELA, True, theirs).then_refused("not-found")
    given(CIRCLE, BLOCKED).when(follow, ANNA, BELA, True, NOTHING).then_refused("blocked-by-you")


# What policies carry


def test_a_request_is_received_while_it_stands() -> None:
    given(CIRCLE).when(hear_asked, ANNA, BELA, ONE, half("outgoing")).then(RECEIVED)
    given(CIRCLE, RECEIVED).when(hear_asked, ANNA, BELA, ONE, half("outgoing")).then_nothing()
    given(CIRCLE).when(hear_asked, ANNA, BELA, ONE, NOTHING).then_nothing()
    given(CIRCLE).when(hear_asked, ANNA, BELA, ONE, half("outgoing", TWO)).then_nothing()


def test_a_request_of_somebody_blocked_is_declined() -> None:
    given(CIRCLE, BLOCKED).when(hear_asked, ANNA, BELA, ONE, half("outgoing")).then(DECLINED)
    given(CIRCLE, BLOCKED, DECLINED).when(
        hear_asked, ANNA, BELA, ONE, half("outgoing")
    ).then_nothing()


def test_a_new_request_takes_the_place_of_a_bond_that_is_over() -> None:
    """Bela can only ask anew where Bela ended the old bond, of which Anna has not heard."""
    received = FriendRequestReceived(ANNA, BELA, TWO)
    for before in ((ASKED,), (RECEIVED,), (RECEIVED, ACCEPTED)):
        given(CIRCLE, *before).when(hear_asked, ANNA, BELA, TWO, half("outgoing", TWO)).then(
            received
        )


def test_an_acceptance_is_confirmed_while_the_request_stands() -> None:
    given(CIRCLE, ASKED).when(hear_accepted, ANNA, BELA, ONE).then(CONFIRMED)
    given(CIRCLE, ASKED, CONFIRMED).when(hear_accepted, ANNA, BELA, ONE).then_nothing()
    given(CIRCLE, ASKED, WITHDRAWN).when(hear_accepted, ANNA, BELA, ONE).then_nothing()
    given(CIRCLE, ASKED).when(hear_accepted, ANNA, BELA, TWO).then_nothing()


def test_an_ending_ends_that_bond_and_no_other() -> None:
    given(CIRCLE, ASKED, CONFIRMED).when(hear_ended, ANNA, BELA, ONE, "ended").then(LAPSED)
    given(CIRCLE, ASKED).when(hear_ended, ANNA, BELA, TWO, "ended").then_nothing()
    given(CIRCLE, ASKED, LAPSED).when(hear_ended, ANNA, BELA, ONE, "ended").then_nothing()


# Limits: states made cheaply, since 5,000 events are not


def full(**counts: int) -> Circle:
    """Anna's circle with so many ties to others."""
    return msgspec.structs.replace(Circle(), **counts)


def refusal(circle: Circle, other_half: Tie) -> str | None:
    """Why Anna may not befriend Bela, if so."""
    try:
        assert befriend(circle, ANNA, BELA, other_half, TWO)
    except Refused as no:
        return no.problem
    return None


@pytest.mark.parametrize("other_half", [NOTHING, half("outgoing")], ids=["asking", "accepting"])
def test_a_member_has_5000_friends_at_most_open_requests_counted(other_half: Tie) -> None:
    assert FRIENDS_MAX == 5_000
    assert refusal(full(friends=4_999), other_half) is None
    assert refusal(full(friends=5_000), other_half) == "too-many-friends"
    assert refusal(full(friends=4_998, outgoing=1), other_half) is None
    assert refusal(full(friends=4_999, outgoing=1), other_half) == "too-many-friends"


def test_an_open_request_holds_a_place_for_whoever_accepts_it() -> None:
    circle = CIRCLE.fold([ASKED], full(friends=4_999))
    assert hear_accepted(circle, ANNA, BELA, ONE) == (CONFIRMED,)
    assert CIRCLE.fold([CONFIRMED], circle).friends == FRIENDS_MAX
    # Nor does it take a second one when both have asked.
    assert refusal(circle, half("outgoing", TWO)) is None


def test_a_member_has_1000_open_requests_at_most() -> None:
    assert refusal(full(outgoing=REQUESTS_MAX - 1), NOTHING) is None
    assert refusal(full(outgoing=REQUESTS_MAX), NOTHING) == "too-many-requests-open"
    assert refusal(full(outgoing=REQUESTS_MAX), half("outgoing")) is None


def test_a_member_blocks_and_follows_5000_at_most() -> None:
    assert block(full(blocks=BLOCKS_MAX - 1), ANNA, BELA) == (BLOCKED,)
    with pytest.raises(Refused, match="too-many-blocks"):
        block(full(blocks=BLOCKS_MAX), ANNA, BELA)
    assert follow(full(follows=FOLLOWS_MAX - 1), ANNA, BELA, True, NOTHING) == (FOLLOWED,)
    with pytest.raises(Refused, match="too-many-follows"):
        follow(full(follows=FOLLOWS_MAX), ANNA, BELA, True, NOTHING)


# What a tie recalls


def test_a_tie_recalls_the_version_that_last_changed_each_part() -> None:
    tie = given(CIRCLE, ASKED, FOLLOWED, CONFIRMED, ENDED, UNFOLLOWED, BLOCKED).state.tie(BELA)
    assert tie.since == (4, 6, 5)


def test_a_circle_lives_with_its_member() -> None:
    assert cell_of(circle_stream(ANNA)) == cell_of(ANNA)
    assert circle_stream(ANNA) != circle_stream(BELA)


def test_1000_requests_await_a_member_at_most() -> None:
    asking = (ANNA, BELA, ONE, half("outgoing"))
    assert hear_asked(full(incoming=REQUESTS_MAX - 1), *asking) == (RECEIVED,)
    assert hear_asked(full(incoming=REQUESTS_MAX), *asking) == (DECLINED,)
    # One who asks anew takes no other's place.
    waiting = CIRCLE.fold([RECEIVED], full(incoming=REQUESTS_MAX - 1))
    assert waiting.incoming == REQUESTS_MAX
    again = (ANNA, BELA, TWO, half("outgoing", TWO))
    assert hear_asked(waiting, *again) == (FriendRequestReceived(ANNA, BELA, TWO),)
