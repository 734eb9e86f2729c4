"""Makes a problem of every refusal of an application, the framework's own included."""

from __future__ import annotations

import re
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from services.chassis.http.problems.problem import ProblemError, response_to
from services.chassis.http.problems.translation import EXPECTED, answer_to, from_validation


def install(app: FastAPI) -> None:
    """Makes every refusal of the app a problem."""

    async def expected(request: Request, error: Exception) -> Response:
        return answer_to(error, request)

    async def validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for nothing else
        return response_to(from_validation(error), request)

    async def framework(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
        refusal = _from_http(error)
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            # The framework names the methods of one route only, and a path may have several.
            refusal.headers["Allow"] = ", ".join(sorted(_methods_at(app, request.url.path)))
        return response_to(refusal, request)

    for kind in EXPECTED:
        app.add_exception_handler(kind, expected)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(HTTPException, framework)


def _methods_at(app: FastAPI, path: str) -> set[str]:
    described = app.openapi()["paths"]
    here = (
        template for template in described if re.fullmatch(re.sub(r"\\{[^/]+\\}", "[^/]+", re.escape(template)), path)
    )
    methods = {method.upper() for template in here for method in described[template]}
    return methods | ({"HEAD"} if "GET" in methods else set())


def _from_http(error: HTTPException) -> ProblemError:
    status = error.status_code
    headers = dict(error.headers or {})
    match status:
        case 400:
            return ProblemError(400, "UNREADABLE_JSON", "the body is not valid JSON (RFC 8259, UTF-8)", headers=headers)
        case 404:
            return ProblemError(404, "NOT_FOUND", "no such route; see /openapi.json", headers=headers)
        case 405:
            return ProblemError(
                405,
                "METHOD_NOT_ALLOWED",
                "this route does not support the method; see the Allow header",
                headers=headers,
            )
        case _:
            # Nothing here raises another one; should the framework, its status says what it means.
            meaning = HTTPStatus(status).description or HTTPStatus(status).phrase
            return ProblemError(status, "REQUEST_REFUSED", meaning, headers=headers)
