"""
What went wrong, said the same way everywhere (RFC 9457).

A problem is data: a stable name that is its ``type`` (``/problems/NAME``), a status, and what it
means to the person who meets it. Routes name the problems they may answer with, the OpenAPI
document lists exactly those, and ``GET /problems/NAME`` explains each. Nothing else leaves as an
error, and no problem repeats what the caller sent except the names of fields.
"""

import html
import re
from collections.abc import Iterable, Mapping

import msgspec

CONTENT_TYPE = "application/problem+json"


class Problem(msgspec.Struct, frozen=True):
    """One kind of error. ``meaning`` is for people: what happened and what to do about it."""

    name: str
    status: int
    title: str
    meaning: str

    @property
    def type(self) -> str:
        """Its stable identifier, which is also where it is explained."""
        return f"/problems/{self.name}"


class FieldError(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    One field at fault: ``pointer`` (RFC 6901) in the body, or ``parameter`` for a query parameter,
    a path parameter or a header.
    """

    detail: str
    pointer: str | None = None
    parameter: str | None = None


class ProblemDocument(msgspec.Struct, frozen=True):
    """
    The body of every error. ``instance``, on errors of ours, names the request in the operator's
    logs.
    """

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[FieldError, ...]
    instance: str | msgspec.UnsetType = msgspec.UNSET


class ProblemError(Exception):
    """
    Ends a request with a problem.

    :param problem: its name, known to the application's :class:`Problems`.
    :param detail: a sentence for the caller, free of anybody's data.
    :param headers: what the answer carries besides, such as ``Retry-After``.
    """

    def __init__(
        self,
        problem: str,
        detail: str = "",
        errors: tuple[FieldError, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.detail = detail
        self.errors = errors
        self.headers = headers


MALFORMED = "malformed"
INVALID = "invalid"
OUT_OF_BOUNDS = "out-of-bounds"
UNAUTHENTICATED = "unauthenticated"
FORBIDDEN = "forbidden"
NOT_FOUND = "not-found"
METHOD_NOT_ALLOWED = "method-not-allowed"
VERSION_MISMATCH = "version-mismatch"
TOO_LARGE = "too-large"
UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type"
EXPECTATION_FAILED = "expectation-failed"
KEY_REUSED = "key-reused"
TOO_MANY_REQUESTS = "too-many-requests"
INTERNAL = "internal"
UNAVAILABLE = "unavailable"
NOT_YET = "not-yet"
UPGRADE_REQUIRED = "upgrade-required"

#: The problems of the protocol itself; an application adds its own.
OWN = (
    Problem(
        MALFORMED,
        400,
        "The request cannot be read",
        "It is not HTTP/1.1, or its first line or a header has no end; or the body is not JSON in "
        "UTF-8, or holds a lone surrogate, a NUL character, or more levels than anybody needs. "
        "Nothing was done. `errors` names the field where one could be found.",
    ),
    Problem(
        INVALID,
        400,
        "A field, parameter or header is not of its type",
        "Something has the wrong type, is missing, is unknown, or does not follow its format. "
        "Nothing was done. `errors` names each one; the types are in /openapi.json.",
    ),
    Problem(
        OUT_OF_BOUNDS,
        422,
        "A field is outside its limits",
        "Every type is right, but a value is too long, too short, too many or out of range. "
        "Nothing was done. `errors` names each one with its limit.",
    ),
    Problem(
        UNAUTHENTICATED,
        401,
        "No valid token",
        "Send `Authorization: Bearer TOKEN` with a token that is whole, not expired and issued for "
        "this service.",
    ),
    Problem(
        FORBIDDEN,
        403,
        "Not yours to do",
        "The token is valid, but its role or its member may not do this.",
    ),
    Problem(
        NOT_FOUND,
        404,
        "Not found",
        "There is nothing here that you may see. Whether it exists for others is not said.",
    ),
    Problem(
        METHOD_NOT_ALLOWED,
        405,
        "The method does not fit",
        "This address exists, but does not take this method; `Allow` lists those it takes.",
    ),
    Problem(
        VERSION_MISMATCH,
        412,
        "It has changed since you read it",
        "`If-Match` named a version that is no longer the current one. Read it again, decide "
        "again, and send the new `ETag`.",
    ),
    Problem(
        TOO_LARGE,
        413,
        "The body is too large",
        "A body is at most 4 MiB. Files go through resumable uploads instead.",
    ),
    Problem(
        UNSUPPORTED_MEDIA_TYPE,
        415,
        "The body is of another media type",
        "Send `Content-Type: application/json`, in UTF-8, without a content encoding.",
    ),
    Problem(
        EXPECTATION_FAILED,
        417,
        "The expectation cannot be met",
        "The only expectation understood is `Expect: 100-continue`.",
    ),
    Problem(
        KEY_REUSED,
        422,
        "The idempotency key belongs to another request",
        "This `Idempotency-Key` was already used with another method, path or body. Use a new key "
        "for a new request.",
    ),
    Problem(
        TOO_MANY_REQUESTS,
        429,
        "Too many requests",
        "The limit was reached. Wait as many seconds as `Retry-After` says.",
    ),
    Problem(
        INTERNAL,
        500,
        "An error of ours",
        "Something failed that should not have. `instance` names this request in the operator's "
        "logs. Retry with the same `Idempotency-Key` to be sure that it is done once.",
    ),
    Problem(
        UNAVAILABLE,
        503,
        "Not available at the moment",
        "The service is starting, overloaded or without its database. Nothing was done, unless "
        "`detail` says that nobody can tell; retry after `Retry-After` seconds, a write with the "
        "same `Idempotency-Key`.",
    ),
    Problem(
        NOT_YET,
        504,
        "The read models are not that fresh yet",
        "The position in `Homezone-At-Least` was not reached within 5 seconds. Retry.",
    ),
    Problem(
        UPGRADE_REQUIRED,
        426,
        "This is a WebSocket",
        "Ask for it with `Upgrade: websocket`, as every WebSocket client does.",
    ),
)


class Problems:
    """Every problem an application can answer with, by name."""

    def __init__(self, more: Iterable[Problem] = ()) -> None:
        self.by_name = {problem.name: problem for problem in OWN}
        for problem in more:
            if problem.name in self.by_name:
                raise ValueError(f"two problems are named {problem.name}")
            self.by_name[problem.name] = problem

    def __getitem__(self, name: str) -> Problem:
        return self.by_name[name]

    def document(self, error: ProblemError, instance: str | None = None) -> ProblemDocument:
        """The document of one occurrence."""
        problem = self.by_name[error.problem]
        detail = error.detail
        if not detail and error.errors:
            first = error.errors[0]
            detail = f"{first.parameter or first.pointer or 'The body'}: {first.detail}."
        return ProblemDocument(
            problem.type,
            problem.title,
            problem.status,
            detail or problem.meaning,
            error.errors,
            instance or msgspec.UNSET,
        )

    def page(self, name: str) -> str:
        """What a problem means, as a page for people."""
        problem = self.by_name[name]
        return (
            "<!doctype html><html lang=en><meta charset=utf-8>"
            '<meta name=viewport content="width=device-width">'
            f"<title>{html.escape(problem.title)}</title>"
            '<link rel=stylesheet href="/docs/docs.css"><main class=problem>'
            f"<p><code>{problem.status} {html.escape(problem.type)}</code></p>"
            f"<h1>{html.escape(problem.title)}</h1><p>{_prose(problem.meaning)}</p>"
            '<p><a href="/docs">All of the API</a></p></main></html>'
        )


def _prose(text: str) -> str:
    return re.sub(r"`(.+?)`", r"<code>\1</code>", html.escape(text))


def not_found() -> ProblemError:
    """It does not exist, or not for this viewer: never told apart."""
    return ProblemError(NOT_FOUND)


def bad_parameter(name: str, detail: str) -> ProblemError:
    """A query parameter or header that does not follow its format."""
    return ProblemError(INVALID, errors=(FieldError(detail, parameter=name),))


def bad_field(pointer: str, detail: str, problem: str = OUT_OF_BOUNDS) -> ProblemError:
    """A field of the body that breaks a rule no type can express."""
    return ProblemError(problem, errors=(FieldError(detail, pointer),))


def too_many_requests(retry_after_seconds: int, limits: Mapping[str, str]) -> ProblemError:
    """The limit was reached; ``limits`` are the ``RateLimit`` headers of the answer."""
    return ProblemError(
        TOO_MANY_REQUESTS, headers={"Retry-After": str(retry_after_seconds), **limits}
    )


def unavailable(retry_after_seconds: int = 1, detail: str = "") -> ProblemError:
    """Overloaded or without a database: nothing was done, unless ``detail`` says otherwise."""
    return ProblemError(UNAVAILABLE, detail, headers={"Retry-After": str(retry_after_seconds)})
