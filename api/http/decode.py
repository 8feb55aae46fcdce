"""
From bytes to Structs, and from what is wrong with them to a field's name.

msgspec decodes and validates in one pass; the work of this module begins when it refuses. Its
messages are turned into problems that name the field by JSON pointer: what cannot be read at all
and wrong types are 400, a limit of a right type that is broken is 422. What msgspec accepts but no
text may hold (NUL) is looked for in the raw bytes first, so that a clean body costs one scan.

Of a key given twice in one object the last value counts, as in most JSON readers; the idempotency
digest is over the raw bytes, so it tells such bodies apart.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from math import isfinite
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from api.http.problems import INVALID, MALFORMED, OUT_OF_BOUNDS, FieldError, ProblemError

BODY_BYTES_MAX = 4 << 20
#: How far the field at fault is looked for in a body that cannot be read: a few milliseconds.
_DIAGNOSED_BYTES_MAX = 1 << 20
_DIAGNOSED_VALUES_MAX = 10_000
_NAME_LENGTH_MAX = 100
#: The escape of U+0000, not the text of one: an even number of backslashes stands before it.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_PARAMETERS_MAX = 50

_PLACE = re.compile(r" - at `(?:key` in `)?(\$[^`]*)`$")
_FIELD = re.compile(r"Object (contains unknown|missing required) field `(.*)`", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_LIMIT = re.compile(r"of length|[<>]=? ?-?\d|matching regex|multiple of")


def body_decoder(kind: Any) -> Callable[[bytes], Any]:
    """
    A function from a body to an instance of ``kind``, a Struct or a union of tagged Structs.

    It raises :class:`ProblemError` and nothing else.
    """
    decode = msgspec.json.Decoder(kind).decode

    def read(body: bytes) -> Any:
        if b"\\u0000" in body:
            _refuse_nul(body)
        try:
            return decode(body)
        except msgspec.ValidationError as error:
            raise explain(str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _malformed(body, error) from None
        except RecursionError:
            raise ProblemError(MALFORMED, "The JSON is nested too deeply.") from None

    return read


def explain(message: str, problem: str | None = None) -> ProblemError:
    """The problem that one of msgspec's validation messages tells of."""
    place = _PLACE.search(message)
    pointer = _pointer(place[1]) if place else ""
    said = message[: place.start()] if place else message
    if (field := _FIELD.fullmatch(said)) is not None:
        pointer += "/" + escaped(field[2][:_NAME_LENGTH_MAX])
        said = "unknown field" if field[1] == "contains unknown" else "required, but missing"
    elif said.startswith("Invalid enum value"):
        said = "not one of the values it may have"
    elif said.startswith("Invalid value"):
        said = "no such kind"
    if problem is None:
        problem = OUT_OF_BOUNDS if said.startswith("Expected") and _LIMIT.search(said) else INVALID
    return ProblemError(problem, errors=(FieldError(said.replace("`", ""), pointer),))


def escaped(name: str) -> str:
    """A name as a step of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _pointer(path: str) -> str:
    # `[...]` stands for any value of a mapping: the pointer then ends at the mapping.
    pointer = ""
    for name, index in _STEP.findall(path):
        if index == "...":
            break
        pointer += "/" + (escaped(name) or index)
    return pointer


def _malformed(body: bytes, error: Exception) -> ProblemError:
    if not body.strip():
        return ProblemError(MALFORMED, "The body is empty.")
    if isinstance(error, UnicodeDecodeError):
        detail = "Not UTF-8."
    elif "surrogate" in str(error) or "truncated" in str(error):
        detail = "Not whole: it ends early or holds a lone surrogate."
    else:
        detail = "Not JSON."
    pointer = _first(body, _is_unsendable)
    if pointer is None:
        return ProblemError(MALFORMED, detail)
    return ProblemError(MALFORMED, detail, (FieldError("not a value JSON can carry", pointer),))


def _refuse_nul(body: bytes) -> None:
    if _NUL.search(body) is None:
        return
    pointer = _first(body, lambda value: isinstance(value, str) and "\0" in value)
    errors = () if pointer is None else (FieldError("holds a NUL character", pointer),)
    raise ProblemError(MALFORMED, "It holds a NUL character.", errors)


def _is_unsendable(value: object) -> bool:
    """NaN, an infinity, or a text that holds a lone surrogate."""
    if isinstance(value, float):
        return not isfinite(value)
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


def _first(body: bytes, wrong: Callable[[Any], bool]) -> str | None:
    """Where the first value or name is that is ``wrong``, by a reader that forgives more."""
    if len(body) > _DIAGNOSED_BYTES_MAX:
        return None
    try:
        # Broken UTF-8 becomes surrogates, so that one search finds both.
        tree = json.loads(body.decode("utf-8", "surrogateescape"), parse_int=_no_number)
        looked_at = islice(_walk(tree), _DIAGNOSED_VALUES_MAX)
        return next((where for where, value in looked_at if wrong(value)), None)
    except (ValueError, RecursionError):
        return None


def _no_number(_digits: str) -> int:
    # Python refuses to read integers of thousands of digits; their value does not matter here.
    return 0


def _walk(tree: Any) -> Iterator[tuple[str, Any]]:
    """Every name and every leaf with its pointer, in the order of the document."""
    open_levels = [iter((("", tree),))]
    while open_levels:
        for where, value in open_levels[-1]:
            if isinstance(value, dict | list):
                open_levels.append(_children(where, value))
                break
            yield where, value
        else:
            open_levels.pop()


def _children(where: str, value: dict[str, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield f"{where}/{index}", inner
    else:
        for name, inner in value.items():
            # A name at fault is told at the object that holds it: it cannot be repeated.
            yield where, name
            yield f"{where}/{escaped(name[:_NAME_LENGTH_MAX])}", inner


def query_decoder(kind: type[msgspec.Struct]) -> Callable[[str], Any]:
    """
    A function from a raw query string to an instance of ``kind``, whose fields are the parameters.

    Whatever is wrong with it is 400 and names the parameter.
    """
    untouched = _default(kind)
    fields = dict(zip(kind.__struct_encode_fields__, kind.__struct_fields__, strict=True))

    def read(raw: str) -> Any:
        if not raw:
            if untouched is not None:
                return untouched
            given: Mapping[str, str] = {}
        else:
            given = _parameters(raw)
        try:
            query = msgspec.convert(given, kind, strict=False)
        except msgspec.ValidationError as error:
            raise _parameter_error(explain(str(error), INVALID)) from None
        for name, text in given.items():
            _refuse_lax(name, text, getattr(query, fields[name]))
        return query

    return read


def _default(kind: type[msgspec.Struct]) -> msgspec.Struct | None:
    try:
        return kind()
    except TypeError:
        return None


def _parameters(raw: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            raw, keep_blank_values=True, errors="strict", max_num_fields=_PARAMETERS_MAX
        )
    except ValueError:
        raise ProblemError(INVALID, "The query string cannot be read.") from None
    given = dict(pairs)
    if len(given) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _bad(twice, "given more than once")
    for name, text in pairs:
        if "\0" in text or "\0" in name:
            raise _bad(name.replace("\0", ""), "holds a NUL character")
    return given


def _refuse_lax(name: str, text: str, value: object) -> None:
    # Reading from text, msgspec takes "null" for None, 0 and 1 for booleans and 1.0 for 1: the
    # schema does not say so, hence neither do we.
    lax = isinstance(value, int) and text != str(value).lower()
    if value is None or lax:
        raise _bad(name, "not one of the values it may have")


def _bad(name: str, detail: str) -> ProblemError:
    return ProblemError(INVALID, errors=(FieldError(detail, parameter=name[:_NAME_LENGTH_MAX]),))


def _parameter_error(error: ProblemError) -> ProblemError:
    first = error.errors[0]
    name = (first.pointer or "")[1:].split("/")[0].replace("~1", "/").replace("~0", "~")
    return _bad(name, first.detail.replace("unknown field", "unknown parameter"))
