"""The JSON of referrals, organisations, programmes, legal bases and disclosures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Final

from msgspec import json

from contracts.code_lists import sectors
from contracts.codes import DECLINE_RULES, DeclineReason, ReferralState, Reliance
from contracts.pause_codes import PauseReason
from services.chassis.http.request.paths import path_of
from services.chassis.http.response.rendering import Json, as_json, camel
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.deadline import Deadline
from services.referral.domain.broadcast import Broadcast, Standing
from services.referral.domain.disclosure import ContactDisclosed, IdentityRevealed
from services.referral.domain.ladder import WAITLIST_ALERT
from services.referral.domain.legal_basis import LegalBasis, LegalBasisReliedOn
from services.referral.domain.organisation import Description, Organisation
from services.referral.domain.packet import Packet
from services.referral.domain.programme import Programme, ProgrammeVersionPublished
from services.referral.domain.referral_state import Referral

DISCLOSED: Final = {Reliance.SUBMIT.value: "PACKET", Reliance.PROVIDE_INFORMATION.value: "INFORMATION"}
"""What an act that relied on the basis disclosed to the organisation. Accepting discloses nothing more."""


def due_at(running: Sequence[Deadline]) -> Json:
    """When each running deadline is due."""
    return {camel(deadline.name): deadline.due_at for deadline in running}


def packet_json(packet: Packet) -> Json:
    """The packet as the public body has it; without the contact data, which are in the vault."""
    body: Json = as_json(packet)
    del body["contactRef"]
    body["client"] = {"ref": body.pop("clientRef")}
    body["sectors"] = sectors.as_sent(packet.sectors)
    return body


def referral_view(referral_id: str, referral: Referral, version: int, legal_basis: LegalBasis) -> Json:
    """A referral as its parties read it."""
    offer = referral.offer
    view: Json = {
        "id": referral_id,
        "case": offer.case_id if offer is not None else None,
        **({"broadcast": offer.broadcast} if offer is not None and offer.is_anonymous else {}),
        "state": referral.state,
        "version": version,
        "agency": offer.agency if offer is not None else None,
        "programmeVersion": offer.programme_version if offer is not None else None,
        **(packet_json(referral.packet) if referral.packet is not None else {}),
        "dueAt": due_at(referral.running),
        "overdue": sorted({deadline.name for deadline in referral.missed if deadline in referral.running}),
        "missed": missed_views(referral),
        "paused": paused_views(referral),
        "coordinator": referral.coordinator,
        "askedFor": list(referral.question.codes) if referral.question is not None else None,
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


def missed_views(referral: Referral) -> list[Json]:
    """The missed terms whose act is still awaited: how far each has come, and the levels to come."""
    return [
        {
            "deadline": late.deadline,
            "dueAt": late.due_at,
            "level": late.level,
            "toCome": [{"level": due.level, "at": due.at} for due in late.to_come],
        }
        for late in referral.late
        if late.deadline != WAITLIST_ALERT
    ]


def paused_views(referral: Referral) -> list[Json]:
    """The term that stands still, since when, and why."""
    question = referral.question
    if question is None or question.paused is None:
        return []
    reason = PauseReason.QUESTION_OPEN.value
    held = question.paused
    return [{"deadline": held.name, "dueAt": held.due_at, "reason": reason, "since": question.at}]


def summary_view(referral_id: str, columns: Mapping[str, object], now: datetime) -> Json:
    """What a list shows of a referral, from its columns in the index (`services.referral.projection.REFERRALS`)."""
    due: dict[str, str] = json.decode(str(columns["deadlines"]))
    case_id = str(columns["case_id"])
    return {
        "id": referral_id,
        "case": case_id,
        "state": columns["state"],
        "version": columns["version"],
        "agency": columns["agency"],
        "dueAt": {camel(name): at for name, at in due.items()},
        "overdue": sorted(name for name, at in due.items() if datetime.fromisoformat(at) <= now),
        "links": links(referral_id, case_id),
        "organisation": columns["organisation"],
        "clientRef": columns["client_ref"],
    }


def stopped_view(referral_id: str, case_id: str | None, state: str | None, version: int) -> Json:
    """All that the organisation still sees after the person withdrew the legal basis: the stop."""
    return {
        "id": referral_id,
        "case": case_id,
        "state": state,
        "version": version,
        "reason": "CONSENT_WITHDRAWN",
        "dueAt": {},
        "links": {"self": f"/v1/referrals/{referral_id}"},
    }


def anonymous(view: Json, broadcast: str) -> Json:
    """A view of a referral, or of its legal basis, without what tells an organisation whose offer it is.

    The `broadcast` stands in its place: messages about the offer are under it.
    """
    hidden = {"case", "client", "clientRef", "previousReferral", "contact"}
    shown = {name: value for name, value in view.items() if name not in hidden}
    shown["links"] = {name: link for name, link in view["links"].items() if name not in ("case", "timeline")}
    return {**shown, "broadcast": broadcast}


def anonymous_record(view: Json, actor: Json) -> Json:
    """The raw record of an event, without what tells an organisation whose offer it is; `actor` as it may know."""
    hidden = {"caseId", "caseKey", "clientRef", "previousReferral", "contactRef"}
    data: Json = _without(view["data"], hidden)
    return {**view, "actor": actor, "data": data}


def _without(data: Any, hidden: AbstractSet[str]) -> Any:
    if isinstance(data, dict):
        return {name: _without(value, hidden) for name, value in data.items() if name not in hidden}
    return data


def links(referral_id: str, case_id: str | None) -> Json:
    """The links of a referral."""
    found = {"self": f"/v1/referrals/{referral_id}", "events": f"/v1/referrals/{referral_id}/events"}
    if case_id is not None:
        found |= {"case": f"/v1/cases/{case_id}", "timeline": f"/v1/cases/{case_id}/timeline"}
    return found


def disclosures_link(referral_id: str) -> Json:
    """A further link, for those who may read to whom the person's data were disclosed."""
    return {"disclosures": f"/v1/referrals/{referral_id}/disclosures"}


def broadcast_view(broadcast_id: str, broadcast: Broadcast, version: int) -> Json:
    """A broadcast as its agency reads it: who was asked when, who answered what, who won and why."""
    whose, packet = broadcast.whose, broadcast.packet
    case_id = whose.case_id if whose is not None else None
    view: Json = {
        "id": broadcast_id,
        "state": broadcast.state,
        "version": version,
        "case": case_id,
        "agency": whose.agency if whose is not None else None,
        "programme": whose.programme if whose is not None else None,
        "clientRef": packet.client_ref if packet is not None else None,
        "openedAt": broadcast.opened_at,
        "endedAt": broadcast.ended_at,
        "offers": [_standing(offer) for offer in broadcast.offers],
        "links": {
            "self": f"/v1/broadcasts/{broadcast_id}",
            "case": f"/v1/cases/{case_id}",
            "timeline": f"/v1/cases/{case_id}/timeline",
        },
    }
    if broadcast.winner is not None:
        view |= {"winner": broadcast.winner, "why": broadcast.why}
    return view if broadcast.reason is None else {**view, "reason": broadcast.reason}


def _standing(offer: Standing) -> Json:
    return {
        "organisation": offer.to.organisation,
        "referral": offer.to.referral_id,
        "state": offer.state,
        "offeredAt": offer.offered_at,
        "answers": [
            {"event": answer.event, "at": answer.at, "codes": list(answer.codes)}
            for answer in offer.answers
            if answer.event != "ReferralSubmitted"
        ],
    }


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
    return {**shown, "sectors": sectors.as_sent(described.sectors)}


def programme_view(programme_id: str, programme: Programme, version: int, at: datetime) -> Json:
    """A programme with all its versions, and which of them is in force."""
    in_force = programme.in_force(at)
    return {
        "id": programme_id,
        "version": version,
        "inForce": in_force.version if in_force is not None else None,
        "versions": [version_view(version) for version in programme.versions],
        "links": {"self": path_of("programmes", programme_id)},
    }


def version_view(published: ProgrammeVersionPublished) -> Json:
    """One version of a programme's parameters. The names of terms are codes, and stay as they are."""
    parameters = published.parameters
    return {
        "version": published.version,
        "validFrom": published.valid_from,
        **as_json(parameters),
        "terms": {name: as_json(term) for name, term in parameters.terms.items()},
    }


def legal_basis_view(basis: LegalBasis, version: int) -> Json:
    """A legal basis with its interval of validity, and what was done on it."""
    return {
        "id": basis.legal_basis_id,
        **(as_json(basis.given) if basis.given is not None else {}),
        "clientRef": basis.client_ref,
        "referral": basis.offer.referral_id if basis.offer is not None else None,
        "case": basis.offer.case_id if basis.offer is not None else None,
        "valid": basis.withdrawn_at is None,
        "withdrawnAt": basis.withdrawn_at,
        "reliedOn": [
            {"referral": entry.referral_id, "recipient": entry.recipient, "purpose": entry.purpose, "at": entry.at}
            for entry in basis.relied_on
        ],
        "version": version,
        "links": {"self": f"/v1/legal-bases/{basis.legal_basis_id}"},
    }


def disclosure_view(recorded: Recorded, referral_id: str) -> Json | None:
    """An event as a disclosure of the person's data by the referral; None for one that disclosed nothing."""
    match recorded.event:
        case ContactDisclosed() as reading:
            reader = {"org": reading.to, "role": recorded.meta.actor.role, "sub": recorded.meta.actor.sub}
            return {"at": reading.at, "to": reader, "what": "CONTACT", "legalBasis": reading.legal_basis_id}
        case IdentityRevealed() as revealed:
            reader = {"org": revealed.to, "role": recorded.meta.actor.role, "sub": recorded.meta.actor.sub}
            shown = {"at": revealed.at, "to": reader, "what": "IDENTITY", "legalBasis": revealed.legal_basis_id}
            return {**shown, "reason": revealed.reason_ref}
        case LegalBasisReliedOn() as entry if entry.referral_id == referral_id and entry.purpose in DISCLOSED:
            # To the organisation as such: which of its members reads it is not recorded.
            organisation = {"org": entry.recipient, "role": None, "sub": None}
            what, basis = DISCLOSED[entry.purpose], entry.legal_basis_id
            return {"at": entry.at, "to": organisation, "what": what, "legalBasis": basis}
        case _:
            return None
