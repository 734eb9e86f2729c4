"""The layout of the code in figures: files and lines by folder, who imports whom, and what breaks the rules of layout.

`python -m tests.support.house` prints it; `tests/test_house.py` holds the repository to it.
"""

from __future__ import annotations

import argparse
import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from statistics import median
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PRODUCT: Final = ("contracts", "services")
"""The folders whose code runs in production."""
CODE: Final = (*PRODUCT, "deploy", "tests")
SERVICES: Final = ("referral", "casefile", "notifications")
BODIES: Final = ("requests.py", "responses.py", "_shapes.py")
"""How the files of bodies and answers end."""
LONGEST: Final = 350
"""Lines that a file may have."""
_MADE: Final = ("__pycache__", "node_modules")


@dataclass(frozen=True)
class File:
    """A Python file: its path from the root of the repository, and its text."""

    path: str
    text: str

    @property
    def folder(self) -> str:
        """The folder that it stands in."""
        return self.path.rpartition("/")[0]

    @property
    def lines(self) -> int:
        """How many lines it has."""
        return self.text.count("\n")

    @property
    def module(self) -> str:
        """The name that others import it by."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @cached_property
    def tree(self) -> ast.Module:
        """The file, parsed."""
        return ast.parse(self.text, self.path)

    @property
    def holds_code(self) -> bool:
        """False for the file that only makes a folder a package."""
        return any(not _is_docstring(node) for node in self.tree.body)

    @property
    def only_forwards(self) -> bool:
        """True if all that it does is to give other names to what it imports."""
        names = {name for node in self.tree.body for name in _imported_names(node)}
        return self.holds_code and bool(names) and all(_forwards(node, names) for node in self.tree.body)

    def imported(self, *, for_types: bool = True) -> Iterator[str]:
        """Every module or name that the file imports, in dots, at whatever place; `for_types`: also for types only."""
        for node in ast.walk(self.tree if for_types else _at_run_time(self.tree)):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


@dataclass
class House:
    """The Python files of a checkout."""

    files: Mapping[str, File] = field(default_factory=dict)

    @classmethod
    def at(cls, root: Path, places: Iterable[str] = CODE) -> House:
        """What stands in the folders of a checkout, apart from what is made."""
        files = {}
        for place in places:
            for path in sorted((root / place).rglob("*.py")):
                name = path.relative_to(root).as_posix()
                if not any(part in _MADE or part.startswith(".") for part in name.split("/")):
                    files[name] = File(name, path.read_text(encoding="utf-8"))
        return cls(files)

    @cached_property
    def _by_module(self) -> dict[str, str]:
        return {file.module: path for path, file in self.files.items()}

    @cached_property
    def imports(self) -> dict[str, set[str]]:
        """The files that each file imports, at run time or for its types."""
        return self._imports(for_types=True)

    @cached_property
    def imports_at_run_time(self) -> dict[str, set[str]]:
        """The files that are loaded because of each file."""
        return self._imports(for_types=False)

    def _imports(self, *, for_types: bool) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for path, file in self.files.items():
            names = list(file.imported(for_types=for_types))
            known = {self._by_module.get(name) or self._by_module.get(name.rpartition(".")[0]) for name in names}
            found[path] = {other for other in known if other is not None and other != path}
        return found

    def folders(self) -> dict[str, list[File]]:
        """The files of each folder, without those that only make it a package."""
        found: dict[str, list[File]] = defaultdict(list)
        for file in self.files.values():
            if file.holds_code:
                found[file.folder].append(file)
        return dict(sorted(found.items()))

    def room(self, path: str) -> str:
        """What a file belongs to in the graph of imports: its folder, or itself where it stands beside folders.

        Of a service's routes, the bodies of requests and answers are one thing, and what serves them another: the
        rows of actions name the bodies, and routes are made of the rows.
        """
        folder, _, name = path.rpartition("/")
        return (
            path if folder in self._with_folders or (folder.endswith("/routes") and name.endswith(BODIES)) else folder
        )

    @cached_property
    def _with_folders(self) -> set[str]:
        return {folder.rpartition("/")[0] for folder in self.folders()}

    def graph(self, below: str = "") -> dict[str, set[str]]:
        """Which room imports from which, of those below a folder."""
        of = {path: self.room(path) for path in self.files if path.startswith(below)}
        found: dict[str, set[str]] = {name: set() for name in of.values()}
        for path, room in of.items():
            found[room] |= {of[other] for other in self.imports[path] if other in of and of[other] != room}
        return found

    def too_long(self) -> list[str]:
        """Files of more lines than a file may have."""
        return [f"{file.path}: {file.lines} lines" for file in self.files.values() if file.lines > LONGEST]

    def forwarding(self) -> list[str]:
        """Files that do nothing but hand on what others hold."""
        return [path for path, file in self.files.items() if file.only_forwards]


def cycle(graph: Mapping[str, set[str]]) -> list[str]:
    """The nodes of one cycle in the graph, in order; none if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def tangles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The groups of nodes that all reach each other: what one has to know as a whole."""
    reach: dict[str, set[str]] = {}
    for node in graph:
        seen, ahead = set[str](), [node]
        while ahead:
            for other in graph.get(ahead.pop(), ()):
                if other not in seen:
                    seen.add(other)
                    ahead.append(other)
        reach[node] = seen
    groups = {frozenset({other for other in reach[node] if node in reach[other]}) for node in graph}
    return sorted(sorted(group) for group in groups if group)


def _at_run_time(tree: ast.Module) -> ast.Module:
    def types_only(node: ast.stmt) -> bool:
        return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"

    return ast.Module([node for node in tree.body if not types_only(node)], [])


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _imported_names(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)


def _forwards(node: ast.stmt, names: set[str]) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom():
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")]) | ast.AnnAssign(target=ast.Name(id="__all__")):
            return True
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            return isinstance(value, ast.Name | ast.Attribute) and _root(value) in names
        case ast.FunctionDef(body=[*_, ast.Return(value=ast.Call() as call)], args=args):
            handed = [getattr(argument, "id", None) for argument in call.args]
            plain = handed == [argument.arg for argument in (*args.posonlyargs, *args.args)]
            return plain and not call.keywords and not args.kwonlyargs and _root(call.func) in names
    return _is_docstring(node)


def _root(node: ast.expr) -> str | None:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _print(house: House) -> None:
    folders = house.folders()
    width = max(map(len, folders))
    print(f"{'folder':<{width}}  files  lines  median  longest")
    for name, files in folders.items():
        lines = [file.lines for file in files]
        print(f"{name:<{width}}  {len(files):5}  {sum(lines):5}  {median(lines):6.0f}  {max(lines):7}")
    lines = [file.lines for files in folders.values() for file in files]
    print(f"{'all':<{width}}  {len(lines):5}  {sum(lines):5}  {median(lines):6.0f}  {max(lines):7}")
    print("\nimports between rooms (folders, and the files that stand beside folders)")
    graph = house.graph()
    for name in sorted(graph):
        if graph[name]:
            print(f"{name}\n    -> {', '.join(sorted(graph[name]))}")
    print("\nrooms that import each other in a circle")
    print("\n".join(f"    {' <-> '.join(group)}" for group in tangles(graph)) or "    none")
    print("\nfiles that import each other in a circle")
    print("\n".join(f"    {' <-> '.join(group)}" for group in tangles(house.imports)) or "    none")
    for title, found in (("files that only hand on", house.forwarding()), ("files too long", house.too_long())):
        print(f"\n{title}")
        print("\n".join(f"    {entry}" for entry in found) or "    none")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("places", nargs="*", default=PRODUCT, help="folders to look at (default: contracts services)")
    parser.add_argument("--root", type=Path, default=ROOT, help="another checkout")
    given = parser.parse_args()
    _print(House.at(given.root, given.places))
