"""What the casefile service's operations are for, as its OpenAPI document says it."""

from __future__ import annotations

from typing import Any, Final

from contracts.audited import ACCESS
from contracts.codes import CaseState, Role
from services.casefile.access import POLICY
from services.casefile.action_rows import Action
from services.casefile.actions import ACTIONS
from services.chassis.http.audit import operations
from services.chassis.http.openapi.operations import ApiDescription, Operation


def _command(action: Action[Any, Any]) -> Operation:
    roles = ", ".join(role for role in POLICY.who_may(action.name) if role != Role.SYSTEM)
    states = ", ".join(state for state in CaseState if state in action.states)
    purpose = (
        f"{action.summary} For {roles}; possible in {states}. `If-Match` names the version that it was decided "
        "on, and the answer is the new state with its ETag. With `dryRun=true` nothing is written."
    )
    return Operation(f"case-{action.name}", purpose)


DESCRIBED: Final = ApiDescription(
    purpose=(
        "The shared case of a person: who is responsible for which step, until when, what happened, and what came of "
        "it. Both sides read the same history."
    ),
    tags={
        "cases": "Cases, their history, and the commands on them.",
        "gaps": "Public services that fall short, as mentors and coordinators report it, and what agencies answer.",
        "absences": "Who of an organisation's staff is away for a time, and who stands in.",
        "reports": "What is asked over many cases: who did what, what lacks, and what came of it.",
        "questions": "What an auditor asks of a case, answered from its record alone, with the events that prove it.",
        "charters": "The charter of roles, version by version: who may carry which task.",
        "mentors": "The mentors of an organisation: ready, for which sectors and languages, and how many places.",
        "audit": "The transparency log of what the service recorded: signed, and provable to who does not trust it.",
    },
    operations={
        "GET /v1/cases": Operation(
            "case-list",
            "A page of the cases that the caller has a part in, in the order of their opening; with "
            "`overdue`, in the order of what is due.",
        ),
        "GET /v1/worklist": Operation(
            "worklist-read",
            "A page of what waits for the caller's organisation, or with `mine=true` for the caller by name, with the "
            "commands that do it. A mentor and the person find their own case.",
        ),
        "GET /v1/cases/{case_id}": Operation(
            "case-read",
            "A case as the caller reads it, with the commands that are possible now and those that are not, why, and "
            "who can change that. With `asOf` or `knownAt` the case as it was, without commands; with `viewer`, for "
            "auditors, as that organisation saw it.",
            versioned=True,
        ),
        "GET /v1/cases/{case_id}/timeline": Operation(
            "case-read-timeline",
            "What happened in a case, from both services in one order, each event with who was responsible after it. "
            "`asOf` asks for what had happened by then, `knownAt` for what was known then.",
            versioned=True,
        ),
        "GET /v1/cases/{case_id}/responsibility": Operation(
            "case-read-responsibility",
            "The case lead, and exactly one owner for every open step, now or at any moment.",
            versioned=True,
        ),
        "GET /v1/cases/{case_id}/diff": Operation(
            "case-read-difference",
            "What changed in a case between two moments, in words, and the items of the timeline in between, as far as "
            "the caller may see them.",
            versioned=True,
        ),
        "GET /v1/cases/{case_id}/export": Operation(
            "case-export",
            "A case as a file, as far as the caller may see it: its timeline in words, states, who was responsible, "
            "deadlines and events; `ndjson` has the raw record. `Repr-Digest` is the SHA-256 of the file. `pdf`, "
            "`xlsx` and `parquet` need libraries that an installation may lack, which is answered with 501.",
            versioned=True,
        ),
        "GET /v1/cases/{case_id}/accesses": Operation(
            "case-list-accesses",
            "A page of who read the case while overseeing it, of whichever service, and of who fetched a receipt, when "
            "and what for. For auditors and the agency's data protection officer; each reading can be proven by its "
            "event in the log `access`.",
        ),
        "GET /v1/cases/{case_id}/events": Operation(
            "case-list-events",
            "A page of the events of a case as they were recorded, with who and when, the digest of the stored bytes, "
            "and a hash chain over all events of the case until then.",
        ),
        "GET /v1/cases/{case_id}/receipts": Operation(
            "case-list-receipts",
            "A page of the receipts for the handovers of a case that the caller sees, each as it is read by itself.",
        ),
        "GET /v1/cases/{case_id}/receipts/{event}": Operation(
            "case-read-receipt",
            "The receipt for a `ResponsibilityTransferred` or a `HandbackAccepted`: who handed the case to whom, when, "
            "signed by the log, with the events that say so and the proof that the log has them. `caserelay audit "
            "verify RECEIPT.json` checks it offline.",
        ),
        "GET /v1/cases/{case_id}/bundle": Operation(
            "case-read-bundle",
            "A zip archive that proves what happened in a case, without us: events as they are stored, their proofs, "
            "signed checkpoints and a signed manifest. `caserelay audit verify` checks it offline. An organisation's "
            "has the events that it sees.",
        ),
        "GET /v1/cases/{case_id}/texts": Operation(
            "case-list-texts", "The free texts of a case, from the vault: expectations, justifications, corrections."
        ),
        "GET /v1/reports": Operation("report-list", "The reports that there are, with what each says and is made of."),
        "GET /v1/reports/{name}": Operation(
            "report-read",
            "The rows of a report that the caller reads: auditors all, the lead of an agency those of its own cases, "
            "the lead of an organisation its own. `Accept: text/csv` asks for a table. In statistics counts from 1 to "
            "4 are hidden, and so many others that they cannot be worked out.",
        ),
        "GET /v1/audit/questions": Operation(
            "question-list", "The questions that there are, with what each asks and is answered from; for auditors."
        ),
        "GET /v1/audit/questions/{question}": Operation(
            "question-read",
            "The answer of a case to a question, made from its record alone: a sentence, the facts behind it, and the "
            "events that prove them. For auditors, and for the data protection officer of the case's agency. `asOf` "
            "asks for what had happened by then, `knownAt` for what was known then. In the place of `case` it may be "
            "asked of a `programme`, a page after the other, or of a `sample` that the `seed` draws, again and "
            "again the same one.",
        ),
        "GET /v1/gaps": Operation(
            "gap-list",
            "A page of the gaps in services that the caller reads, those first whose answer is due first: an agency's "
            "own, those of an organisation, and those that a mentor reported.",
        ),
        "POST /v1/gaps/answers": Operation(
            "gap-answer-together",
            "Gives one answer to gaps of one service and type, in any of the agency's cases: to each as if "
            "`answer-gap` had been sent for it alone, on its case as it is. What became of it is said gap by gap.",
        ),
        "GET /v1/gaps/{gap_id}": Operation(
            "gap-read",
            "A gap in services with the words about it, and what became of it. The ETag is that of its case, on which "
            "`answer-gap` is sent.",
            versioned=True,
        ),
        "GET /v1/mentors": Operation(
            "mentor-list", "A page of the mentors of the caller's organisation; for auditors, of any."
        ),
        "GET /v1/mentors/{ref}": Operation(
            "mentor-read", "A mentor's profile, and how many places are free.", versioned=True
        ),
        "PUT /v1/mentors/{ref}": Operation(
            "mentor-describe",
            "Sets a mentor's profile. `If-Match` is needed where there is one already.",
        ),
        "GET /v1/mentors/{ref}/contact": Operation(
            "mentor-contact-read", "Where a mentor without an account is written to.", versioned=True
        ),
        "PUT /v1/mentors/{ref}/contact": Operation(
            "mentor-contact-give",
            "Says where a mentor without an account is written to, so that they answer by a link and a code; without "
            "`email` nowhere any more. `If-Match` is the mentor's.",
        ),
        "GET /v1/absences": Operation(
            "absence-list",
            "A page of those of the caller's organisation who are, will be, or were away, each with their latest "
            "absence and who stands in; for auditors, of any organisation.",
        ),
        "GET /v1/absences/{sub}": Operation(
            "absence-read", "When somebody is away, and who stands in for them.", versioned=True
        ),
        "PUT /v1/absences/{sub}": Operation(
            "absence-name-substitute",
            "Names who stands in for somebody for a time: oneself, or for a colleague as the lead of the organisation. "
            "It takes the place of what was named before. The worklist, reminders and escalations go to both, and what "
            "the substitute does in their cases stands on the record as on behalf of them. `If-Match` is needed where "
            "there is something already.",
        ),
        "POST /v1/absences/{sub}/release": Operation(
            "absence-release", "Ends it early: somebody is back, or does not leave."
        ),
        "GET /v1/charters": Operation("charter-list", "A page of the versions of the charter of roles."),
        "GET /v1/charters/{version}": Operation(
            "charter-read",
            "A version of the charter: for every kind of task, which role may carry it, support it, or must not.",
            versioned=True,
        ),
        "PUT /v1/charters/{version}": Operation(
            "charter-write",
            "Writes a version of the charter; for the OPERATOR. A version that was written never changes: the same "
            "again changes nothing, and anything else is refused.",
        ),
        "POST /v1/charters/{version}/sign": Operation(
            "charter-sign",
            "Signs a version for the caller's organisation; for AGENCY_TEAM_LEAD and NGO_LEAD. No agreement is signed "
            "under a version that the agency or the organisation of the case has not signed.",
        ),
        **{f"POST /v1/cases/{{case_id}}/{name}": _command(action) for name, action in ACTIONS.items()},
        **operations("casefile"),
        **operations(ACCESS),
    },
)
