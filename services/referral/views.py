"""What GET answers of referrals, organisations, programmes and legal bases: folds over events, in their JSON shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from contracts.code_lists.sectors import told
from contracts.codes import DECLINE_RULES, DeclineReason, ReferralState
from services.chassis.http.request.paths import path_of
from services.chassis.http.response.rendering import Json, as_json, camel
from services.chassis.modelling.deadline import Deadline
from services.referral.domain.legal_basis import LegalBasis
from services.referral.domain.organisation import Description, Organisation
from services.referral.domain.packet import Packet
from services.referral.domain.programme import Programme, ProgrammeVersionPublished
from services.referral.domain.referral_state import Referral


def due_at(running: Sequence[Deadline]) -> Json:
    """When each running deadline is due."""
    return {camel(deadline.name): deadline.due_at for deadline in running}


def packet_json(packet: Packet) -> Json:
    """The packet as the public body has it; without the contact data, which are in the vault."""
    body: Json = as_json(packet)
    del body["contactRef"]
    body["client"] = {"ref": body.pop("clientRef")}
    body["sectors"] = told(packet.sectors)
    return body


def referral_view(referral_id: str, referral: Referral, version: int, legal_basis: LegalBasis) -> Json:
    """A referral as its parties read it."""
    offer = referral.offer
    view: Json = {
        "id": referral_id,
        "case": offer.case_id if offer is not None else None,
        "state": referral.state,
        "version": version,
        "agency": offer.agency if offer is not None else None,
        "programmeVersion": offer.programme_version if offer is not None else None,
        **(packet_json(referral.packet) if referral.packet is not None else {}),
        "dueAt": due_at(referral.running),
        "overdue": sorted({deadline.name for deadline in referral.missed if deadline in referral.running}),
        "coordinator": referral.coordinator,
        "askedFor": list(referral.asked.codes) if referral.asked is not None else None,
        "waiting": as_json(referral.waiting) if referral.waiting is not None else None,
        "reason": referral.ended_with.reason if referral.ended_with is not None else None,
        "errorReported": referral.error is not None,
        "links": links(referral_id, offer.case_id if offer is not None else None),
    }
    if referral.state is ReferralState.DECLINED and referral.ended_with is not None:
        rule = DECLINE_RULES[DeclineReason(referral.ended_with.reason)]
        view |= {"reReferable": rule.re_referable, "proposedAction": rule.agency_action}
    if view.get("legalBasis") is not None:
        view["legalBasis"] |= {"id": legal_basis.legal_basis_id, "withdrawnAt": legal_basis.withdrawn_at}
    return view


def stopped_view(referral_id: str, referral: Referral, version: int) -> Json:
    """What remains visible to the organisation after the person withdrew the legal basis: the stop."""
    return {
        "id": referral_id,
        "case": referral.offer.case_id if referral.offer is not None else None,
        "state": referral.state,
        "version": version,
        "reason": "CONSENT_WITHDRAWN",
        "dueAt": {},
        "links": {"self": f"/v1/referrals/{referral_id}"},
    }


def links(referral_id: str, case_id: str | None) -> Json:
    """Where to go on from a referral."""
    found = {"self": f"/v1/referrals/{referral_id}", "events": f"/v1/referrals/{referral_id}/events"}
    if case_id is not None:
        found |= {"case": f"/v1/cases/{case_id}", "timeline": f"/v1/cases/{case_id}/timeline"}
    return found


def organisation_view(
    organisation_id: str, organisation: Organisation, version: int, contact_point: str | None
) -> Json:
    """An organisation as others find it."""
    described = organisation.description
    return {
        "id": organisation_id,
        **({} if described is None else _description(described)),
        "contactPoint": contact_point,
        "taken": len(organisation.taken_by),
        "version": version,
        "links": {"self": path_of("organisations", organisation_id)},
    }


def _description(described: Description) -> Json:
    shown = {name: value for name, value in as_json(described).items() if name != "contactPointRef"}
    return {**shown, "sectors": told(described.sectors)}


def programme_view(programme_id: str, programme: Programme, version: int, at: datetime) -> Json:
    """A programme with all its versions, and which of them is in force."""
    in_force = programme.in_force(at)
    return {
        "id": programme_id,
        "version": version,
        "inForce": in_force.version if in_force is not None else None,
        "versions": [version_view(one) for one in programme.versions],
        "links": {"self": path_of("programmes", programme_id)},
    }


def version_view(published: ProgrammeVersionPublished) -> Json:
    """One version of a programme's parameters. The names of terms are codes, and stay as they are."""
    parameters = published.parameters
    return {
        "version": published.version,
        "validFrom": published.valid_from,
        **as_json(parameters),
        "terms": {name: asdict(term) for name, term in parameters.terms.items()},
    }


def legal_basis_view(basis: LegalBasis, version: int) -> Json:
    """A legal basis with its interval, and what was done on it."""
    return {
        "id": basis.legal_basis_id,
        **(as_json(basis.given) if basis.given is not None else {}),
        "clientRef": basis.client_ref,
        "referral": basis.offer.referral_id if basis.offer is not None else None,
        "case": basis.offer.case_id if basis.offer is not None else None,
        "valid": basis.withdrawn_at is None,
        "withdrawnAt": basis.withdrawn_at,
        "reliedOn": [
            {"referral": one.referral_id, "recipient": one.recipient, "purpose": one.purpose, "at": one.at}
            for one in basis.relied_on
        ],
        "version": version,
        "links": {"self": f"/v1/legal-bases/{basis.legal_basis_id}"},
    }
