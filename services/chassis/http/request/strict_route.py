"""The route that every route of the API is: it takes nothing that it does not know, and answers HEAD where it has GET.

What is looked at before a route's own code is: its query, what the request says of its body, and whether that means
one thing. The OpenAPI document and this look are made from the same declarations.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import Match, compile_path
from starlette.types import Message, Receive, Scope, Send

from services.chassis.http.problems.problem import ProblemError
from services.chassis.http.request.caller import authenticated
from services.chassis.http.request.json_text import read_json
from services.chassis.http.request.media import JSON, check_coding, check_kind
from services.chassis.http.request.query import check_query, known_parameters
from services.chassis.http.request.readings import recorded

_HEAD: Final = "caserelay.head"


def is_head(scope: Scope) -> bool:
    """Whether only the head of the answer is asked for."""
    return _HEAD in scope


class StrictRequest(Request):
    """A request whose JSON is read once, and strictly: by the framework and by all that ask for it."""

    async def json(self) -> Any:
        """See `read_json`."""
        if not hasattr(self, "_strict"):
            self._strict = read_json(await self.body())
        return self._strict


class StrictRoute(APIRoute):
    """A route with the manners of `check_query`, `media` and `read_json`, and with HEAD.

    FastAPI analyses an endpoint in milliseconds, and a process has a hundred: each is analysed when something is first
    asked of its route beyond whether a request is for it. What serves asks at its start (`routing.prepare`).
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **declared: Any) -> None:
        self._declared = declared
        self.endpoint = endpoint
        self.methods = {method.upper() for method in declared.get("methods") or ("GET",)}
        self.openapi_extra = declared.get("openapi_extra")
        self.path = path
        self.path_regex, self.path_format, self.param_convertors = compile_path(path)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Python asks here for what is not there: until the endpoint is analysed, that is most of it."""
            declared = self.__dict__.pop("_declared", None)
            if declared is None:
                raise AttributeError(f"a route has no {name}", name=name, obj=self)
            try:
                super().__init__(self.path, self.endpoint, **declared)
            except BaseException:
                # The next to ask hears of the same fault, and not of a route that lacks everything.
                self._declared = declared
                raise
            return getattr(self, name)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler, behind a look at what it would pass over."""
        handle = super().get_route_handler()
        known, single = known_parameters(self.dependant), _headers(self.dependant)
        reads_itself = self.reads_its_body
        asks_who, takes = _depends_on(self.dependant, authenticated), self._takes()

        async def handler(request: Request) -> Response:
            strict = request if isinstance(request, StrictRequest) else StrictRequest(request.scope, request.receive)
            try:
                check_query(strict, known)
                _check_headers(strict, single)
                check_coding(strict.headers)
                if reads_itself:
                    check_kind(strict.headers, takes)
                elif self.body_field is not None and await strict.body():
                    check_kind(strict.headers, takes)
                    await strict.json()
            except ProblemError:
                if asks_who:
                    # Anyone who is not known is told that first.
                    await authenticated(strict, strict.headers.get("authorization"))
                raise
            try:
                return await recorded(strict, await handle(strict))
            except RecursionError:
                # Just shallow enough to be read, and too deep for anyone who looks through it from further down.
                raise ProblemError(400, "UNREADABLE_JSON", "the body is nested too deeply") from None

        return handler

    @property
    def reads_its_body(self) -> bool:
        """Whether the route reads its body itself, piece by piece, so that it may have any length."""
        return bool(self._documented()) and self.body_field is None

    def _takes(self) -> frozenset[str]:
        """The media types of the body that the route documents; none where it takes no body."""
        if self.body_field is None:
            return self._documented()
        return self._documented() | {JSON, getattr(self.body_field.field_info, "media_type", JSON)}

    def _documented(self) -> frozenset[str]:
        return frozenset((self.openapi_extra or {}).get("requestBody", {}).get("content", {}))

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """HEAD goes where GET goes."""
        return super().matches(self._as_get(scope))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers HEAD as GET, without the body."""
        get_scope = self._as_get(scope)
        await super().handle(get_scope, receive, send if get_scope is scope else _bodiless(send))

    def _as_get(self, scope: Scope) -> Scope:
        if scope["type"] != "http" or scope["method"] != "HEAD" or "GET" not in (self.methods or ()):
            return scope
        return {**scope, "method": "GET", _HEAD: True}


def _depends_on(dependant: Dependant, call: Callable[..., Any]) -> bool:
    return any(dependency.call is call or _depends_on(dependency, call) for dependency in dependant.dependencies)


def _headers(dependant: Dependant) -> frozenset[str]:
    """The headers that a route reads, and that are no lists."""
    names = {field.alias.lower() for field in dependant.header_params} - {"if-match"}
    return frozenset(names.union(*(_headers(dependency) for dependency in dependant.dependencies)))


def _check_headers(request: Request, single: frozenset[str]) -> None:
    names = [name for name, _ in request.headers.raw]
    if len(set(names)) == len(names):
        return
    for name in sorted(single):
        if names.count(name.encode()) > 1:
            raise ProblemError(400, "REPEATED_HEADER", f"{name} is repeated; send it once")


def _bodiless(send: Send) -> Callable[[Message], Awaitable[None]]:
    async def head(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return head
