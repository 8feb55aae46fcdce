"""
Ids route themselves and sort by time.
"""

from uuid import RFC_4122, UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import CELLS_MAX, cell_of, derive, milliseconds_of, mint

MILLISECONDS = st.integers(0, (1 << 48) - 1)
CELLS = st.integers(0, CELLS_MAX - 1)
ENTROPY = st.integers(0, (1 << 62) - 1)
PARTS = st.lists(st.binary(max_size=8) | st.uuids(), max_size=3)


@given(MILLISECONDS, CELLS, ENTROPY)
def test_an_id_carries_its_time_and_its_cell(milliseconds: int, cell: int, entropy: int) -> None:
    minted = mint(milliseconds, cell, entropy)
    assert (milliseconds_of(minted), cell_of(minted)) == (milliseconds, cell)
    assert (minted.version, minted.variant) == (8, RFC_4122)
    assert minted.int & ((1 << 62) - 1) == entropy


@given(st.tuples(MILLISECONDS, CELLS, ENTROPY), st.tuples(MILLISECONDS, CELLS, ENTROPY))
def test_ids_sort_by_time_as_numbers_bytes_and_text(
    one: tuple[int, int, int], other: tuple[int, int, int]
) -> None:
    first, second = mint(*one), mint(*other)
    assert (first < second) == (one < other)
    assert (first.bytes < second.bytes) == (str(first) < str(second)) == (one < other)


@pytest.mark.parametrize(
    "wrong",
    [(-1, 0, 0), (1 << 48, 0, 0), (0, -1, 0), (0, CELLS_MAX, 0), (0, 0, -1), (0, 0, 1 << 62)],
)
def test_what_does_not_fit_is_no_id(wrong: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"milliseconds|cell|entropy"):
        mint(*wrong)


@given(CELLS, st.text(max_size=8), PARTS)
def test_the_same_parts_always_derive_the_same_id_in_their_cell(
    cell: int, name: str, parts: list[UUID | bytes]
) -> None:
    derived = derive(cell, name, *parts)
    assert derived == derive(cell, name, *parts)
    assert cell_of(derived) == cell
    assert derived.version == 8


@given(PARTS, PARTS)
def test_other_parts_derive_another_id_however_they_are_cut(
    one: list[UUID | bytes], other: list[UUID | bytes]
) -> None:
    def raw(parts: list[UUID | bytes]) -> list[bytes]:
        return [part.bytes if isinstance(part, UUID) else part for part in parts]

    assert (derive(0, "name", *one) == derive(0, "name", *other)) == (raw(one) == raw(other))


def test_a_derived_id_stays_what_it_was() -> None:
    """Streams that are stored bear such ids: the derivation is a format."""
    assert derive(3, "like", b"a", b"bc") == UUID("4cf07891-d824-8003-ac69-56edd1dcbc95")


@given(st.uuids(version=4) | st.builds(lambda value: UUID(int=value), st.integers(0, 2**128 - 1)))
def test_a_foreign_id_is_in_no_cell(id: UUID) -> None:
    ours = (id.version, id.variant) == (8, RFC_4122)
    assert (cell_of(id) >= 0) == ours
    assert cell_of(uuid4()) == -1
