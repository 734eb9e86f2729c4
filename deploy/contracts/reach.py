"""Which refusals a request can meet: from its route along the calls to every place that refuses."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import deepcopy
from typing import Final

from deploy.contracts.refusal_sites import Site, sites_in, sites_of_rows
from deploy.contracts.source import File, FunctionNode, Instance, Meaning, Module, Source, Symbol

EDGE: Final = Symbol("services.chassis.http.problems.translation", "as_problem")
"""What exceptions of the chassis stand for."""
_KEPT: Final = ("Refused", "Forbidden", "Exception")
"""A caught one of these that is not raised again becomes a part of an answer, and refuses nothing."""


_SERVICE: Final = "services.chassis.service"
_READ_PLACE: Final = Symbol("services.chassis.http.request.cursors", "Pages._place")
NOT_BY_TYPE: Final[dict[str, tuple[Symbol, ...]]] = {
    "services.chassis.http.request.caller:authenticated": (
        Symbol("services.chassis.access.identity", "Verifier.authenticate"),
        Symbol("services.chassis.http.request.rates", "Rates.take"),
        Symbol("contracts.barred_roles", "BARRED"),
    ),
    "services.chassis.http.request.parameters:covered": (Symbol(_SERVICE, "Service.cover"),),
    "services.chassis.http.request.cursors:paged": (_READ_PLACE,),
    "services.notifications.feed_cursors:feed_of": (_READ_PLACE,),
    "services.referral.domain.live_referral:refuse_second": (
        Symbol("services.referral.domain.person", "Elsewhere.refusal"),
    ),
}
"""Where a function leads to something that it takes from the application's state or a list, whose type is not read."""
HANDED_ON: Final = {"caught_up": Symbol(_SERVICE, "Service.caught_up")}
"""Functions that others are given, by the name under which they keep them."""
TELLING: Final = (
    "services.referral.queries:Queries.shown",
    "services.casefile.work_items:_possible",
    "services.notifications.queries:_actions",
    "services.notifications.routes.link_pages:ActPages._again",
    "services.notifications.routes.forms:refused",
    "services.referral.routes.bulk:_answer",
    "services.casefile.routes.gaps:_answered",
)
"""What tells in an answer which commands are possible, or what became of a line, and refuses nothing itself."""


ROWS: Final = frozenset(
    {
        "services.referral.actions",
        "services.casefile.actions",
        "services.casefile.other_commands",
        "services.notifications.actions",
    }
)
"""Where the rows of all actions stand: what is made of them says of none that it is asked for."""


class Reach:
    """Follows calls. `commands` are the names of actions, by which rules tell one command from another."""

    def __init__(self, source: Source, commands: frozenset[str]) -> None:
        self._source = source
        self._commands = commands
        self._of_exception = self._read_edge()
        self._asking: dict[Symbol, bool] = {}
        self._known: dict[tuple[Symbol, str | None], tuple[frozenset[Site], tuple[Symbol, ...]]] = {}

    def from_route(self, endpoints: list[Symbol], action: str | None) -> tuple[set[Site], set[Symbol]]:
        """Every refusal on the way from these functions, and the way; `action` is a command's last segment."""
        seen: set[Symbol] = set()
        found: set[Site] = set()
        ahead = list(endpoints)
        while ahead:
            symbol = ahead.pop()
            if symbol in seen or str(symbol) in TELLING or self._is_of_rows(symbol):
                continue
            seen.add(symbol)
            sites, follows = self.of_function(symbol, action)
            found |= sites
            ahead += follows
        return found, seen

    def _is_of_rows(self, symbol: Symbol) -> bool:
        return symbol.module in ROWS and self._source.variable(symbol) is not None

    def of_function(self, symbol: Symbol, action: str | None) -> tuple[frozenset[Site], tuple[Symbol, ...]]:
        """The refusals of one function, and where it leads."""
        # Most of them are the same whatever the action.
        key = (symbol, action if self._asks(symbol) else None)
        if key not in self._known:
            self._known[key] = self._read(symbol, action)
        return self._known[key]

    def _asks(self, symbol: Symbol) -> bool:
        """Whether a function, or a table, tells actions from each other."""
        if symbol not in self._asking:
            node = self._source.function(symbol) or self._source.variable(symbol)
            self._asking[symbol] = node is not None and any(
                isinstance(part, ast.Constant) and part.value in self._commands for part in ast.walk(node)
            )
        return self._asking[symbol]

    def _read(self, symbol: Symbol, action: str | None) -> tuple[frozenset[Site], tuple[Symbol, ...]]:
        node, file = self._source.function(symbol), self._source.files.get(symbol.module)
        if file is None:
            return frozenset(), ()
        if node is None:
            value = self._source.variable(symbol)
            if value is None:
                return frozenset(), ()
            pruned = _Pruned(action, self._commands).visit(deepcopy(value))
            return frozenset(sites_in(pruned, file, self._source)), tuple(self._leads(pruned, file, {}))
        pruned = _Pruned(action, self._commands).visit(deepcopy(node))
        local = self._scope(symbol, node, file)
        sites = {*sites_in(pruned, file, self._source), *sites_of_rows(pruned, file), *self._raised(pruned)}
        return frozenset(sites), (*self._leads(pruned, file, local), *NOT_BY_TYPE.get(str(symbol), ()))

    def everywhere(self) -> set[Site]:
        """Every refusal that the source can make."""
        found: set[Site] = set()
        for file in self._source.files.values():
            for node in (*file.functions.values(), *file.variables.values()):
                found |= set(sites_in(node, file, self._source))
            for node in file.functions.values():
                found |= set(sites_of_rows(node, file))
        return found

    def _read_edge(self) -> dict[str, frozenset[Site]]:
        node = self._source.function(EDGE)
        assert node is not None  # noqa: S101 - it is there, or nothing works
        file = self._source.files[EDGE.module]
        (choice,) = (part for part in ast.walk(node) if isinstance(part, ast.Match))
        return {
            kind: frozenset(sites_in(case, file, self._source))
            for case in choice.cases
            for kind in _kinds(case.pattern)
            if kind not in MAKERS_NAMES
        }

    def _raised(self, node: ast.AST) -> Iterator[Site]:
        for part in ast.walk(node):
            match part:
                case ast.Raise(exc=ast.Call(func=ast.Name(id=name)) | ast.Name(id=name)) if name in self._of_exception:
                    yield from self._of_exception[name]
                case _:
                    pass

    def _scope(self, symbol: Symbol, node: FunctionNode, file: File) -> dict[str, Meaning | None]:
        local: dict[str, Meaning | None] = {}
        outer, inside, _ = symbol.name.rpartition(".<locals>.")
        if inside and outer in file.functions:
            local |= self._source.parameters(file.functions[outer], file)
        # A name of the function's own is not the module's.
        local |= {part.arg: None for part in ast.walk(node) if isinstance(part, ast.arg)}
        local |= {
            part.id: None
            for part in ast.walk(node)
            if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load)
        }
        if not inside and "." in symbol.name:
            local["self"] = Instance(Symbol(symbol.module, symbol.name.rpartition(".")[0]))
        local |= self._source.parameters(node, file)
        for part in ast.walk(node):
            match part:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    made = self._source.meaning(value, file, local)
                    if isinstance(made, Instance) and local.get(name) is None:
                        local[name] = made
                case _:
                    pass
        return local

    def _leads(self, node: ast.AST, file: File, local: dict[str, Meaning | None]) -> Iterator[Symbol]:
        for part in _mentioned(node):
            if isinstance(part, ast.Attribute) and part.attr.lstrip("_") in HANDED_ON:
                yield HANDED_ON[part.attr.lstrip("_")]
            match self._source.meaning(part, file, local):
                case Symbol() as symbol if self._source.is_class(symbol):
                    yield from self._source.rules_of(symbol)
                    yield from (Symbol(symbol.module, f"{symbol.name}.{m}") for m in ("__init__", "__post_init__"))
                case Symbol() as symbol:
                    yield symbol
                case Module() | Instance() | None:
                    pass


def _mentioned(node: ast.AST) -> Iterator[ast.Name | ast.Attribute]:
    """The names that a part of a function uses, but for those that only say of what kind something is."""
    match node:
        case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()):
            yield node
        case ast.Call(func=ast.Name(id="isinstance")) | ast.MatchClass():
            return
        case _:
            pass
    for name, part in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for member in part if isinstance(part, list) else [part]:
            if isinstance(member, ast.AST):
                yield from _mentioned(member)


class _Pruned(ast.NodeTransformer):
    """A function without what another action than this one leads to, and without what it catches and keeps."""

    def __init__(self, action: str | None, commands: frozenset[str]) -> None:
        self._action = action
        self._commands = commands

    def visit_If(self, node: ast.If) -> ast.AST:
        """`if action == "reopen" …` is for reopen."""
        named = {
            part.value
            for part in ast.walk(node.test)
            if isinstance(part, ast.Constant) and part.value in self._commands
        }
        compares = any(
            isinstance(part, ast.Compare) and isinstance(part.ops[0], ast.Eq | ast.In) for part in ast.walk(node.test)
        )
        if compares and named and self._action is not None and self._action not in named:
            node.body = [ast.Pass()]
        return self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        """Of a table by actions, the line of this one."""
        names = [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
        if self._action is not None and self._commands.issuperset(names):
            kept = [n for n, name in enumerate(names) if name == self._action]
            node.keys, node.values = [node.keys[n] for n in kept], [node.values[n] for n in kept]
        return self.generic_visit(node)

    def visit_Match(self, node: ast.Match) -> ast.AST:
        """`case "reopen" …` is for reopen."""
        node.cases = [case for case in node.cases if self._is_met(case.pattern)]
        return self.generic_visit(node) if node.cases else ast.Pass()

    def visit_Try(self, node: ast.Try) -> ast.AST:
        """What is caught as a refusal and not raised again refuses nothing."""
        for handler in node.handlers:
            kinds = (
                {part.id for part in ast.walk(handler.type) if isinstance(part, ast.Name)} if handler.type else set()
            )
            again = any(isinstance(part, ast.Raise) for part in ast.walk(handler))
            if not kinds.isdisjoint(_KEPT) and not again:
                node.body = [ast.Pass()]
        return self.generic_visit(node)

    def _is_met(self, pattern: ast.pattern) -> bool:
        named = {
            part.value for part in ast.walk(pattern) if isinstance(part, ast.Constant) and isinstance(part.value, str)
        }
        return self._action is None or named.isdisjoint(self._commands) or self._action in named


MAKERS_NAMES: Final = frozenset({"ProblemError", "Refused", "Forbidden", "Unauthenticated"})
"""Exceptions that carry their own code."""


def _kinds(pattern: ast.pattern) -> set[str]:
    match pattern:
        case ast.MatchOr(patterns=patterns):
            return {kind for pattern in patterns for kind in _kinds(pattern)}
        case ast.MatchClass(cls=ast.Name(id=name)):
            return {name}
        case _:
            return {"_"}
