"""What the referral service may tell of a case next: which messages, by where its offers stand, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from contracts import broadcast
from contracts import referral as told
from contracts.message import ActorRef, CaseMessage
from contracts.packet import LegalBasisRef, ParticipationChoice
from services.chassis.modelling.decider import Actor
from tests.casefile.messages import CASE_ID, about, due, submitted
from tests.support.actors import CLOCK, INES, LOTTE
from tests.support.dates import on

NO_OFFER, SENT, RECEIVED, ASKED, WAITING, ACCEPTED, HANDED_BACK, OFFERED, WON = (
    "no offer",
    "sent",
    "received",
    "asked",
    "on the waiting list",
    "accepted",
    "handed back",
    "offered to several",
    "won by one",
)
_ANSWERABLE: Final = (SENT, RECEIVED, ASKED, WAITING)


@dataclass(frozen=True)
class News:
    """A message: after which standings of the offer it may come, how the offer stands then, and who acted."""

    kind: type[CaseMessage]
    after: tuple[str, ...]
    then: str | None
    by: Actor
    fields: Mapping[str, Any]


_DUE: Final = {"deadlines": [due("DECISION", 26, 1), due("EXPIRY", 11, 2)]}
_ACCEPTED: Final = {"coordinator": LOTTE.sub}
_SEVERAL: Final = {"broadcast": "B-1", "agency": "vdab-gent", "programme": "mtw-be-2026", "programme_version": 1}
_CHOICE: Final = ParticipationChoice(chosen_at=on(12, 1, hour=9), method="IN_PERSON", language="ar")

NEWS: Final[Mapping[str, News]] = {
    "received": News(told.ReferralReceived, (SENT,), RECEIVED, LOTTE, {}),
    "asked": News(told.InformationRequested, (RECEIVED, WAITING), ASKED, LOTTE, {"codes": ["OCCUPATION"], **_DUE}),
    "answered": News(told.InformationProvided, (ASKED,), RECEIVED, INES, {"codes": ["OCCUPATION"], **_DUE}),
    "accepted": News(told.ReferralAccepted, (RECEIVED, WAITING, WON), ACCEPTED, LOTTE, _ACCEPTED),
    "declined": News(
        told.ReferralDeclined,
        _ANSWERABLE,
        NO_OFFER,
        LOTTE,
        {"reason": "CAPACITY_FULL", "re_referable": True, "suggestion": None},
    ),
    "withdrawn": News(told.ReferralWithdrawn, _ANSWERABLE, NO_OFFER, INES, {"reason": "CLIENT_MOVED"}),
    "expired": News(told.ReferralExpired, _ANSWERABLE, NO_OFFER, CLOCK, {"last_actor": "brugwerk"}),
    "reported as an error": News(told.ErrorReported, (*_ANSWERABLE, ACCEPTED), None, INES, {}),
    "entered in error": News(told.ReferralEnteredInError, (*_ANSWERABLE, ACCEPTED), NO_OFFER, INES, {}),
    "offered to several": News(broadcast.BroadcastOpened, (NO_OFFER,), OFFERED, INES, _SEVERAL),
    "declined by one of several": News(broadcast.OfferAnswered, (OFFERED,), None, LOTTE, _SEVERAL),
    "won by one of several": News(broadcast.OfferWon, (OFFERED,), WON, LOTTE, _SEVERAL),
    "taken back from all": News(broadcast.BroadcastEnded, (OFFERED,), NO_OFFER, INES, _SEVERAL),
}
"""What may become of an offer, in the words of a story, but for what has a rule of its own."""


def message(news: str, at: datetime, referral: str) -> CaseMessage:
    """The message about the offer of that name. Offers to several are made under it, and one is of that name."""
    said = NEWS[news]
    if issubclass(said.kind, told.ReferralMessage):
        return about(said.kind, said.by, at, referral=referral, **said.fields)
    common = {
        **said.fields,
        "broadcast": f"B-{referral}",
        "case": CASE_ID,
        "actor": ActorRef(sub=said.by.sub, role=said.by.role, org=said.by.org),
        "occurred_at": at,
        "recorded_at": at,
        "digest": "d" * 64,
    }
    return said.kind(**common, **_of_several(said.kind, at, referral))


def _of_several(kind: type[CaseMessage], at: datetime, referral: str) -> dict[str, Any]:
    if kind is broadcast.BroadcastOpened:
        offers = [
            broadcast.OfferedTo(organisation="brugwerk", referral=referral, legal_basis=f"LB-{referral}"),
            broadcast.OfferedTo(organisation="samenstap", referral=f"{referral}s", legal_basis=f"LB-{referral}s"),
        ]
        one = submitted(at)
        same = ("client_ref", "previous_referral", "support_needs", "why_mentoring", "alternative_considered")
        return {
            **{name: getattr(one, name) for name in (*same, "recommended_mentor_kind", "eligibility", "deadlines")},
            "offers": offers,
            "participation_choice": _CHOICE,
            "legal_basis": "CONSENT",
        }
    if kind is broadcast.OfferAnswered:
        declined = {"event": "ReferralDeclined", "state": "DECLINED", "codes": ["CAPACITY_FULL"]}
        return {"referral": f"{referral}s", "organisation": "samenstap", **declined}
    if kind is broadcast.OfferWon:
        basis = LegalBasisRef(
            id=f"LB-{referral}", kind="CONSENT", recipient="brugwerk", text_version="v3", language="ar", given_at=at
        )
        return {
            "referral": referral,
            "organisation": "brugwerk",
            "why": "FIRST_TO_ACCEPT",
            "client_ref": "CL-7F3A",
            "previous_referral": None,
            "recommended_mentor_kind": None,
            "legal_basis": basis,
        }
    return {"state": "WITHDRAWN", "reason": "CLIENT_MOVED"}


def waitlisted(at: datetime, referral: str) -> CaseMessage:
    """The person waits for a place until a day that is three weeks away."""
    day = (at + timedelta(days=21)).date()
    return about(
        told.ReferralWaitlisted,
        LOTTE,
        at,
        referral=referral,
        reason="CAPACITY_FULL",
        since=at,
        expected_by=day,
        deadlines=[due("WAITLIST_REVIEW", 20, 2), due("EXPIRY", 20, 4)],
    )


def noted(kind: str, at: datetime, referral: str) -> CaseMessage:
    """What moves nothing: somebody was reminded of a term, or missed it."""
    which = told.ReferralDeadlineReminded if kind == "reminded" else told.ReferralDeadlineMissed
    return about(which, CLOCK, at, referral=referral, deadline="DECISION", due_at=at, awaited="brugwerk")


def withdrawn(at: datetime, referral: str, by: Actor = INES) -> CaseMessage:
    """The person withdrew what the referral rests on."""
    return about(told.LegalBasisWithdrawn, by, at, referral=referral, legal_basis=f"LB-{referral}", withdrawn_at=at)


def completed(at: datetime, referral: str) -> CaseMessage:
    """The loop is closed: what follows from the handback that the agency accepted."""
    return about(told.ReferralCompleted, CLOCK, at, referral=referral, closure="HANDBACK_ACCEPTED", loop_closed_at=at)
