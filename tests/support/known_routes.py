"""Routes that were analysed before in this process of tests.

FastAPI takes milliseconds to find out what an endpoint takes and answers. A process that serves does so once; tests
build hundreds of applications with the same routes, and in each the answer is the same, but for the functions called.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from fastapi import FastAPI
from fastapi._body_limit import wrap_app_with_body_limit
from fastapi.routing import request_response

from services.chassis.http.request.strict_route import StrictRoute

_OF_ONE_APPLICATION: Final = frozenset({"app", "dependencies", "dependency_overrides_provider", "endpoint"})
"""What leads to the services behind an application, which are not kept for the next one."""
_KNOWN: Final[dict[Any, dict[str, Any]]] = {}


def take_over(app: FastAPI) -> None:
    """Gives the routes of an application what is known of the same routes in another one."""
    for route in _strict(app):
        if "_declared" in vars(route) and (known := _KNOWN.get(_key(route))) is not None:
            _give(route, known)


def keep(app: FastAPI) -> None:
    """Keeps what was found out of the routes of an application that something was asked of."""
    for route in _strict(app):
        if "_declared" not in vars(route) and _key(route) not in _KNOWN:
            kept = {name: value for name, value in vars(route).items() if name not in _OF_ONE_APPLICATION}
            declared = len(route.dependencies)
            own, others = route.dependant.dependencies[:declared], route.dependant.dependencies[declared:]
            subs = [*(replace(sub, call=None) for sub in own), *others]
            _KNOWN[_key(route)] = {**kept, "dependant": replace(route.dependant, call=None, dependencies=subs)}


def _strict(app: FastAPI) -> list[StrictRoute]:
    return [route for route in app.routes if isinstance(route, StrictRoute)]


def _key(route: StrictRoute) -> Any:
    # A function that is made in another one has the same code each time.
    return route.path, frozenset(route.methods or ()), route.endpoint.__code__


def _give(route: StrictRoute, known: dict[str, Any]) -> None:
    declared = vars(route).pop("_declared")
    vars(route).update(known)
    route.dependencies = list(declared.get("dependencies") or ())
    route.dependency_overrides_provider = declared.get("dependency_overrides_provider")
    own = [
        replace(sub, call=depends.dependency)
        for sub, depends in zip(known["dependant"].dependencies, route.dependencies, strict=False)
    ]
    subs = [*own, *known["dependant"].dependencies[len(own) :]]
    route.dependant = replace(known["dependant"], call=route.endpoint, dependencies=subs)
    route.app = wrap_app_with_body_limit(request_response(route.get_route_handler()), route.max_body_size)
