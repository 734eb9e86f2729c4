"""Who may do and see what of cases, written down a second time: the policy and the routes agree with this table."""

from __future__ import annotations

from typing import Final

import pytest

from contracts.codes import Role
from services.casefile.access import POLICY
from tests.casefile.cases import CaseContext
from tests.support.people import (
    AUDITOR,
    CONTROL,
    DPO_OF_AGENCY,
    FATIMA,
    HANNE,
    INES,
    KARIM,
    LOTTE,
    MENTEE,
    MENTOR,
    OPERATOR,
    PIETER,
    TOM,
    Person,
)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("casefile access")]

AGENCY: Final = frozenset({"AGENCY_COUNSELLOR", "AGENCY_TEAM_LEAD"})
NGO: Final = frozenset({"NGO_COORDINATOR", "NGO_LEAD"})
MENTORS: Final = frozenset({"VOLUNTEER_MENTOR", "PROFESSIONAL_MENTOR"})
EVERY_ROLE: Final = frozenset(role.value for role in Role)
PARTS: Final = ("ADDRESSED_ORGANISATION", "FORMER_ORGANISATION", "CONSENT_WITHDRAWN")

OF_THE_AGENCY: Final = (
    "accept-handback",
    "answer-gap",
    "close",
    "complete-gap-action",
    "decide-change",
    "decide-extension",
    "reassign-counsellor",
    "record-outcome",
    "reopen",
    "return-handback",
    "waive-outcome",
)
OF_THE_ORGANISATION: Final = (
    "complete-trajectory",
    "conclude-intake",
    "end-match",
    "extend-agreement",
    "log-contact-attempt",
    "propose-change",
    "propose-match",
    "reassign-coordinator",
    "record-check-in",
    "report-no-show",
    "report-progress",
    "request-handback",
    "resume",
    "review-suspension",
    "sign-agreement",
    "suspend",
    "withdraw-change",
)
OF_EITHER_SIDE: Final = ("correct", "raise-escalation", "resolve-escalation")
OF_THE_PAIR: Final = ("confirm-match", "record-pulse", "reject-match")
OF_TASKS: Final = ("claim-task", "record-task", "release-task")
UNCONCEALED: Final = (
    *("ANY_ORGANISATION", "OWN_ORGANISATION", "ONESELF", "PLATFORM"),
    *("PARTY_AGENCY", "PARTY_ORGANISATION"),
)
READS: Final = ("read", "read-at", "read-bundle", "read-record", "read-responsibility", "read-timeline")


def permitted() -> set[tuple[str, str, str]]:
    """Every (action, role, relation) that is allowed; all else is refused."""
    table: set[tuple[str, str, str]] = set()

    def allow(actions: tuple[str, ...], roles: frozenset[str], *relations: str) -> None:
        table.update((action, role, relation) for action in actions for role in roles for relation in relations)

    allow((*OF_THE_AGENCY, *OF_EITHER_SIDE), AGENCY, "OWNER_AGENCY")
    # Of former parties the domain says why it is over: 403 with the rule's code.
    allow((*OF_THE_ORGANISATION, *OF_THE_PAIR, "record-meeting", "report-gap", *OF_EITHER_SIDE), NGO, *PARTS)
    # And to a mentor whose match ended with the withdrawal of the consent.
    mentors = ("MATCHED_MENTOR", "STOPPED_MENTOR")
    allow((*OF_THE_PAIR, "raise-escalation", "record-meeting", "report-gap"), MENTORS, *mentors)
    allow(OF_TASKS, AGENCY, "OWNER_AGENCY")
    allow((*OF_TASKS, "acknowledge-charter", "approve-task", "request-exception"), NGO, *PARTS)
    allow((*OF_TASKS, "acknowledge-charter", "request-exception"), MENTORS, *mentors)
    allow(("decide-exception",), frozenset({"NGO_LEAD"}), *PARTS)
    allow((*OF_THE_PAIR, "raise-escalation"), frozenset({"MENTEE"}), "MENTEE_OF_CASE")
    allow(READS, AGENCY | NGO | {"DPO"}, "OWNER_AGENCY", *PARTS)
    allow(READS, frozenset({"AUDITOR"}), "OVERSIGHT")
    readers = AGENCY | NGO | {"DPO"}
    allow(("read-corrections",), readers, "OWNER_AGENCY", "ADDRESSED_ORGANISATION", "FORMER_ORGANISATION")
    allow(("read-texts",), AGENCY, "OWNER_AGENCY")
    allow(("read-texts",), NGO, "ADDRESSED_ORGANISATION")
    allow(("read",), MENTORS, "MATCHED_MENTOR", "FORMER_MENTOR")
    allow(("read",), frozenset({"MENTEE"}), "MENTEE_OF_CASE")
    allow(("list",), AGENCY | NGO | {"DPO", "AUDITOR"}, "ANY_ORGANISATION")
    allow(("read-worklist",), AGENCY | NGO | MENTORS | {"MENTEE"}, "ANY_ORGANISATION")
    # The words about it, as all that people write, are not for auditors.
    allow(("read-gap-words",), readers, "OWNER_AGENCY", "ADDRESSED_ORGANISATION", "FORMER_ORGANISATION")
    allow(("read-gap-words",), MENTORS, "REPORTER")
    allow(("read-gap",), readers, "OWNER_AGENCY", "ADDRESSED_ORGANISATION", "FORMER_ORGANISATION")
    allow(("read-gap",), frozenset({"AUDITOR"}), "OVERSIGHT")
    allow(("read-gap",), MENTORS, "REPORTER")
    allow(("list-gaps",), AGENCY | NGO | MENTORS | {"DPO", "AUDITOR"}, "ANY_ORGANISATION")
    allow(("describe-mentor",), NGO, "OWN_ORGANISATION")
    allow(("read-mentor",), NGO | {"DPO"}, "OWN_ORGANISATION")
    allow(("read-mentor",), frozenset({"AUDITOR"}), "OVERSIGHT")
    allow(("name-substitute",), AGENCY | NGO, "ONESELF")
    allow(("name-substitute",), frozenset({"AGENCY_TEAM_LEAD", "NGO_LEAD"}), "OWN_ORGANISATION")
    allow(("read-absence",), AGENCY | NGO | {"DPO"}, "OWN_ORGANISATION")
    allow(("read-absence",), frozenset({"AUDITOR"}), "OVERSIGHT")
    allow(("read-charter",), EVERY_ROLE - {"AGENCY_CONTROL", "SYSTEM"}, "ANY_ORGANISATION")
    allow(("write-charter",), frozenset({"OPERATOR"}), "PLATFORM")
    allow(("sign-charter",), frozenset({"AGENCY_TEAM_LEAD"}), "PARTY_AGENCY")
    allow(("sign-charter",), frozenset({"NGO_LEAD"}), "PARTY_ORGANISATION")
    # Of a report the leads see their own rows, and auditors all.
    allow(("read-report",), frozenset({"AUDITOR", "AGENCY_TEAM_LEAD", "NGO_LEAD"}), "ANY_ORGANISATION")
    # Of an organisation's rows those of cases that it still reads, and what is about all organisations of a case, none.
    allow(("read-report-rows",), frozenset({"NGO_LEAD"}), "ADDRESSED_ORGANISATION", "FORMER_ORGANISATION")
    # As an organisation saw it, and what is asked of the whole of a case: not for who sees a part of it.
    allow(("read-as", "ask-question"), frozenset({"AUDITOR"}), "OVERSIGHT")
    allow(("ask-question",), frozenset({"DPO"}), "OWNER_AGENCY")
    # Who has read it is for no party's staff.
    allow(("read-accesses",), frozenset({"AUDITOR"}), "OVERSIGHT")
    allow(("read-accesses",), frozenset({"DPO"}), "OWNER_AGENCY")
    allow(("list-questions",), frozenset({"AUDITOR", "DPO"}), "ANY_ORGANISATION")
    allow(("read-report-across",), frozenset({"AUDITOR", "AGENCY_TEAM_LEAD"}), "ANY_ORGANISATION")
    return table


async def test_the_policy_permits_what_the_table_says_and_nothing_else() -> None:
    """Cell by cell: every action, role and relation."""
    cells = list(POLICY.matrix())
    assert {
        (cell.action, cell.role.value, cell.relation) for cell in cells if cell.verdict == "PERMITTED"
    } == permitted()
    assert len(cells) == len({(cell.action, cell.role, cell.relation) for cell in cells})


async def test_strangers_are_told_that_there_is_nothing(shared: CaseContext) -> None:
    """HIDDEN for every role that can do nothing in the relation, but for the control unit, which is refused everywhere.

    A former party is told what ended its part; in relations that conceal nothing everybody is told the rule.
    """
    del shared
    parts = {(role, relation) for _, role, relation in permitted()}
    parts |= {(role, "ACCESS_ENDED") for role in AGENCY | NGO | {"DPO"}}
    for cell in POLICY.matrix():
        told = (cell.role.value, cell.relation) in parts or cell.relation in UNCONCEALED
        if cell.role == "AGENCY_CONTROL":
            assert cell.verdict == "FORBIDDEN"
        else:
            assert (cell.verdict == "HIDDEN") is not told, cell


EVERYBODY: Final[dict[Person, tuple[int, int, int, int]]] = {
    INES: (200, 200, 200, 403),
    TOM: (200, 200, 200, 403),
    DPO_OF_AGENCY: (200, 200, 403, 404),
    LOTTE: (200, 200, 200, 200),
    HANNE: (200, 200, 200, 200),
    AUDITOR: (200, 200, 403, 200),
    KARIM: (404, 404, 200, 404),
    PIETER: (404, 404, 200, 403),
    MENTOR: (404, 404, 200, 403),
    FATIMA: (404, 404, 200, 403),
    MENTEE: (404, 404, 200, 403),
    OPERATOR: (404, 404, 403, 403),
    CONTROL: (403, 403, 403, 403),
}
"""Who is answered what by a case of vdab-gent with brugwerk, its record, the worklist, and brugwerk's mentor M-41."""


@pytest.mark.parametrize("person", EVERYBODY, ids=lambda person: f"{person.role} of {person.org}")
async def test_the_routes_answer_each_role_as_the_table_says(shared: CaseContext, person: Person) -> None:
    """Parties and overseers read, their roles decide what; strangers find nothing."""
    case = await shared.brought_to("INTAKE")
    answers = [
        await shared.running.get(person, path)
        for path in (case.path, f"{case.path}/events", "/v1/worklist", "/v1/mentors/M-41")
    ]
    expected = EVERYBODY[person]
    if person is AUDITOR:
        answers[-1] = await shared.running.get(person, "/v1/mentors/M-41", organisation="brugwerk")
    assert tuple(answer.status_code for answer in answers) == expected
