"""Every refusal has its line, and every operation lists those that it can give: read from the code, both ways."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from contracts.problem import Problem
from contracts.refusals import REFUSALS, title_of
from deploy.contracts.documents import CONTRACTS
from deploy.contracts.reach import Reach
from deploy.contracts.refusal_sites import NotReadable, Site
from deploy.contracts.refusals import ANY_ROUTE, raised
from deploy.contracts.source import ROOT, Source, Symbol
from services.casefile.actions import ACTIONS as CASE_ACTIONS
from services.referral.actions import ACTIONS as REFERRAL_ACTIONS

DOCUMENT: dict[str, Any] = json.loads((CONTRACTS / "openapi" / "sandbox.json").read_text(encoding="utf-8"))
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}
PROBLEM = "application/problem+json"


def codes_of(operation: dict[str, Any]) -> dict[str, set[str]]:
    """The codes that an operation's document shows an example of, by status."""
    return {
        status: {
            DOCUMENT["components"]["examples"][one["$ref"].rpartition("/")[2]]["value"]["code"]
            for one in answer["content"][PROBLEM]["examples"].values()
        }
        for status, answer in operation["responses"].items()
        if PROBLEM in answer.get("content", {})
    }


def test_every_code_that_is_raised_has_a_line() -> None:
    """Anyone who adds a refusal adds its title to contracts/refusals.py."""
    forgotten = {code: [site.place for site in sites] for code, sites in raised().items() if code not in REFUSALS}
    assert forgotten == {}, "add a line for each to contracts/refusals.py, then run `make contracts`"


def test_the_places_that_any_route_passes_are_there() -> None:
    """A folder that moves takes its name in the list with it: otherwise its refusals would be those of no route."""
    assert [place for place in ANY_ROUTE if not (ROOT / place).is_dir()] == []


def test_every_line_is_of_a_code_that_is_raised() -> None:
    """A refusal that is given no more is promised no more."""
    assert sorted(REFUSALS.keys() - raised().keys()) == [], "take these lines out of contracts/refusals.py"


def test_lines_are_in_order_and_titles_name_the_problem() -> None:
    """A title is a sentence without a stop, is nobody else's, and says more than the words of a status."""
    assert list(REFUSALS) == sorted(REFUSALS)
    assert len(set(REFUSALS.values())) == len(REFUSALS)
    for title in REFUSALS.values():
        assert title[0].isupper()
        assert not title.endswith(".")
        assert title not in {"Conflict", "Forbidden", "Not Found", "Unprocessable Entity"}


def test_a_code_without_a_line_keeps_its_words() -> None:
    """The test above names it; to a caller the refusal still says what it is."""
    assert title_of("NOBODYS_CODE") == "Nobodys code"


def test_every_operation_lists_its_refusals_with_an_example_of_each() -> None:
    """Every status that refuses has examples; each is a problem with that status and the title of its code."""
    for name, operation in OPERATIONS.items():
        refusals = codes_of(operation)
        assert {"400", "408", "414", "429", "431", "500"} <= refusals.keys(), name
        assert "default" not in operation["responses"]
        assert "422" not in operation["responses"] or refusals["422"]
    for shown in DOCUMENT["components"]["examples"].values():
        problem = Problem.model_validate(shown["value"])
        assert problem.title == shown["summary"] == REFUSALS[problem.code]
        assert problem.type == f"urn:caserelay:problem:{problem.code.lower().replace('_', '-')}"


def test_operations_list_what_the_rules_say_they_refuse() -> None:
    """By hand, of one rule each: the state, the input, the right, the precondition; and nothing of another command."""
    accept = codes_of(OPERATIONS["POST /v1/referrals/{referral_id}/accept"])
    assert {"CAPACITY_FULL", "STATE_DOES_NOT_ALLOW"} <= accept["409"]
    assert accept["428"] == {"IF_MATCH_REQUIRED"}
    assert "LEGAL_BASIS_WITHDRAWN" in accept["403"]
    assert "SECOND_PERSON_REQUIRED" not in accept["403"]
    confirm = codes_of(OPERATIONS["POST /v1/referrals/{referral_id}/confirm-error"])
    assert "SECOND_PERSON_REQUIRED" in confirm["403"]
    reopen = codes_of(OPERATIONS["POST /v1/cases/{case_id}/reopen"])
    assert {"REOPEN_TERM_PASSED", "CONCURRENT_PROGRAMME"} <= reopen["409"]
    close = codes_of(OPERATIONS["POST /v1/cases/{case_id}/close"])
    assert "REFERRAL_LIVE" in close["409"]
    assert "REOPEN_TERM_PASSED" not in close["409"]
    create = codes_of(OPERATIONS["POST /v1/referrals"])
    assert create["401"] == {"TOKEN_EXPIRED", "TOKEN_INVALID", "TOKEN_MISSING"}
    assert {"INELIGIBLE", "NATIONAL_NUMBER", "LEGAL_BASIS_RECIPIENT", "UNKNOWN_FIELD"} <= create["422"]
    assert "IDEMPOTENCY_KEY_REQUIRED" in create["400"]
    feed = codes_of(OPERATIONS["GET /v1/feed"])
    assert "UNKNOWN_TYPE" in feed["422"]
    assert "401" not in codes_of(OPERATIONS["GET /healthz"])


@pytest.mark.parametrize(
    ("under", "rows"), [("/v1/cases/{case_id}", CASE_ACTIONS), ("/v1/referrals/{referral_id}", REFERRAL_ACTIONS)]
)
def test_a_row_names_what_its_command_may_be_refused_with(under: str, rows: Mapping[str, Any]) -> None:
    """All that the code of its decision can say, and nothing else, beside what all commands of the service share."""
    found = {
        name: set().union(
            *codes_of(OPERATIONS[f"PATCH {under}" if name == "edit" else f"POST {under}/{name}"]).values()
        )
        for name in rows
    }
    shared = set[str].intersection(*found.values())
    assert {name: row.refuses - shared for name, row in rows.items()} == {
        name: codes - shared for name, codes in found.items()
    }


def test_clients_know_every_code() -> None:
    """The document's list of codes is the whole of it, for a problem and for each of its faults."""
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["RefusalCode"]["enum"] == sorted(REFUSALS)
    for schema in ("Problem", "ProblemField"):
        assert schemas[schema]["properties"]["code"] == {"$ref": "#/components/schemas/RefusalCode"}


def reads(tmp_path: Path, text: str) -> set[tuple[str, int, str | None]]:
    """The refusals of a piece of source, of which `rule` is the function."""
    (tmp_path / "services").mkdir()
    edge = tmp_path / "services/chassis/http/problems"
    edge.mkdir(parents=True)
    known = "def as_problem(error):\n    match error:\n        case _:\n            pass\n"
    (edge / "translation.py").write_text(known)
    (tmp_path / "services/made.py").write_text(text)
    reach = Reach(Source(tmp_path, ("services",)), frozenset({"open", "shut"}))
    sites: set[Site] = reach.from_route([Symbol("services.made", "rule")], "open")[0]
    return {(site.code, site.status, site.pointer) for site in sites}


def test_codes_are_read_wherever_they_are_written(tmp_path: Path) -> None:
    """A literal, a choice, a table, a row of faults, and what a function that is called refuses."""
    text = """
TABLE = {1: "FROM_TABLE"}
def rule(x):
    raise Refused("PLAIN", "no", because=Because.RIGHTS)
    Fault("/a", "ONE" if x else "OTHER", "no")
    code = TABLE.get(x, "FALLBACK")
    raise Refused(code, "no")
    helper()
def helper():
    return [("/b", "ROW", "no")]
def unrelated():
    raise Refused("NOT_MINE", "no")
"""
    assert reads(tmp_path, text) == {
        ("PLAIN", 403, None),
        ("ONE", 422, "/a"),
        ("OTHER", 422, "/a"),
        ("FROM_TABLE", 409, None),
        ("FALLBACK", 409, None),
        ("ROW", 422, "/b"),
    }


def test_what_another_command_meets_is_not_listed(tmp_path: Path) -> None:
    """A case, or a condition, on the name of another action; and what is caught to tell what is possible."""
    text = """
def rule(action):
    match action:
        case "open":
            raise Refused("MINE", "no")
        case "shut" if True:
            raise Refused("OF_SHUT", "no")
    if action == "shut":
        raise Refused("OF_SHUT_TOO", "no")
    try:
        told()
    except Refused as refused:
        return refused
def told():
    raise Refused("ONLY_TOLD", "no")
"""
    assert reads(tmp_path, text) == {("MINE", 409, None)}


def test_a_code_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """Nobody could find out then whether it has a line."""
    with pytest.raises(NotReadable, match="write the code as a literal"):
        reads(tmp_path, "def rule(x):\n    raise Refused(x.upper(), 'no')\n")
