"""Messages of a made-up case, as the other services publish them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts import casefile, packet, referral
from contracts.codes import Role
from contracts.message import ActorRef, CaseMessage, CloudEvent, Message, as_json, encode
from services.chassis.delivery.bus import Bus, BusMessage

AGENCY, OTHER_AGENCY, BRUGWERK, SAMENSTAP = "vdab-gent", "vdab-aalst", "brugwerk", "samenstap"
START = datetime(2026, 1, 12, 9, 30, tzinfo=UTC)

INES = ActorRef(sub="ines.debacker", role=Role.AGENCY_COUNSELLOR, org=AGENCY)
LOTTE = ActorRef(sub="lotte.claes", role=Role.NGO_COORDINATOR, org=BRUGWERK)

REFERRAL_SERVICE = (referral.TOPIC, referral.SOURCE)
CASEFILE_SERVICE = (casefile.TOPIC, casefile.SOURCE)

_PACKET: dict[str, Any] = {
    "client_ref": "CL-7F3A",
    "previous_referral": None,
    "contact_language": "ar",
    "languages": [packet.LanguageSkill(tag="nl", level="B1", evidence="TESTED")],
    "occupations": [packet.Occupation(isco="2411")],
    "sectors": ["M"],
    "region": "BE234",
    "goals": ["SOCIAL"],
    "support_needs": [],
    "availability": ["MON_AM"],
    "why_mentoring": "ADDED_CAPITAL",
    "alternative_considered": "JOB_COACHING",
    "recommended_mentor_kind": None,
    "eligibility": {"REGISTERED_JOBSEEKER": True},
    "participation_choice": packet.ParticipationChoice(chosen_at=START, method="IN_PERSON", language="ar"),
    "deadlines": [],
}


class Story:
    """Makes the messages of one case, a minute after one another unless `pace` says otherwise."""

    def __init__(self, case: str, *, agency: str = AGENCY, start: datetime = START, pace: int = 60) -> None:
        self.case = case
        self.agency = agency
        self._now = start
        self._pace = timedelta(seconds=pace)

    def _common(self, actor: ActorRef) -> dict[str, Any]:
        self._now += self._pace
        return {
            "case": self.case,
            "actor": actor,
            "occurred_at": self._now,
            "recorded_at": self._now,
            "digest": "0" * 64,
        }

    def of_referral(
        self,
        model: Callable[..., referral.ReferralMessage],
        organisation: str,
        *,
        name: str = "",
        by: ActorRef = INES,
        **more: Any,
    ) -> referral.ReferralMessage:
        """A message about the referral of this case to an organisation; `name` tells several such apart."""
        offer = {
            "referral": f"{self.case}-{organisation}{name}",
            "agency": self.agency,
            "organisation": organisation,
            "programme": "mtw-be-2026",
            "programme_version": 1,
        }
        return model(**self._common(by), **offer, **more)

    def submitted(self, organisation: str, *, name: str = "") -> referral.ReferralMessage:
        """The referral is sent to an organisation."""
        basis = packet.LegalBasisRef(
            id="LB-1", kind="CONSENT", recipient=organisation, text_version="v3", language="ar", given_at=START
        )
        return self.of_referral(referral.ReferralSubmitted, organisation, name=name, legal_basis=basis, **_PACKET)

    def declined(self, organisation: str) -> referral.ReferralMessage:
        """The organisation says no."""
        return self.of_referral(
            referral.ReferralDeclined,
            organisation,
            by=LOTTE,
            reason="CAPACITY_FULL",
            re_referable=True,
            suggestion=None,
        )

    def of_case(self, model: Callable[..., CaseMessage], **more: Any) -> CaseMessage:
        """A message about the case itself."""
        return model(**self._common(INES), **more)


def described(organisation: str) -> referral.OrganisationDescribed:
    """What an organisation offers."""
    return referral.OrganisationDescribed(
        organisation=organisation,
        name=f"{organisation} vzw (demo)",
        kind="MENTORING_ORG",
        programmes=["mtw-be-2026"],
        languages=["nl"],
        sectors=["M"],
    )


class Publishing:
    """Publishes on a bus as the referral and the casefile service do: each from its own log, position by position."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.sent: list[CloudEvent] = []

    async def publish(self, *messages: Message) -> list[CloudEvent]:
        """Each message on the topic of the service that owns its contract."""
        return [await self._publish(message, type(message).TYPE) for message in messages]

    async def publish_what_follows(self, cause: CloudEvent, message: Message, *, told: bool = True) -> CloudEvent:
        """A message that names the one that it follows from, which may not be published; perhaps with its position."""
        return await self._publish(message, type(message).TYPE, cause.id, cause.sequence if told else None)

    async def publish_unknown(self, message: Message, kind: str) -> CloudEvent:
        """A message under another type than its own."""
        return await self._publish(message, kind)

    async def repeat(self, event: CloudEvent) -> None:
        """The same event again at a new position, as a bus may do that was put together again."""
        topic, _ = _service(event.source)
        position = await self._bus.published_through(topic) + 1
        await self._bus.publish(topic, [_on_the_bus(event, position)], position)

    async def _publish(
        self, message: Message, kind: str, cause: str | None = None, sequence: str | None = None
    ) -> CloudEvent:
        module = type(message).__module__
        topic, source = CASEFILE_SERVICE if module.startswith(casefile.__name__) else REFERRAL_SERVICE
        position = await self._bus.published_through(topic) + 1
        data = as_json(message)
        subject = str(data.get("case") or data.get("organisation") or data.get("programme"))
        event = CloudEvent(
            id=str(uuid.uuid4()),
            source=source,
            type=kind,
            subject=subject,
            time=message.recorded_at if isinstance(message, CaseMessage) else START,
            dataschema=f"urn:caserelay:schema:{kind}",
            sequence=str(position),
            partitionkey=subject,
            causationid=cause,
            causationsequence=sequence,
            data=data,
        )
        await self._bus.publish(topic, [_on_the_bus(event, position)], position)
        self.sent.append(event)
        return event


def _service(source: str) -> tuple[str, str]:
    return next(one for one in (REFERRAL_SERVICE, CASEFILE_SERVICE) if one[1] == source)


def _on_the_bus(event: CloudEvent, position: int) -> BusMessage:
    return BusMessage(position, event.partitionkey, event.id, encode(event))
