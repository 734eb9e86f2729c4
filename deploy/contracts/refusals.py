"""Which refusals there are, and which operation can give which: `contracts/refusals.json` and `docs/refusals.md`."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from contracts.codes import Role
from contracts.refusals import REFUSALS, title_of
from deploy.contracts.reach import Reach
from deploy.contracts.refusal_sites import Site
from deploy.contracts.source import Source, Symbol
from services.casefile import access as casefile_access
from services.casefile.actions import ACTIONS as CASE_ACTIONS
from services.chassis.access.identity import Caller
from services.chassis.access.policy import Cell, Forbidden, Hidden, Policy, Verdict
from services.notifications import access as notifications_access
from services.notifications.actions import ACTIONS as SUBSCRIPTION_ACTIONS
from services.referral import access as referral_access
from services.referral.actions import ACTIONS as REFERRAL_ACTIONS

_BODY: Final = (
    Symbol("services.chassis.http.problems.translation", "from_validation"),
    Symbol("services.chassis.http.layers.body_limit", "BodyLimit._refusal"),
)
"""What may be wrong with a body before a route sees it."""
_OF_NO_CASE: Final = {"ANY_ORGANISATION", "OWN_ORGANISATION"}
"""Relations to what is nobody's case or referral."""
_NO_OPERATION: Final = {"METHOD_NOT_ALLOWED"}
"""What is said where there is no operation."""
ANY_ROUTE: Final = ("services/chassis/http/", "services/chassis/deciding/", "services/chassis/access/")
"""Where what any request may meet is refused, before a route is asked or behind it."""
_POLICIES: Final[dict[str, Policy]] = {
    "referral": referral_access.POLICY,
    "casefile": casefile_access.POLICY,
    "notifications": notifications_access.POLICY,
}
_ROWS: Final[dict[str, Mapping[str, Any]]] = {
    "referral": REFERRAL_ACTIONS,
    "casefile": CASE_ACTIONS,
    "notifications": SUBSCRIPTION_ACTIONS,
}
"""The actions of a service, each with what decides and builds its command."""
_BY_METHOD: Final = {
    "PATCH /v1/referrals/{referral_id}": "edit",
    "PUT /v1/subscriptions/{subscription_id}": "change",
    "DELETE /v1/subscriptions/{subscription_id}": "delete",
}
"""The actions that have no path of their own."""
_COMMANDS: Final = {
    "/v1/referrals/{referral_id}/": "referral",
    "/v1/cases/{case_id}/": "casefile",
    "/v1/subscriptions/{subscription_id}/": "notifications",
}
"""Under which path the commands of a service have their routes."""


@cache
def source() -> Source:
    """The source, read once."""
    return Source()


@cache
def reach() -> Reach:
    """What leads where in it."""
    return Reach(source(), frozenset({*REFERRAL_ACTIONS, *CASE_ACTIONS, *SUBSCRIPTION_ACTIONS}))


@cache
def raised() -> Mapping[str, tuple[Site, ...]]:
    """Every code that the services raise, and where; those of a sentence come first."""
    found: dict[str, list[Site]] = {}
    for site in sorted(reach().everywhere(), key=_order):
        found.setdefault(site.code, []).append(site)
    return {code: tuple(found[code]) for code in sorted(found)}


def of_operations(apps: Mapping[str, FastAPI]) -> dict[str, set[Site]]:
    """The refusals of every operation, by its method and path."""
    found = {
        f"{method} {route.path_format}": _of_route(name, route, method)
        for name, app in apps.items()
        for route in iter_route_contexts(app.routes)
        for method in sorted(getattr(route, "methods", None) or ())
        if getattr(route, "dependant", None) is not None and method != "HEAD"
    }
    # Pages read their forms and tell of their refusals by themselves: what they meet says nothing of the API's routes.
    met = {site.code for operation, sites in found.items() if " /v1/" in operation for site in sites}
    anywhere = {
        site
        for code, sites in raised().items()
        for site in sites
        if code not in met | _NO_OPERATION and site.place.startswith(ANY_ROUTE)
    }
    return {operation: sites | anywhere for operation, sites in found.items()}


def _of_route(service: str, route: Any, method: str) -> set[Site]:
    # What another service answers there is no command of a row.
    under = next((path for path, of in _COMMANDS.items() if route.path.startswith(path) and of == service), None)
    action = route.path.removeprefix(under) if under is not None and method == "POST" else None
    roots = [_symbol(route.endpoint), *map(_symbol, _depended_on(route.dependant))]
    if route.dependant.body_params:
        roots += _BODY
    elif route.dependant.query_params or route.dependant.header_params or route.dependant.path_params:
        # Of a request that may have a body the type is looked at first, whatever is wrong with it.
        roots += _BODY[:1] if method != "GET" else ()
        roots.append(Symbol("services.chassis.http.problems.translation", "from_validation"))
    action = action or _BY_METHOD.get(f"{method} {route.path}")
    if action is not None:
        row = _ROWS[service][action]
        roots += map(_symbol, filter(None, (row.decide, getattr(row, "build", None))))
    sites, reached = reach().from_route(roots, action)
    actions = {action} if action is not None else set(_words(service, reached))
    return sites | set(_of_access(service, actions))


def _depended_on(dependant: Any) -> Iterator[Any]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _depended_on(dependency)


def _symbol(function: Any) -> Symbol:
    return Symbol(function.__module__, function.__qualname__)


def _words(service: str, reached: Iterable[Symbol]) -> Iterator[str]:
    """The actions of a service's table of access that the code on the way asks about."""
    for symbol in reached:
        yield from _words_of(service, symbol)


@cache
def _words_of(service: str, symbol: Symbol) -> frozenset[str]:
    """Those of one function, which is on the way of many routes."""
    policy = _POLICIES.get(service)
    node, file = source().function(symbol), source().files.get(symbol.module)
    if policy is None or node is None or file is None or ".domain." in symbol.module:
        return frozenset()
    found = set[str]()
    for part in ast.walk(node):
        value = part
        if isinstance(part, ast.Name) and part.id in file.imports:
            module, name = file.imports[part.id]
            value = source().variable(Symbol(module, name or "")) or part
        if isinstance(value, ast.Constant) and value.value in policy.actions:
            found.add(str(value.value))
    return frozenset(found)


def _of_access(service: str, actions: set[str]) -> Iterator[Site]:
    codes = {code for action in actions for code in _denials(service, action)}
    for code in codes:
        yield from (site for site in raised()[code] if site.place.startswith(f"services/{service}/access.py"))


@cache
def _denials(service: str, action: str) -> frozenset[str]:
    """What the table of access says to those who may not do something, or not with every field."""
    policy = _POLICIES.get(service)
    if policy is None or action not in policy.actions:
        return frozenset()
    return frozenset(_denied(policy, _cells(service), action))


@cache
def _cells(service: str) -> tuple[Cell, ...]:
    """The whole table of access, which every action is looked up in."""
    return tuple(_POLICIES[service].matrix())


def _denied(policy: Policy, cells: Sequence[Cell], action: str) -> Iterator[str]:
    relations = {cell.relation for cell in cells}
    permitted = {cell.relation for cell in cells if cell.action == action and cell.verdict is Verdict.PERMITTED}
    if permitted <= _OF_NO_CASE:
        relations = permitted
    for role in Role:
        for relation in relations:
            caller = Caller("somebody", "some-organisation", role)
            try:
                policy.require(caller, action, (relation,))
            except Forbidden as forbidden:
                yield forbidden.code
            except Hidden:
                continue
            if reserved := policy.reserved(caller, action, (relation,)).code:
                yield reserved


Operations = Mapping[str, set[Site]]
"""The refusals of each operation, by its method and path."""


def described(operations: Operations) -> dict[str, Any]:
    """What `contracts/refusals.json` holds: an example of each refusal, and the names of those of each operation."""
    used = {_key(site) for sites in operations.values() for site in _first_of_each(sites)}
    # What stands in the source twice with the same words is one example.
    names: dict[tuple[str, int, str, str | None], str] = {}
    for code, sites in raised().items():
        for key in map(_key, sites):
            if key in used and key not in names:
                others = sum(other[0] == code for other in names)
                names[key] = code if not others else f"{code}-{others + 1}"
    return {
        "examples": {name: _example(*key) for key, name in names.items()},
        "operations": {
            operation: _by_status({(site.status, names[_key(site)]) for site in _first_of_each(sites)})
            for operation, sites in sorted(operations.items())
        },
    }


def _order(site: Site) -> tuple[bool, str, str]:
    """Those of a sentence first; of one line that which points at nothing."""
    return site.detail == "…", site.place, site.pointer or ""


def _key(site: Site) -> tuple[str, int, str, str | None]:
    return site.code, site.status, site.detail, site.pointer


def _first_of_each(sites: set[Site]) -> Iterator[Site]:
    """One site for each code and status of an operation: with a sentence of its own, if there is one."""
    first: dict[tuple[str, int], Site] = {}
    for site in sorted(sites, key=_order):
        first.setdefault((site.code, site.status), site)
    return iter(first.values())


def _by_status(names: set[tuple[int, str]]) -> dict[str, list[str]]:
    return {
        str(status): sorted(name for at, name in names if at == status) for status in sorted({at for at, _ in names})
    }


def _example(code: str, status: int, detail: str, pointer: str | None) -> dict[str, Any]:
    text = title_of(code) if detail in ("…", "…: …") else detail
    fault = [{"pointer": pointer, "code": code, "detail": text}] if pointer is not None else []
    return {"code": code, "status": status, "detail": text, **({"errors": fault} if fault else {})}


def page(operations: Operations) -> str:
    """`docs/refusals.md`."""
    everywhere = {
        code for code in REFUSALS if all(code in {site.code for site in sites} for sites in operations.values())
    }
    lines = [
        "# Refusals",
        "",
        "Every refusal is `application/problem+json` (RFC 9457). Its `code` is stable and says which it is, `title`",
        "what the problem is, and `detail` what to do in this case; `type` is the code as a URN",
        "(`urn:caserelay:problem:stale-version` for `STALE_VERSION`). Where the input is at fault, `errors` points at",
        "each place. A code may come with more than one status: the state says no (409), or a field that names it",
        "(422).",
        "",
        "The OpenAPI document lists for each operation the refusals that it can give, with an example of each. This",
        "page is written from the code by `make contracts`, and so is the list that clients are generated from.",
        "",
        "| code | status | title | given by |",
        "|---|---|---|---|",
    ]
    for code, sites in raised().items():
        status = ", ".join(map(str, sorted({site.status for site in sites})))
        lines.append(f"| `{code}` | {status} | {title_of(code)} | {_given_by(code, operations, everywhere)} |")
    return "\n".join(lines) + "\n"


def _given_by(code: str, operations: Operations, everywhere: set[str]) -> str:
    if code in everywhere:
        return "any request"
    if code in _NO_OPERATION:
        return "where there is no operation"
    given = sorted(operation for operation, sites in operations.items() if code in {site.code for site in sites})
    if len(given) > 8:
        return f"{len(given)} operations"
    return "<br>".join(f"`{operation}`" for operation in given) or "what the services tell each other"
