"""
The look of a space: what is chosen, and what of it shows.
"""

from hypothesis import given as generated
from hypothesis import strategies as st

from domain import decoration as decisions
from domain.decoration import DECORATION, DecorationChanged, DecorationRestored
from domain.looks import (
    HOUSE,
    LAYOUTS,
    MODULES,
    PLAIN,
    SLOTS,
    Look,
    OfHouse,
    OfOrder,
    Rights,
    Slot,
    chosen,
    entitled,
    shown,
)
from domain.plans import PLANS, Plan
from tests.domain.coins import NOON, order
from tests.domain.given import given
from tests.domain.people import ANNA

NOTHING = Rights({}, {})
YELLOW = Rights({"yellow": 1}, {})
BAMBOO, AURORA, GALAXY = OfHouse("bamboo"), OfHouse("aurora"), OfHouse("galaxy")


def changed(look: Look) -> DecorationChanged:
    return DecorationChanged(ANNA, look, NOON)


def test_what_is_named_changes_and_the_rest_stays() -> None:
    dressed = given(DECORATION, changed(Look(theme=BAMBOO)))
    dressed.when(decisions.change, ANNA, {"wide": True}, NOTHING, NOON).then(
        changed(Look(theme=BAMBOO, wide=True))
    )
    dressed.when(decisions.change, ANNA, {"theme": None}, NOTHING, NOON).then(changed(PLAIN))
    dressed.when(decisions.change, ANNA, {"theme": BAMBOO}, NOTHING, NOON).then_nothing()


def test_a_look_takes_what_it_takes() -> None:
    plain = given(DECORATION)
    theirs: dict[str, object] = {"background": AURORA}
    plain.when(decisions.change, ANNA, theirs, NOTHING, NOON).then_refused(
        "not-entitled", "/background"
    )
    plain.when(decisions.change, ANNA, theirs, YELLOW, NOON).then(changed(Look(background=AURORA)))
    plain.when(decisions.change, ANNA, {"background": GALAXY}, YELLOW, NOON).then_refused(
        "not-entitled", "/background"
    )
    plain.when(decisions.change, ANNA, {"theme": OfHouse("aurora")}, YELLOW, NOON).then_refused(
        "no-such-look", "/theme"
    )


def test_an_item_goes_into_the_slot_of_its_kind() -> None:
    owned = Rights({}, {order(1): "theme"})
    plain = given(DECORATION)
    plain.when(decisions.change, ANNA, {"theme": OfOrder(order(1))}, owned, NOON).then(
        changed(Look(theme=OfOrder(order(1))))
    )
    for slot, which in (("background", order(1)), ("theme", order(2))):
        plain.when(decisions.change, ANNA, {slot: OfOrder(which)}, owned, NOON).then_refused(
            "not-entitled", f"/{slot}"
        )


def test_what_has_lapsed_may_stay_chosen_while_something_else_changes() -> None:
    given(DECORATION, changed(Look(background=AURORA))).when(
        decisions.change, ANNA, {"wide": True}, NOTHING, NOON
    ).then(changed(Look(background=AURORA, wide=True)))


def test_the_default_is_restored_once() -> None:
    restored = DecorationRestored(ANNA, NOON)
    given(DECORATION, changed(Look(wide=True))).when(decisions.restore, ANNA, NOON).then(restored)
    given(DECORATION, changed(Look(wide=True)), restored).when(
        decisions.restore, ANNA, NOON
    ).then_nothing()
    given(DECORATION).when(decisions.restore, ANNA, NOON).then_nothing()


def test_layouts_change_the_page_and_no_slot() -> None:
    for name, layout in LAYOUTS.items():
        dressed = given(DECORATION, changed(Look(theme=BAMBOO, transparency=2)))
        (event,) = decisions.change(dressed.state, ANNA, layout, NOTHING, NOON)
        assert isinstance(event, DecorationChanged)
        assert (event.look.theme, event.look.wide) == (BAMBOO, name == "wide")
        assert (event.look.modules == MODULES) == (name != "simple")


def choices(slot: Slot) -> st.SearchStrategy[OfHouse | OfOrder | None]:
    names = st.sampled_from(sorted(HOUSE[slot])).map(OfHouse)
    return st.none() | names | st.integers(1, 4).map(lambda number: OfOrder(order(number)))


LOOKS = st.builds(Look, **{slot: choices(slot) for slot in SLOTS}, wide=st.booleans())
RIGHTS = st.builds(
    Rights,
    st.dictionaries(st.sampled_from(PLANS), st.integers(1, 8)),
    st.dictionaries(st.integers(1, 4).map(order), st.sampled_from(SLOTS)),
)


@generated(LOOKS, RIGHTS)
def test_what_shows_may_be_used_and_the_rest_is_as_it_was(look: Look, rights: Rights) -> None:
    seen = shown(look, rights)
    for slot, choice in chosen(look).items():
        assert getattr(seen, slot) == (choice if entitled(slot, choice, rights) else None)
    assert (seen.wide, seen.modules) == (look.wide, look.modules)
    assert shown(seen, rights) == seen


@generated(LOOKS, RIGHTS, RIGHTS)
def test_what_lapsed_comes_back_with_what_it_needs(
    look: Look, before: Rights, between: Rights
) -> None:
    """Nothing is lost meanwhile: what was chosen is not what shows."""
    first = shown(look, before)
    shown(look, between)
    assert shown(look, before) == first
    everything: dict[Plan, int] = dict.fromkeys(PLANS, 8)
    kinds = {
        choice.order: slot for slot, choice in chosen(look).items() if isinstance(choice, OfOrder)
    }
    if len(kinds) == sum(isinstance(one, OfOrder) for one in chosen(look).values()):
        assert shown(look, Rights(everything, kinds)) == look
