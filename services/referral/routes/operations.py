"""What the referral service's operations are for, as its OpenAPI document describes them."""

from __future__ import annotations

from typing import Any, Final

from contracts.codes import ReferralState, Role
from services.chassis.http.audit import operations
from services.chassis.http.openapi.operations import ApiDescription, Operation
from services.referral.access import POLICY
from services.referral.actions import ACTIONS, Action


def _operation(action: Action[Any, Any]) -> Operation:
    roles = ", ".join(role for role in POLICY.who_may(action.name) if role != Role.SYSTEM)
    states = ", ".join(state for state in ReferralState if state in action.states)
    purpose = (
        f"{action.summary} For {roles}; possible in {states}. `If-Match` names the version that it was decided on, and "
        "the answer is the new state with its ETag. With `dryRun=true` nothing is written."
    )
    return Operation(f"referral-{action.name}", purpose)


DESCRIBED: Final = ApiDescription(
    purpose=(
        "An agency offers a jobseeker to a mentoring organisation, which answers. Organisations, programmes and legal "
        "bases are kept here too, and the person's contact data, in a vault of their own."
    ),
    tags={
        "referrals": "Offers of a person to an organisation, from the draft to the answer.",
        "organisations": "Agencies, mentoring organisations and audit bodies, and what they can take.",
        "programmes": "The parameters of a programme, version by version: criteria, terms, calendar.",
        "broadcasts": "Offers of a person to several organisations at once, of which one may win.",
        "legal bases": "The legal bases for sharing a person's data, and how the person withdraws a consent.",
        "identities": "Who the person of a case is, for an auditor who has to know.",
        "audit": "The transparency log of what the service recorded: signed, and provable to who does not trust it.",
    },
    operations={
        "POST /v1/referrals": Operation(
            "referral-create",
            "Makes a referral of a person to an organisation and submits it; with `draft: true` it stays a draft. The "
            "same `Idempotency-Key` with the same body gives the same answer, and creates nothing new.",
        ),
        "POST /v1/referrals/bulk": Operation(
            "referral-create-many",
            "Takes one referral per line, each with an `idempotencyKey` of its own, and answers one line for each, in "
            "order, as soon as it is known: `{line, status, referral}` or `{line, status, problem}`, like the answer "
            "to a request of its own. A bad line does not affect the others.",
        ),
        "GET /v1/referrals": Operation(
            "referral-list", "A page of the referrals that the caller may see, in the order in which they were made."
        ),
        "GET /v1/referrals/{referral_id}": Operation(
            "referral-read",
            "A referral as the caller reads it, with the commands that are possible now and those that are not, why, "
            "and who can change that.",
            versioned=True,
        ),
        "PATCH /v1/referrals/{referral_id}": Operation(
            "referral-edit",
            "Changes fields of a draft: those that the patch names, null removes one (RFC 7396). The person and the "
            "programme stay as they are.",
        ),
        "GET /v1/referrals/{referral_id}/events": Operation(
            "referral-list-events", "A page of the events of a referral as they were recorded, with who and when."
        ),
        "GET /v1/referrals/{referral_id}/disclosures": Operation(
            "referral-list-disclosures",
            "A page of what was disclosed of the person, to whom, when and on which legal basis; with `refused=true`, "
            "of what was tried in either service after the person withdrew, and refused. For the agency, its data "
            "protection officer and auditors.",
        ),
        "GET /v1/referrals/{referral_id}/texts": Operation(
            "referral-list-texts", "The free texts of a referral, from the vault: answers, and reasons in words."
        ),
        "GET /v1/referrals/{referral_id}/contact": Operation(
            "referral-read-contact",
            "How to reach the person. For the agency, and for the addressed organisation as long as the legal basis is "
            "valid. Each reading is recorded and shown among the disclosures.",
        ),
        "GET /v1/organisations": Operation("organisation-list", "A page of all organisations, or of those of a kind."),
        "GET /v1/organisations/{organisation_id}": Operation(
            "organisation-read",
            "An organisation: what it offers, in which languages and sectors, and how many people it can take.",
            summary="One organisation.",
            versioned=True,
        ),
        "PUT /v1/organisations/{organisation_id}": Operation(
            "organisation-describe",
            "Describes an organisation. Only the OPERATOR registers it, and sets its kind, its programmes, and whether "
            "it is suspended. `If-Match` is required where the organisation exists already.",
        ),
        "GET /v1/programmes/{programme_id}": Operation(
            "programme-read",
            "A programme with all its versions, and which of them is in force.",
            summary="One programme.",
            versioned=True,
        ),
        "PUT /v1/programmes/{programme_id}/versions/{version}": Operation(
            "programme-publish-version",
            "Publishes the next version of a programme's parameters. A version never changes once it is published. For "
            "the OPERATOR.",
            summary="Publish a version of a programme.",
        ),
        "GET /v1/legal-bases/{basis_id}": Operation(
            "legal-basis-read",
            "A legal basis, whether it is valid, and what was done on it.",
            summary="One legal basis.",
            versioned=True,
        ),
        "POST /v1/legal-bases/{basis_id}/withdraw": Operation(
            "legal-basis-withdraw",
            "The person withdraws a consent, through either side or alone. The organisation reads no more from then "
            "on, and what is under way with it stops.",
            summary="Withdraw a consent.",
        ),
        "POST /v1/cases/{case_id}/reveal": Operation(
            "case-reveal-identity",
            "Shows an auditor who the person of a case is, for a reason. The agency and its data protection officer "
            "are told, in the feed, on the timeline and among the disclosures. Refused once the person withdrew the "
            "legal basis, or once nothing is kept any more. `Idempotency-Key` makes a repeat the same act; with "
            "`dryRun=true` nothing is shown.",
        ),
        "POST /v1/broadcasts": Operation(
            "broadcast-create",
            "Offers a person to 2 to 20 organisations at once, by a referral of its own to each. The first to accept "
            "wins, and the others' referrals end with that. Until then no organisation is told whose offer it is, or "
            "who else was asked. The offers count as one live referral. The consent names all of them.",
        ),
        "GET /v1/broadcasts/{broadcast_id}": Operation(
            "broadcast-read",
            "Names who was asked when, who answered what, and who won, and why. For the agency and auditors.",
            versioned=True,
        ),
        "POST /v1/broadcasts/{broadcast_id}/withdraw": Operation(
            "broadcast-withdraw",
            "Takes all offers back that are still open. For the agency, as long as none is accepted.",
        ),
        **{
            f"POST /v1/referrals/{{referral_id}}/{action.name}": _operation(action)
            for action in ACTIONS.values()
            if action.method == "POST"
        },
        **operations("referral"),
    },
)
