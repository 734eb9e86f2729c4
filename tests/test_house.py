"""The layout: every service is built as ARCHITECTURE.md says, imports go one way, no file is too long or hands on only.

`python -m tests.support.house` prints the figures behind it.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from msgspec import Struct

import contracts
import services
from tests.support.house import CODE, ROOT, SERVICES, House, cycle, tangles

HEADING: Final = "## Inside a service"
HOUSE: Final = House.at(ROOT)
_ROW: Final = re.compile(r"^\| `(?P<name>[^`]+)` \|", re.MULTILINE)


def rows(heading: str = HEADING) -> list[str]:
    """The names in the first column of the tables of a section, as they are written."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    section = text.partition(f"{heading}\n")[2].partition("\n## ")[0]
    return _ROW.findall(section)


SHARED: Final = {name for name in rows() if name.partition("/")[0] not in SERVICES}
"""What every service has under the same name, if it has it; as `domain/` or `routes/requests.py` or `app.py`."""
OWN: Final = {name for name in rows() if name.partition("/")[0] in SERVICES}
"""What one service has, and no other, as `referral/contact.py`."""


def rooms(service: str) -> Iterator[str]:
    """The folders and files of a service, as the page writes them; a file of a folder only where the page names it."""
    for path in HOUSE.files:
        if path.startswith(f"services/{service}/") and HOUSE.files[path].holds_code:
            name = path.removeprefix(f"services/{service}/")
            folder, inside, _ = name.partition("/")
            yield name if not inside or name in SHARED else f"{folder}/"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_no_room_that_the_page_does_not_name(service: str) -> None:
    """A newcomer who has read the page knows what each of its files and folders holds."""
    assert [room for room in sorted({*rooms(service)}) if room not in SHARED and f"{service}/{room}" not in OWN] == []


def test_every_room_that_the_page_names_is_there() -> None:
    """A room of its own in its service, and one of all services in two of them at least."""
    there = {service: {*rooms(service)} for service in SERVICES}
    assert [name for name in sorted(OWN) if name.partition("/")[2] not in there[name.partition("/")[0]]] == []
    assert [name for name in sorted(SHARED) if sum(name in found for found in there.values()) < 2] == []


def test_a_room_of_its_own_has_a_name_that_says_what_no_other_does() -> None:
    """One that two services have is a room of all services."""
    names = [name.partition("/")[2] for name in sorted(OWN)]
    assert [name for name in names if name in SHARED or names.count(name) > 1] == []


@pytest.mark.parametrize("service", SERVICES)
def test_within_a_service_imports_go_one_way(service: str) -> None:
    """From the wiring by the routes and the rooms to the domain, and never in a circle."""
    home = f"services/{service}"
    graph = HOUSE.graph(f"{home}/")
    assert cycle(graph) == []
    assert graph[f"{home}/domain"] == set(), "the domain knows nothing of its service"
    serving = {f"{home}/routes", f"{home}/app.py"}
    known = {room: sorted(others & serving) for room, others in graph.items() if room not in serving}
    assert {room: others for room, others in known.items() if others} == {}, "what serves is known to the wiring only"
    assert [room for room, others in graph.items() if f"{home}/app.py" in others] == []


def test_no_rooms_import_each_other() -> None:
    """Folders, and the files that stand beside folders, of all that runs in production."""
    assert tangles(House.at(ROOT, ("contracts", "services")).graph()) == []


def test_no_files_import_each_other() -> None:
    """What cannot be loaded one after the other is one thing in two files; the type of a caller may be named."""
    assert tangles(HOUSE.imports_at_run_time) == []


def test_no_file_is_longer_than_a_file_may_be() -> None:
    """Product, tools and tests alike."""
    assert HOUSE.too_long() == []


def test_no_file_only_hands_on_what_others_hold() -> None:
    """Neither by importing it again under the same name or another, nor by functions that pass on their arguments."""
    assert HOUSE.forwarding() == []


HANDING_ON: Final = {
    "imports again": ("from services.a import one\n\n__all__ = ['one']\n", "two = one + 1\n"),
    "renames": ("from services import a\n\none = a.one\n", "two = 2\n"),
    "passes on": (
        "from services import a\n\ndef one(x):\n    return a.one(x)\n",
        "\ndef two(x):\n    return a.one(x, 2)\n",
    ),
}
"""Files that only hand on, each with a line that does more."""


@pytest.mark.parametrize(("text", "more"), HANDING_ON.values(), ids=HANDING_ON)
def test_a_file_that_only_hands_on_is_noticed(tmp_path: Path, text: str, more: str) -> None:
    """And one that does something with what it imports is not."""
    file = tmp_path / "services" / "names.py"
    file.parent.mkdir()
    file.write_text(text)
    assert House.at(tmp_path, CODE).forwarding() == ["services/names.py"]
    file.write_text(text + more)
    assert House.at(tmp_path, CODE).forwarding() == []


def test_files_that_import_each_other_are_noticed(tmp_path: Path) -> None:
    """By whatever form of import, wherever it stands in the file; for types only, where it is asked for."""
    here, there = tmp_path / "services" / "both" / "here.py", tmp_path / "services" / "both" / "there.py"
    here.parent.mkdir(parents=True)
    here.write_text("from services.both.there import one\n")
    there.write_text("def one():\n    from services.both import here\n    return here\n")
    both = [["services/both/here.py", "services/both/there.py"]]
    assert tangles(House.at(tmp_path, CODE).imports_at_run_time) == both
    there.write_text("if TYPE_CHECKING:\n    from services.both import here\n")
    assert tangles(House.at(tmp_path, CODE).imports_at_run_time) == []
    assert tangles(House.at(tmp_path, CODE).imports) == both


def fields_of_structs() -> frozenset[str]:
    """Every field that a Struct of the product has."""
    for package in (contracts, services):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    below, found = [Struct], set[str]()
    while below:
        kind = below.pop()
        below += kind.__subclasses__()
        if kind.__module__.partition(".")[0] in ("contracts", "services"):
            found |= {*kind.__struct_fields__}
    return frozenset(found)


def replaced(text: str) -> Iterator[tuple[int, str]]:
    """The line and the name of each field that a file replaces in a Struct."""
    tree = ast.parse(text)
    imported = {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "msgspec.structs"
        for name in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"structs.replace", *(imported & {"replace"})}:
            yield from ((node.lineno, keyword.arg) for keyword in node.keywords if keyword.arg is not None)


def test_what_is_replaced_in_a_struct_is_a_field() -> None:
    """The type checker does not know: a misspelt field would be an error only where the line runs."""
    fields = fields_of_structs()
    wrong = [
        f"{path}:{line} {name}"
        for path in HOUSE.files
        if path.startswith(("contracts/", "services/"))
        for line, name in replaced((ROOT / path).read_text(encoding="utf-8"))
        if name not in fields
    ]
    assert wrong == []


def test_a_misspelt_field_is_noticed() -> None:
    """By either form of the import."""
    first = "from msgspec.structs import replace\n\ncase = replace(case, stat=1, way=())\n"
    second = "from msgspec import structs\n\ncase = structs.replace(case, stat=1)\n"
    assert [*replaced(first)] == [(3, "stat"), (3, "way")]
    assert [*replaced(second)] == [(3, "stat")]
    assert "stat" not in fields_of_structs()
    assert {"state", "way"} <= fields_of_structs()
