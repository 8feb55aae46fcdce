"""
The OpenAPI 3.1 document, made from the routes that serve.

Schemas come from the very Structs that decode and encode; parameters, headers and problems from the
declarations that validate. It is built and encoded once, when the application starts.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from http import HTTPStatus
from typing import Any

import msgspec

from api.http import parameters, positions
from api.http import problems as known
from api.http.past import PARAMETERS
from api.http.problems import ProblemDocument, Problems
from api.http.routes import Route

Json = dict[str, Any]
NO_NUL = r"^[^\u0000]*$"
_SCHEMAS = "#/components/schemas/{name}"


class Info(msgspec.Struct, frozen=True):
    """What the document says of the whole: ``tags`` are names and what is under them, in order."""

    title: str
    version: str
    description: str
    tags: tuple[tuple[str, str], ...] = ()


_HEADERS: dict[str, Json] = {
    "Homezone-Position": {
        "description": "Where the log holds what was written.",
        "required": True,
        "schema": {"type": "string", "pattern": positions.PATTERN},
    },
    "Idempotency-Replayed": {
        "description": "`true` when this is the first answer to this key, given again.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "ETag": {"description": "Its version.", "schema": {"type": "string", "pattern": '^"[^"]*"$'}},
    "Link": {
        "description": 'The next page, `rel="next"`; absent on the last.',
        "schema": {"type": "string"},
    },
    "Cache-Control": {
        "description": "It depends on the viewer.",
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": "Of each limit, what is left and in how many seconds all is back.",
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {"description": "The limits, by name.", "schema": {"type": "string"}},
    "Retry-After": {
        "description": "Seconds to wait.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    },
    "WWW-Authenticate": {
        "description": "How to authenticate (RFC 6750).",
        "required": True,
        "schema": {"type": "string"},
    },
}


class OpenApi:
    """The document of one application. ``raw`` and ``etag`` are set by :meth:`describe`."""

    raw: bytes = b"{}"
    etag: str = '""'

    def __init__(self, info: Info, problems: Problems, *, past: bool = False) -> None:
        """
        :param past: reads answer of moments, too, where their routes do.
        """
        self._info = info
        self._past = past
        self._problems = problems
        self._responses: Json = {}
        self._schemas: dict[int, Json] = {}

    def describe(self, routes: Iterable[Route]) -> None:
        """Build and encode it for these routes."""
        document = self.build(list(routes))
        self.raw = msgspec.json.encode(document)
        self.etag = f'"{blake2b(self.raw, digest_size=8).hexdigest()}"'

    def build(self, routes: list[Route]) -> Json:
        """It as plain data."""
        components = self._components(routes)
        by_name = {route.name: route for route in routes}
        if len(by_name) != len(routes):
            raise ValueError("two routes have one name")
        paths: dict[str, Json] = defaultdict(dict)
        for route in routes:
            paths[route.path][route.method.lower()] = self._operation(route, by_name)
        return {
            "openapi": "3.1.0",
            "info": {
                "title": self._info.title,
                "version": self._info.version,
                "description": self._info.description,
            },
            "servers": [{"url": "/"}],
            "tags": [{"name": name, "description": about} for name, about in self._info.tags],
            "paths": dict(paths),
            "components": {
                "schemas": components,
                "responses": self._responses,
                "headers": _HEADERS,
                "securitySchemes": {
                    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
                },
            },
        }

    def _components(self, routes: list[Route]) -> Json:
        kinds: list[Any] = [ProblemDocument]
        for route in routes:
            kinds += [kind for kind in (route.body, route.answer, route.query) if kind is not None]
        schemas, components = msgspec.json.schema_components(kinds, ref_template=_SCHEMAS)
        _say_no_nul(components)
        self._schemas = {id(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}
        self._parameters = {
            id(route.query): self._query_parameters(route.query, components)
            for route in routes
            if route.query is not None
        }
        used_as_query = {
            self._schemas[id(route.query)]["$ref"].rpartition("/")[2]
            for route in routes
            if route.query is not None
        }
        return {name: schema for name, schema in components.items() if name not in used_as_query}

    def _query_parameters(self, query: Any, components: Mapping[str, Json]) -> list[Json]:
        schema = components[self._schemas[id(query)]["$ref"].rpartition("/")[2]]
        return [
            {
                "name": name,
                "in": "query",
                "required": name in schema["required"],
                "schema": _without_null(field),
                **({"description": field["description"]} if "description" in field else {}),
            }
            for name, field in schema["properties"].items()
        ]

    def _operation(self, route: Route, by_name: Mapping[str, Route]) -> Json:
        operation: Json = {
            "operationId": route.name,
            "tags": [route.tag],
            "summary": route.summary,
            "parameters": self._operation_parameters(route),
            "responses": self._operation_responses(route, by_name),
        }
        roles = "" if not route.roles else f"Roles: {', '.join(sorted(route.roles))}."
        if description := "\n\n".join(filter(None, (route.description, roles))):
            operation["description"] = description
        if route.roles is not None:
            operation["security"] = [{"bearer": []}]
        if route.body is not None:
            content: Json = {"schema": self._schemas[id(route.body)]}
            if route.example is not None:
                content["example"] = msgspec.to_builtins(route.example)
            operation["requestBody"] = {
                "required": True,
                "content": {route.request_media_type: content},
            }
        if route.streamed is not None:
            body = {"schema": {"type": "string", "format": "binary"}}
            operation["requestBody"] = {"required": False, "content": {route.streamed: body}}
        return operation

    def _operation_parameters(self, route: Route) -> list[Json]:
        listed: list[Json] = [
            {"name": name, "in": "path", "required": True, "schema": dict(kind.schema)}
            for name, kind in route.path_kinds.items()
        ]
        if route.query is not None:
            listed += self._parameters[id(route.query)]
        if route.past and self._past:
            listed += PARAMETERS
        headers = list(route.headers)
        if route.write:
            headers.append(parameters.IDEMPOTENCY_KEY)
        if route.fresh:
            headers.append(parameters.AT_LEAST)
        if route.conditional:
            headers.append(parameters.IF_MATCH)
        if route.versioned and route.method == "GET":
            headers.append(parameters.IF_NONE_MATCH)
        listed += (
            {
                "name": header.name,
                "in": "header",
                "required": False,
                "description": header.meaning,
                "schema": dict(header.schema),
            }
            for header in headers
        )
        return listed

    def _operation_responses(self, route: Route, by_name: Mapping[str, Route]) -> Json:
        success: Json = {"description": route.summary}
        names = ["RateLimit", "RateLimit-Policy"]
        if route.write:
            names += ["Homezone-Position", "Idempotency-Replayed"]
        if route.versioned:
            names.append("ETag")
        if route.is_list:
            names.append("Link")
        if route.roles is not None:
            names.append("Cache-Control")
        success["headers"] = {name: _reference("headers", name) for name in names}
        if route.answer is not None:
            success["content"] = {route.media_type: {"schema": self._schemas[id(route.answer)]}}
        elif route.status not in (204, 304):
            success["content"] = {route.media_type: {"schema": {}}}
        if route.links:
            success["links"] = {name: _link(by_name[name]) for name in route.links}
        responses: Json = {str(route.status): success}
        if route.later:
            responses["202"] = {**success, "description": "It is on its way: ask again."}
        if route.versioned and route.method == "GET":
            responses["304"] = {
                "description": "The version you have is still the one.",
                "headers": {"ETag": _reference("headers", "ETag")},
            }
        by_status: dict[int, list[str]] = defaultdict(list)
        for name in implied_problems(route):
            by_status[self._problems[name].status].append(name)
        for status in sorted(by_status):
            responses[str(status)] = self._refusal(status, by_status[status])
        return responses

    def _refusal(self, status: int, names: list[str]) -> Json:
        names = sorted(set(names))
        key = ".".join((str(status), *names))
        if key not in self._responses:
            told = "\n".join(
                f"- `{problem.type}`: {problem.title}"
                for problem in map(self._problems.__getitem__, names)
            )
            response: Json = {
                "description": f"{_phrase(status)}.\n\n{told}",
                "content": {
                    known.CONTENT_TYPE: {
                        "schema": {
                            "allOf": [
                                self._schemas[id(ProblemDocument)],
                                {
                                    "properties": {
                                        "type": {"enum": [self._problems[n].type for n in names]},
                                        "status": {"const": status},
                                    }
                                },
                            ]
                        }
                    }
                },
            }
            extra = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}.get(status)
            if extra is not None:
                response["headers"] = {extra: _reference("headers", extra)}
            self._responses[key] = response
        return _reference("responses", key)


def implied_problems(route: Route) -> list[str]:
    """Every problem that a route may answer with: its own and those of its declaration."""
    names = [*route.problems, known.INTERNAL, known.UNAVAILABLE, known.TOO_MANY_REQUESTS]
    # Whatever a route takes, it refuses parameters that it does not, and lines without an end.
    names += [known.INVALID, known.MALFORMED]
    if route.roles is not None:
        names += [known.UNAUTHENTICATED, known.FORBIDDEN]
    if route.path_kinds:
        names.append(known.NOT_FOUND)
    if route.body is not None:
        names += [known.OUT_OF_BOUNDS, known.TOO_LARGE, known.UNSUPPORTED_MEDIA_TYPE]
    if route.streamed is not None:
        names.append(known.UNSUPPORTED_MEDIA_TYPE)
    if route.write:
        names.append(known.KEY_REUSED)
    if route.fresh:
        names.append(known.NOT_YET)
    if route.conditional:
        names.append(known.VERSION_MISMATCH)
    return names


def _phrase(status: int) -> str:
    """What a status is called; a protocol may have some of its own."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"


def _reference(section: str, name: str) -> Json:
    return {"$ref": f"#/components/{section}/{name}"}


def _link(target: Route) -> Json:
    (parameter,) = target.path_kinds
    return {"operationId": target.name, "parameters": {parameter: "$response.body#/id"}}


def _say_no_nul(schema: Any) -> None:
    """No text may hold U+0000: what the decoder refuses, every schema says."""
    if isinstance(schema, dict):
        if schema.get("type") == "string" and not schema.keys() & {"pattern", "format", "enum"}:
            schema["pattern"] = NO_NUL
        for inner in schema.values():
            _say_no_nul(inner)
    elif isinstance(schema, list):
        for inner in schema:
            _say_no_nul(inner)


def _without_null(field: Json) -> Json:
    """A parameter that is absent is not given as null."""
    schema = {name: value for name, value in field.items() if name != "description"}
    if schema.get("default", ...) is None:
        del schema["default"]
    options = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if options:
        del schema["anyOf"]
        schema |= options[0] if len(options) == 1 else {"anyOf": options}
    if None in schema.get("enum", ()):
        schema["enum"] = [one for one in schema["enum"] if one is not None]
    return schema
