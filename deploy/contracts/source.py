"""The source of the services as symbols: what a name in a function stands for, so far as annotations say.

Enough to follow a request from its route to the rule that refuses it: functions, methods of parameters and members
whose class is annotated, and the rule of a command, which is the function whose first parameter is that command.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("services", "contracts")

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Symbol:
    """A function, class or variable by its module and its name there; a method is `Class.method`."""

    module: str
    name: str

    def __str__(self) -> str:
        """As Python's own qualified names have it."""
        return f"{self.module}:{self.name}"


COMMAND: Final = Symbol("services.chassis.modelling.decider", "Command")
"""What every command is one of."""


@dataclass(frozen=True, slots=True)
class Instance:
    """Something of a class."""

    of: Symbol


@dataclass(frozen=True, slots=True)
class Module:
    """A module, by its dotted name."""

    name: str


Meaning = Symbol | Instance | Module


@dataclass(slots=True)
class File:
    """A module: what it defines, and what its imports stand for."""

    name: str
    path: Path
    functions: dict[str, FunctionNode] = field(default_factory=dict)
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    variables: dict[str, ast.expr] = field(default_factory=dict)
    imports: dict[str, tuple[str, str | None]] = field(default_factory=dict)


class Source:
    """All modules of the packages."""

    def __init__(self, root: Path = ROOT, packages: tuple[str, ...] = PACKAGES) -> None:
        self.files = {
            file.name: file
            for package in packages
            for path in (root / package).rglob("*.py")
            for file in [_read(root, path)]
        }
        self._rules: dict[Symbol, list[Symbol]] = {}
        for file in self.files.values():
            for name, node in file.functions.items():
                first = node.args.args[0].annotation if node.args.args and "." not in name else None
                for kind in self.classes_of(first, file):
                    self._rules.setdefault(kind, []).append(Symbol(file.name, name))

    def rules_of(self, kind: Symbol) -> list[Symbol]:
        """The functions of a domain that take this command first, and so decide it; of what is no command, none."""
        if not self._is_command(kind):
            return []
        return [rule for rule in self._rules.get(kind, []) if ".domain." in rule.module]

    def _is_command(self, kind: Symbol) -> bool:
        if kind == COMMAND:
            return True
        bases = self.files[kind.module].classes[kind.name].bases if self.is_class(kind) else []
        return any(self._is_command(of) for base in bases for of in self.classes_of(base, self.files[kind.module]))

    def function(self, symbol: Symbol) -> FunctionNode | None:
        """The function or method that a symbol names, also one that its class inherits."""
        file = self.files.get(symbol.module)
        if file is None:
            return None
        if symbol.name in file.functions or "." not in symbol.name:
            return file.functions.get(symbol.name)
        owner, _, method = symbol.name.rpartition(".")
        if owner in file.classes:
            for base in file.classes[owner].bases:
                for kind in self.classes_of(base, file):
                    if (found := self.function(Symbol(kind.module, f"{kind.name}.{method}"))) is not None:
                        return found
        return None

    def is_class(self, symbol: Symbol) -> bool:
        """Whether a symbol names a class."""
        return symbol.module in self.files and symbol.name in self.files[symbol.module].classes

    def variable(self, symbol: Symbol) -> ast.expr | None:
        """The value of a variable of a module."""
        file = self.files.get(symbol.module)
        return file.variables.get(symbol.name) if file is not None else None

    def classes_of(self, annotation: ast.expr | None, file: File) -> list[Symbol]:
        """The classes that an annotation names; of `Handler[X]` it is Handler, of `X | None` it is X."""
        match annotation:
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return [*self.classes_of(left, file), *self.classes_of(right, file)]
            case ast.Subscript(
                value=ast.Name(id="type" | "list" | "tuple" | "dict" | "Sequence" | "Mapping" | "Callable")
            ):
                return []
            case ast.Subscript(value=value):
                return self.classes_of(value, file)
            case ast.Constant(value=str(text)):
                return self.classes_of(ast.parse(text, mode="eval").body, file)
            case ast.Name() | ast.Attribute():
                meant = self.meaning(annotation, file, {})
                return [meant] if isinstance(meant, Symbol) and self.is_class(meant) else []
            case _:
                return []

    def meaning(self, expression: ast.expr, file: File, local: Mapping[str, Meaning | None]) -> Meaning | None:
        """What a name, an attribute or the making of an instance stands for."""
        match expression:
            case ast.Name(id=name):
                return local[name] if name in local else self._named(name, file)
            case ast.Attribute(value=value, attr=attribute):
                return self._member(self.meaning(value, file, local), attribute)
            case ast.Call(func=called):
                meant = self.meaning(called, file, local)
                return Instance(meant) if isinstance(meant, Symbol) and self.is_class(meant) else None
            case ast.Await(value=value):
                return self.meaning(value, file, local)
            case _:
                return None

    def _named(self, name: str, file: File) -> Meaning | None:
        if name in file.functions or name in file.classes or name in file.variables:
            symbol = Symbol(file.name, name)
            value = file.variables.get(name)
            if isinstance(value, ast.Call):
                # A variable that holds an instance, such as a table of access.
                made = self.meaning(value.func, file, {})
                if isinstance(made, Symbol) and self.is_class(made):
                    return Instance(made)
            return symbol
        if name in file.imports:
            module, attribute = file.imports[name]
            if attribute is None:
                return Module(module)
            if f"{module}.{attribute}" in self.files:
                return Module(f"{module}.{attribute}")
            return self._named(attribute, self.files[module]) if module in self.files else Symbol(module, attribute)
        return None

    def _member(self, owner: Meaning | None, attribute: str) -> Meaning | None:
        match owner:
            case Module(name=name):
                return self._named(attribute, self.files[name]) if name in self.files else None
            case Instance() | Symbol():
                of = owner.of if isinstance(owner, Instance) else owner
                if not self.is_class(of):
                    return None
                method = Symbol(of.module, f"{of.name}.{attribute}")
                if self.function(method) is not None:
                    return method
                return self._attribute(of, attribute) if isinstance(owner, Instance) else None
            case _:
                return None

    def _attribute(self, of: Symbol, attribute: str) -> Meaning | None:
        """An attribute whose class is annotated: in the class, or as the parameter that `__init__` keeps under it."""
        file = self.files[of.module]
        for statement in file.classes[of.name].body:
            if isinstance(statement, ast.AnnAssign) and ast.unparse(statement.target) == attribute:
                kinds = self.classes_of(statement.annotation, file)
                return Instance(kinds[0]) if kinds else None
        made = file.functions.get(f"{of.name}.__init__")
        if made is None:
            return None
        local = self.parameters(made, file)
        for part in ast.walk(made):
            if isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) == f"self.{attribute}":
                return self.meaning(part.value, file, local)
        return None

    def parameters(self, node: FunctionNode, file: File) -> dict[str, Meaning]:
        """What the parameters of a function stand for."""
        local: dict[str, Meaning] = {}
        for parameter in (*node.args.args, *node.args.kwonlyargs):
            kinds = self.classes_of(parameter.annotation, file)
            if kinds:
                local[parameter.arg] = Instance(kinds[0])
        return local


def _read(root: Path, path: Path) -> File:
    name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
    file = File(name, path)
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        for inner in _unwrapped(statement):
            _define(inner, file)
    return file


def _unwrapped(statement: ast.stmt) -> Iterator[ast.stmt]:
    # Imports that only a type checker reads count too.
    if isinstance(statement, ast.If):
        yield from statement.body
    else:
        yield statement


def _define(statement: ast.stmt, file: File) -> None:
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            file.functions[statement.name] = statement
            _nested(statement, file, statement.name)
        case ast.ClassDef():
            file.classes[statement.name] = statement
            methods = [inner for inner in statement.body if isinstance(inner, FunctionNode)]
            file.functions |= {f"{statement.name}.{method.name}": method for method in methods}
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            file.variables[name] = value
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            file.variables[name] = value
        case ast.Import(names=names):
            file.imports |= {alias.asname or alias.name: (alias.name, None) for alias in names}
        case ast.ImportFrom(module=str(module), names=names):
            file.imports |= {alias.asname or alias.name: (module, alias.name) for alias in names}
        case _:
            pass


def _nested(node: FunctionNode, file: File, name: str) -> None:
    for inner in node.body:
        if isinstance(inner, FunctionNode):
            file.functions[f"{name}.<locals>.{inner.name}"] = inner
