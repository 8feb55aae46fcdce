"""
Positions, versions and cursors: what clients carry about and bring back.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.conditions import IfMatch, unchanged
from api.http.cursors import CursorCodec
from api.http.positions import format_positions, parse_moment, parse_positions
from api.http.problems import ProblemError

codec = CursorCodec(b"s" * 32)
places = st.tuples(st.integers(0, 2**63 - 1), st.uuids())


@given(st.dictionaries(st.integers(0, 4095), st.integers(0, 10**18 - 1), min_size=1))
def test_positions_go_round(vector: dict[int, int]) -> None:
    assert parse_positions(format_positions(vector)) == vector


@pytest.mark.parametrize(
    "text",
    ["", "0", "0-", "-1", "0-1,", "0-1,0-2", "4096-1", "0-01", "00-1", "0-1;1-2", "0-1, 1-2",
     "0-" + "9" * 19, "0-٣", "a-1", "0--1"],
)  # fmt: skip
def test_what_is_no_position(text: str) -> None:
    with pytest.raises(ValueError, match=r"cell|CELL"):
        parse_positions(text)


def test_a_moment_is_a_vector_or_a_time() -> None:
    assert parse_moment("0-1,7-45") == {0: 1, 7: 45}
    assert parse_moment("2026-11-22T08:00:00Z") == datetime(2026, 11, 22, 8, tzinfo=UTC)
    for wrong in ("2026-11-22T08:00:00", "2026-11-22", "T", ""):
        with pytest.raises(ValueError, match=r".*"):
            parse_moment(wrong)


@given(places, st.binary(max_size=40))
def test_a_cursor_goes_round(place: tuple[int, UUID], binding: bytes) -> None:
    assert codec.decode(codec.encode(place, binding), tuple[int, UUID], binding) == place


@given(places, st.data())
def test_an_altered_cursor_is_refused(place: tuple[int, UUID], data: st.DataObject) -> None:
    cursor = codec.encode(place, b"list")
    at = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.characters().filter(lambda one: one != cursor[at]))
    with pytest.raises(ProblemError) as caught:
        codec.decode(cursor[:at] + other + cursor[at + 1 :], tuple[int, UUID], b"list")
    assert caught.value.errors[0].parameter == "cursor"


@given(places, st.binary(), st.binary())
def test_a_cursor_of_another_list_or_viewer_is_refused(
    place: tuple[int, UUID], one: bytes, other: bytes
) -> None:
    if one != other:
        with pytest.raises(ProblemError):
            codec.decode(codec.encode(place, one), tuple[int, UUID], other)


@given(st.text(max_size=600))
def test_a_made_up_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ProblemError):
        codec.decode(cursor, tuple[int, UUID], b"list")


def test_a_cursor_of_another_secret_or_shape_is_refused() -> None:
    cursor = CursorCodec(b"t" * 32).encode((1, 2), b"list")
    with pytest.raises(ProblemError):
        codec.decode(cursor, tuple[int, int], b"list")
    with pytest.raises(ProblemError):
        codec.decode(codec.encode(("a",), b"list"), tuple[int, int], b"list")
    raw = urlsafe_b64decode(codec.encode((1,), b"list") + "==")
    with pytest.raises(ProblemError):
        codec.decode(urlsafe_b64encode(raw).decode() + "=", tuple[int], b"list")


@pytest.mark.parametrize(
    ("given_", "admits"),
    [('"3"', True), ("*", True), ('"1", "3"', True), ('"1","3"', True), ('W/"3"', False),
     ('"2"', False), ('""', False)],
)  # fmt: skip
def test_if_match(given_: str, admits: bool) -> None:
    assert IfMatch(given_).admits(3) is admits


@pytest.mark.parametrize("given_", ["", "3", '"3', '"3",', '"3" "4"', "*,*", 'w/"3"', '"3",x'])
def test_a_malformed_if_match_is_refused(given_: str) -> None:
    with pytest.raises(ProblemError) as caught:
        IfMatch(given_)
    assert caught.value.errors[0].parameter == "If-Match"


def test_if_none_match_is_weak_and_forgiving() -> None:
    assert unchanged('"3"', '"3"')
    assert unchanged('W/"3"', '"3"')
    assert unchanged("*", '"3"')
    assert not unchanged('"2"', '"3"')
    assert not unchanged("3", '"3"')
