"""Routers and applications, all of whose routes are strict and tell all faults of a request at once."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI

from services.chassis.http.request.all_faults import WithAllFaults


class Router(APIRouter):
    """A router whose routes are strict."""

    def __init__(self, **given: Any) -> None:
        super().__init__(route_class=WithAllFaults, redirect_slashes=False, **given)


def application(kind: type[FastAPI] = FastAPI, **given: Any) -> FastAPI:
    """An application whose own routes are strict.

    A path with a slash too many is not there: a redirect would name whatever host the caller says it has asked.
    """
    # What says nothing of its kind is taken as what the route takes; what says something wrong is not.
    app = kind(
        redirect_slashes=False, strict_content_type=False, openapi_url=None, docs_url=None, redoc_url=None, **given
    )
    app.router.route_class = WithAllFaults
    return app
