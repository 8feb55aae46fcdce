"""
Named lists: an author's own words for some of their friends.
"""

from domain.ids import ListId, cell_of, derive
from domain.named_list import (
    LISTS,
    LISTS_MAX,
    ListDeleted,
    ListSaved,
    NamedList,
    delete,
    list_id,
    lists_stream,
    save,
)
from tests.domain.given import given
from tests.domain.people import ANNA, BELA, CARL, FAMILY, sealed

NAME = sealed("family")
WITH_BELA = ListSaved(ANNA, FAMILY, NAME, frozenset({BELA}))
DROPPED = ListDeleted(ANNA, FAMILY, frozenset({BELA}))


def test_a_list_is_made_of_others() -> None:
    given(LISTS).when(save, ANNA, FAMILY, NAME, frozenset({BELA})).then(WITH_BELA)
    given(LISTS).when(save, ANNA, FAMILY, NAME, frozenset({ANNA})).then_refused(
        "not-yourself", "/members"
    )


def test_an_empty_list_is_a_list() -> None:
    empty = ListSaved(ANNA, FAMILY, NAME, frozenset())
    given(LISTS).when(save, ANNA, FAMILY, NAME, frozenset()).then(empty)


def test_replacing_members_says_who_is_no_longer_on_it() -> None:
    given(LISTS, WITH_BELA).when(save, ANNA, FAMILY, NAME, frozenset({CARL})).then(
        ListSaved(ANNA, FAMILY, NAME, frozenset({CARL}), removed=frozenset({BELA}))
    )


def test_the_same_members_change_nothing() -> None:
    given(LISTS, WITH_BELA).when(save, ANNA, FAMILY, NAME, frozenset({BELA})).then_nothing()


def test_a_list_is_dropped_once() -> None:
    given(LISTS, WITH_BELA).when(delete, ANNA, FAMILY).then(DROPPED)
    given(LISTS, WITH_BELA, DROPPED).when(delete, ANNA, FAMILY).then_nothing()
    given(LISTS).when(delete, ANNA, FAMILY).then_refused("not-found")


def test_a_dropped_list_may_be_made_and_dropped_again() -> None:
    dropped = given(LISTS, WITH_BELA, DROPPED)
    dropped.when(save, ANNA, FAMILY, NAME, frozenset({BELA})).then(WITH_BELA)
    given(LISTS, WITH_BELA, DROPPED, WITH_BELA).when(delete, ANNA, FAMILY).then(DROPPED)


def test_a_member_has_a_hundred_lists_at_most() -> None:
    many = [
        ListSaved(ANNA, ListId(derive(1, "list", bytes([n]))), NAME, frozenset())
        for n in range(LISTS_MAX)
    ]
    last = ListSaved(ANNA, FAMILY, NAME, frozenset())
    given(LISTS, *many[1:]).when(save, ANNA, FAMILY, NAME, frozenset()).then(last)
    full = given(LISTS, *many)
    full.when(save, ANNA, FAMILY, NAME, frozenset()).then_refused("too-many-lists")
    replaced = ListSaved(ANNA, many[0].list, NAME, frozenset({BELA}))
    full.when(save, ANNA, many[0].list, NAME, frozenset({BELA})).then(replaced)
    gone = ListDeleted(ANNA, many[0].list, frozenset())
    given(LISTS, *many, gone).when(save, ANNA, FAMILY, NAME, frozenset()).then(last)


def test_a_list_recalls_the_version_that_last_changed_it() -> None:
    other = ListSaved(ANNA, ListId(derive(1, "list", b"other")), NAME, frozenset({CARL}))
    state = given(LISTS, WITH_BELA, other).state
    assert state.lists[FAMILY] == NamedList(frozenset({BELA}), since=1)
    assert given(LISTS, WITH_BELA, other, DROPPED).state.deleted == {FAMILY: 3}


def test_a_name_has_one_list_an_owner() -> None:
    none = LISTS.initial
    assert list_id(none, ANNA, 1, b"blinded") == list_id(none, ANNA, 1, b"blinded")
    assert list_id(none, ANNA, 1, b"blinded") != list_id(none, BELA, 1, b"blinded")
    assert list_id(none, ANNA, 1, b"blinded") != list_id(none, ANNA, 1, b"other")
    found = list_id(none, ANNA, 1, b"blinded")
    assert cell_of(found) == cell_of(lists_stream(ANNA, 1)) == 1


def test_a_deleted_lists_id_is_never_taken_again() -> None:
    first = list_id(LISTS.initial, ANNA, 1, b"blinded")
    saved = ListSaved(ANNA, first, NAME, frozenset({BELA}))
    assert list_id(given(LISTS, saved).state, ANNA, 1, b"blinded") == first
    dropped = given(LISTS, saved, ListDeleted(ANNA, first, frozenset({BELA}))).state
    second = list_id(dropped, ANNA, 1, b"blinded")
    assert second != first
    again = LISTS.evolve(dropped, ListSaved(ANNA, second, NAME, frozenset({CARL})), 3)
    assert list_id(again, ANNA, 1, b"blinded") == second
