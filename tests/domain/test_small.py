"""
Likes, certified spaces and disclosures: aggregates of a few lines each.
"""

from domain.disclosure import DISCLOSURES, Disclosures, SealedDataRead, disclosures_stream
from domain.ids import cell_of
from domain.like import LIKE, Like, LikeGiven, LikeWithdrawn, give, like_stream, withdraw
from domain.space import (
    SPACE,
    CertificationWithdrawn,
    Certified,
    Ordinary,
    SpaceCertified,
    certify,
    space_stream,
    withdraw_certification,
)
from tests.domain.given import given
from tests.domain.people import ANNA, BELA, BY_ANNA, BY_BELA, CARL, sealed

GIVEN = LikeGiven(BELA, BY_ANNA, ANNA)
WITHDRAWN = LikeWithdrawn(BELA, BY_ANNA, ANNA)
CERTIFIED = SpaceCertified(ANNA, "brand", sealed("商务印书馆"), b"digest")
ORDINARY = CertificationWithdrawn(ANNA)


def test_a_post_is_liked_once() -> None:
    given(LIKE).when(give, BELA, BY_ANNA, ANNA).then(GIVEN)
    given(LIKE, GIVEN).when(give, BELA, BY_ANNA, ANNA).then_nothing()


def test_a_like_is_withdrawn_and_given_again() -> None:
    given(LIKE).when(withdraw, BELA, BY_ANNA, ANNA).then_nothing()
    given(LIKE, GIVEN).when(withdraw, BELA, BY_ANNA, ANNA).then(WITHDRAWN)
    withdrawn = given(LIKE, GIVEN, WITHDRAWN)
    withdrawn.when(withdraw, BELA, BY_ANNA, ANNA).then_nothing()
    withdrawn.when(give, BELA, BY_ANNA, ANNA).then(GIVEN)
    assert withdrawn.state == Like(given=False, since=2)


def test_a_like_lives_with_the_one_who_gave_it() -> None:
    assert cell_of(like_stream(BELA, BY_ANNA)) == cell_of(BELA)
    streams = {like_stream(who, post) for who in (BELA, CARL) for post in (BY_ANNA, BY_BELA)}
    assert len(streams) == 4


def test_a_space_is_certified() -> None:
    given(SPACE).when(certify, ANNA, "brand", sealed("商务印书馆"), b"digest").then(CERTIFIED)


def test_the_same_certificate_changes_nothing_even_sealed_anew() -> None:
    again = given(SPACE, CERTIFIED).when(certify, ANNA, "brand", sealed("other nonce"), b"digest")
    again.then_nothing()


def test_a_space_may_be_certified_as_something_else_or_under_another_name() -> None:
    certified = given(SPACE, CERTIFIED)
    name = sealed("商务印书馆")
    as_medium = SpaceCertified(ANNA, "media", name, b"digest")
    certified.when(certify, ANNA, "media", name, b"digest").then(as_medium)
    renamed = SpaceCertified(ANNA, "brand", name, b"another")
    certified.when(certify, ANNA, "brand", name, b"another").then(renamed)


def test_a_certification_is_withdrawn_once() -> None:
    given(SPACE).when(withdraw_certification, ANNA).then_nothing()
    given(SPACE, CERTIFIED).when(withdraw_certification, ANNA).then(ORDINARY)
    given(SPACE, CERTIFIED, ORDINARY).when(withdraw_certification, ANNA).then_nothing()
    assert given(SPACE, CERTIFIED).state == Certified("brand", b"digest", since=1)
    assert given(SPACE, CERTIFIED, ORDINARY).state == Ordinary(since=2)
    assert cell_of(space_stream(ANNA)) == cell_of(ANNA)


def test_every_reading_of_sealed_data_counts() -> None:
    read = SealedDataRead(
        CARL, "compliance", sealed("case 7"), "list_events", (disclosures_stream(ANNA),)
    )
    assert given(DISCLOSURES, read, read).state == Disclosures(2)
    assert cell_of(disclosures_stream(CARL)) == cell_of(CARL)
