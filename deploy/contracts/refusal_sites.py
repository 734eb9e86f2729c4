"""Where the code refuses: every place that makes a refusal, with its code, status and sentence, from the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from deploy.contracts.source import File, FunctionNode, Source

_CODE: Final = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*\Z")
_BECAUSE: Final = {"STATE": 409, "INPUT": 422, "RIGHTS": 403}


@dataclass(frozen=True, slots=True)
class Shape:
    """Where the makers of refusals take their code and what follows it; `status`, or the place that has it."""

    code: int
    detail: int
    status: int | None = None
    status_at: int | None = None
    pointer_at: int | None = None


MAKERS: Final = {
    "ProblemError": Shape(code=1, detail=2, status_at=0),
    "Refused": Shape(code=0, detail=1),
    "Fault": Shape(code=1, detail=2, status=422, pointer_at=0),
    "Forbidden": Shape(code=0, detail=1, status=403),
    "Bar": Shape(code=0, detail=1, status=403),
    "Denial": Shape(code=2, detail=3, status=403),
    "FieldRule": Shape(code=3, detail=4, status=403),
    "Unauthenticated": Shape(code=1, detail=0, status=401),
    "_refusal": Shape(code=2, detail=3, status_at=1),
    "_cursor_refusal": Shape(code=1, detail=2, status=422),
}
"""Everything that makes a refusal, by its name."""


@dataclass(frozen=True, slots=True)
class Site:
    """A refusal as it stands in the source; a part of the sentence that is known at run time only reads `…`."""

    code: str
    status: int
    detail: str
    pointer: str | None
    place: str


class NotReadable(Exception):  # noqa: N818 - what the place is
    """A place makes a refusal whose code or status cannot be read; the text names it and says how it can be."""


def sites_in(node: ast.AST, file: File, source: Source) -> Iterator[Site]:
    """Every refusal that is made in a part of a file. Raises NotReadable."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and (shape := MAKERS.get(_name(call.func))) is not None and _is_maker(call):
            yield from _sites(call, shape, node, file, source)


def _name(called: ast.expr) -> str:
    return called.id if isinstance(called, ast.Name) else ""


def _is_maker(call: ast.Call) -> bool:
    # `Refused` of the backup is no refusal of the API, and has no code.
    return len(call.args) + len(call.keywords) > 1 or _name(call.func) in ("Unauthenticated", "Fault", "Forbidden")


def _sites(call: ast.Call, shape: Shape, within: ast.AST, file: File, source: Source) -> Iterator[Site]:
    place = f"{file.name.replace('.', '/')}.py:{call.lineno}"
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    code = given.get("code") or (call.args[shape.code] if len(call.args) > shape.code else None)
    detail = given.get("detail") or (call.args[shape.detail] if len(call.args) > shape.detail else None)
    if call.args and isinstance(call.args[0], ast.Starred):
        # Made of a row of a table; where the rows are made elsewhere, `sites_of_rows` finds them.
        for name in codes_of(call.args[0].value, within, file, source):
            yield Site(name, shape.status or _BECAUSE["STATE"], "…", None, place)
        return
    if code is None:
        if _name(call.func) != "Unauthenticated":
            return
        code = ast.Constant("TOKEN_INVALID")
    if _passed_on(code, within):
        return
    codes = codes_of(code, within, file, source)
    if not codes:
        raise NotReadable(f"{place}: write the code as a literal, not as {ast.unparse(code)}")
    status = _status(call, shape, place)
    if status is None:
        return
    pointer = text_of(call.args[shape.pointer_at]) if shape.pointer_at is not None else None
    for name in codes:
        yield Site(name, status, text_of(detail, within), pointer, place)


def _passed_on(code: ast.expr, within: ast.AST) -> bool:
    """A refusal made of another one has its code from there, and a maker's own from who calls it."""
    if isinstance(within, FunctionNode) and within.name in MAKERS and isinstance(code, ast.Name):
        return True
    return isinstance(code, ast.Attribute) and code.attr == "code"


def _status(call: ast.Call, shape: Shape, place: str) -> int | None:
    if shape.status is not None:
        return shape.status
    if shape.status_at is not None:
        match call.args[shape.status_at]:
            case ast.Constant(value=int(status)):
                return status
            case ast.Name():
                # That of the framework, for what it refuses.
                return 400
            case _:
                return None
    because = next((keyword.value for keyword in call.keywords if keyword.arg == "because"), None)
    match because:
        case None:
            return _BECAUSE["STATE"]
        case ast.Attribute(attr=why) if why in _BECAUSE:
            return _BECAUSE[why]
        case _:
            raise NotReadable(f"{place}: write `because` as one of {', '.join(_BECAUSE)}")


def codes_of(code: ast.expr, within: ast.AST, file: File, source: Source, *, depth: int = 2) -> list[str]:
    """The codes that an expression may be: literals in it, or where its names get their values."""
    match code:
        case ast.Constant(value=str(text)):
            return [text] if _CODE.match(text) else []
        case ast.IfExp(body=body, orelse=orelse):
            return [*codes_of(body, within, file, source), *codes_of(orelse, within, file, source)]
        case ast.Name(id=name):
            values = [*_assigned(name, within)]
            if (table := file.variables.get(name)) is not None:
                values.append(table)
            return [found for value in values for found in _literals(value, within, file, source, depth)]
        case ast.Call() | ast.Subscript():
            return _literals(code, within, file, source, depth)
        case _:
            return []


def _literals(value: ast.expr, within: ast.AST, file: File, source: Source, depth: int) -> list[str]:
    found = [part.value for part in ast.walk(value) if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    codes = [text for text in found if _CODE.match(text)]
    if depth:
        for name in ast.walk(value):
            if isinstance(name, ast.Name) and name.id in file.variables:
                codes += codes_of(name, within, file, source, depth=depth - 1)
    return list(dict.fromkeys(codes))


def _assigned(name: str, within: ast.AST) -> Iterator[ast.expr]:
    """Where a function gives a name its value: an assignment, or the rows that a loop or a comprehension takes."""
    for node in ast.walk(within):
        match node:
            case ast.Assign(targets=targets, value=value):
                if any(_binds(target, name) for target in targets):
                    yield value
            case ast.For(target=target, iter=rows) | ast.comprehension(target=target, iter=rows) if _binds(
                target, name
            ):
                yield from _assigned(rows.id, within) if isinstance(rows, ast.Name) else [rows]
            case _:
                pass


def _binds(target: ast.expr, name: str) -> bool:
    return any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(target))


def sites_of_rows(node: FunctionNode, file: File) -> Iterator[Site]:
    """Faults that a function hands out as rows: (pointer, code, sentence)."""
    for row in ast.walk(node):
        match row:
            case ast.Tuple(elts=[ast.Constant(value=str(pointer)), ast.Constant(value=str(code)), detail]) if (
                pointer.startswith("/") and _CODE.match(code)
            ):
                place = f"{file.name.replace('.', '/')}.py:{row.lineno}"
                yield Site(code, 422, text_of(detail), pointer, place)
            case _:
                pass


def text_of(expression: ast.expr | None, within: ast.AST | None = None) -> str:
    """A sentence of the source, with `…` for what is known at run time only."""
    match expression:
        case ast.Name(id=name) if within is not None:
            written = [text_of(value) for value in _assigned(name, within)]
            return written[0] if len(written) == 1 else "…"
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(text_of(value) for value in values).replace("……", "…")
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return text_of(left) + text_of(right)
        case _:
            return "…"
