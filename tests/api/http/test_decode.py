"""
Whatever is wrong with a body or a query, the answer names the field and nothing breaks.
"""

import json
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.decode import body_decoder, explain, query_decoder
from api.http.problems import FieldError, ProblemError
from tests.api.http.notes import ChangeNote, Link, NewNote, NotesQuery, Text

read_note = body_decoder(NewNote)
read_thing = body_decoder(Text | Link)
read_query = query_decoder(NotesQuery)
UUID = "0eaed58a-4f58-4dd4-867b-ffc66be2d553"


def refused(read: Any, raw: Any) -> tuple[str, FieldError | None]:
    with pytest.raises(ProblemError) as caught:
        read(raw)
    errors = caught.value.errors
    return caught.value.problem, errors[0] if errors else None


def outcome(read: Any, raw: Any) -> str | None:
    try:
        read(raw)
    except ProblemError as error:
        return error.problem
    return None


@pytest.mark.parametrize(
    ("body", "problem", "pointer"),
    [
        (b"", "malformed", None),
        (b"  ", "malformed", None),
        (b"{", "malformed", None),
        (b'{"title": "a"}x', "malformed", None),
        (b"\xef\xbb\xbf{}", "malformed", None),
        (b'{"title": "\xff"}', "malformed", "/title"),
        (b'{"title": "\xed\xa0\x80"}', "malformed", "/title"),
        (b'{"title": "\\ud800"}', "malformed", "/title"),
        (b'{"title": "\\udc00 and more"}', "malformed", "/title"),
        (b'{"title": "\\u0000"}', "malformed", "/title"),
        (b'{"title": "a", "images": ["\\u0000"]}', "malformed", "/images/0"),
        (b'{"title": "a\x00"}', "malformed", None),
        (b'{"title": NaN}', "malformed", "/title"),
        (b'{"title": Infinity}', "malformed", "/title"),
        (b'{"title": "a", "x/y~": 1}', "invalid", "/x~1y~0"),
        (b'{"text": ""}', "invalid", "/title"),
        (b'{"title": 1}', "invalid", "/title"),
        (b'{"title": "a", "colour": "blue"}', "invalid", "/colour"),
        (b'{"title": "a", "images": ["x"]}', "invalid", "/images/0"),
        (b"[]", "invalid", ""),
        (b"null", "invalid", ""),
        (b'{"title": ""}', "out-of-bounds", "/title"),
        (json.dumps({"title": "a" * 21}).encode(), "out-of-bounds", "/title"),
        (json.dumps({"title": "a", "images": [UUID] * 10}).encode(), "out-of-bounds", "/images"),
    ],
)
def test_a_bad_body_is_refused_at_its_field(body: bytes, problem: str, pointer: str | None) -> None:
    said, error = refused(read_note, body)
    assert said == problem
    assert (None if error is None else error.pointer) == pointer


def test_a_backslash_before_u0000_is_only_text() -> None:
    assert read_note(b'{"title": "\\\\u0000"}').title == "\\u0000"


def test_a_search_for_the_field_is_bounded() -> None:
    text = "\\\\u0000" * 100_000
    assert outcome(body_decoder(dict[str, str]), f'{{"a": "{text}"}}'.encode()) is None
    for bad in (b"\\u0000", b"\\ud800"):
        many = b'{"a": [' + b"0," * 300_000 + b'"' + bad + b'"]}'
        started = perf_counter()
        assert refused(body_decoder(dict[str, Any]), many) == ("malformed", None)
        assert perf_counter() - started < 1


def test_of_a_repeated_name_the_last_counts() -> None:
    assert read_note(b'{"title": "a", "title": "b"}').title == "b"


def test_code_points_are_counted_not_bytes() -> None:
    assert read_note(json.dumps({"title": "家" * 20}).encode()).title == "家" * 20
    assert read_note(json.dumps({"title": "😀" * 20}).encode()).title == "😀" * 20


@pytest.mark.parametrize("opening", [b"[", b'{"title":', b'{"x":['])
def test_a_nesting_bomb_is_only_a_bad_body(opening: bytes) -> None:
    assert refused(read_note, opening * 400_000)[0] in ("malformed", "invalid")
    assert refused(body_decoder(dict[str, Any]), b'{"a":' + opening * 400_000)[0] == "malformed"


def test_numbers_beyond_every_bound() -> None:
    huge = b'{"kind": "link", "number": ' + b"9" * 5000 + b"}"
    assert refused(read_thing, huge)[1] == FieldError("Integer value out of range", "/number")
    assert refused(read_thing, b'{"kind": "link", "number": 10}')[0] == "out-of-bounds"
    assert refused(read_thing, b'{"kind": "link", "number": 1.5}')[0] == "invalid"


def test_unions_name_their_tag() -> None:
    assert refused(read_thing, b'{"kind": "none"}') == (
        "invalid",
        FieldError("no such kind", "/kind"),
    )
    assert refused(read_thing, b"{}")[1] == FieldError("required, but missing", "/kind")
    assert refused(read_thing, b'{"kind": "text", "text": "12345678901"}')[0] == "out-of-bounds"


def test_pointers_into_lists_and_mappings() -> None:
    assert explain("Expected `int`, got `str` - at `$.a[0].b`").errors[0].pointer == "/a/0/b"
    assert explain("Expected `int`, got `str` - at `$.a[...].b`").errors[0].pointer == "/a"
    assert explain("Expected `int` - at `key` in `$.a`").errors[0].pointer == "/a"


@given(st.binary(max_size=200))
def test_no_bytes_break_the_decoder(body: bytes) -> None:
    assert outcome(read_note, body) in (None, "malformed", "invalid", "out-of-bounds")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["title", "text", "colour", "images"]) | st.text(), json_values)
)
def test_no_json_breaks_the_decoder(value: dict[str, Any]) -> None:
    body = json.dumps(value).encode()
    for read in (read_note, body_decoder(ChangeNote), read_thing):
        assert outcome(read, body) in (None, "malformed", "invalid", "out-of-bounds")


@pytest.mark.parametrize(
    ("raw", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("limit=1.0", "limit"),
        ("limit=", "limit"),
        ("limit=1&limit=2", "limit"),
        ("limit=null", "limit"),
        ("colour=blue", "colour"),
        ("colour=null", "colour"),
        ("colour=%00", "colour"),
        ("cursor=", "cursor"),
        ("cursor=" + "a" * 513, "cursor"),
        ("order=up", "order"),
    ],
)
def test_a_bad_query_names_its_parameter(raw: str, parameter: str) -> None:
    problem, error = refused(read_query, raw)
    assert problem == "invalid"
    assert error is not None
    assert error.parameter == parameter


def test_a_query_that_cannot_be_read() -> None:
    assert refused(read_query, "colour=%ff")[0] == "invalid"
    assert refused(read_query, "&".join(f"a{n}=1" for n in range(60)))[0] == "invalid"


def test_a_good_query() -> None:
    assert read_query("") == NotesQuery()
    assert read_query("limit=5&colour=red") == NotesQuery(limit=5, colour="red")


@given(st.text(max_size=100))
def test_no_query_breaks_the_decoder(raw: str) -> None:
    assert outcome(read_query, raw) in (None, "invalid")
