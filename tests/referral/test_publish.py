"""What the others are told, and what never leaves the service."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from msgspec.structs import replace

from contracts import referral as messages_of
from contracts.codes import DeclineReason, WaitlistReason
from contracts.message import CaseMessage, Message, as_json
from services.chassis.log.event_types import EventTypes
from services.chassis.log.metadata import Metadata, Recorded
from services.referral.domain.answering import Decline
from services.referral.domain.organisation import Description, OrganisationDescribed
from services.referral.domain.waiting_list import Waitlist
from services.referral.events import EVENTS
from services.referral.publishing import publish
from tests.referral.office import SAMIRA, Office, ask, tell, to
from tests.support.actors import INES, LOTTE
from tests.support.dates import MONDAY, day, january

META = Metadata(event_id="e-1", actor=INES, occurred_at=MONDAY, recorded_at=MONDAY, correlation_id="e-1")


def recorded(stream: str, event: Any) -> Recorded:
    """The event as the log would hold it."""
    return Recorded(position=1, stream=stream, version=1, topic="t", event=event, meta=META, state=b"0")


def told(office: Office) -> list[tuple[str, Message]]:
    """Everything that was published, in order."""
    every = (publish(recorded(stream, event)) for stream, event in office.written)
    return [publication for publication in every if publication is not None]


def names(office: Office) -> list[str]:
    """The names of the published messages, without those that the office opened with."""
    return [message.NAME for _, message in told(office) if isinstance(message, CaseMessage)]


def lived(office: Office) -> Office:
    """An office in which every kind of event has been recorded, or nearly."""
    office.draft(referral_id="R-0")
    office.handle(office.passed("DRAFT_LAPSE", day(2026, 2, 12), "R-0"))
    office.submit()
    office.handle(office.remind("RECEIPT", january(14, 12), "R-1"))
    office.handle(office.passed("RECEIPT", january(15), "R-1"))
    office.receive(at=january(15))
    office.handle(ask(january(16)))
    office.handle(tell(january(17)))
    office.handle(
        Waitlist(
            at=january(18),
            by=LOTTE,
            referral_id="R-1",
            reason=WaitlistReason.CAPACITY_FULL,
            expected_by=date(2026, 3, 1),
            client_agreed=True,
        )
    )
    reason = DeclineReason.OTHER
    office.handle(
        Decline(
            at=january(19), by=LOTTE, referral_id="R-1", reason=reason, text_ref="vault-t", suggestion_ref="vault-s"
        )
    )
    office.confirmed_error()
    office.submit(to("samenstap"), "R-2", january(21))
    office.receive("R-2")
    office.accept("R-2")
    office.withdraw_basis("LB-R-2", "R-2", january(22))
    office.submit(referral_id="R-3", at=january(23))
    office.handle(office.passed("EXPIRY", day(2026, 3, 1), "R-3"))
    office.submit(referral_id="R-4", at=day(2026, 3, 2))
    office.withdraw_basis("LB-R-4", "R-4", day(2026, 3, 3))
    return office


def test_the_life_of_a_referral_is_told_in_the_words_of_the_domain(office: Office) -> None:
    """Each message has the event's name in the reference, which the timeline shows."""
    assert names(lived(office)) == [
        "ReferralSubmitted",
        "DeadlineReminded",
        "DeadlineMissed",
        "ReferralReceived",
        "InformationRequested",
        "InformationProvided",
        "ReferralWaitlisted",
        "ReferralDeclined",
        "ErrorReported",
        "ReferralEnteredInError",
        "ReferralSubmitted",
        "ReferralReceived",
        "ReferralAccepted",
        "LegalBasisWithdrawn",
        "ReferralCompleted",
        "ReferralSubmitted",
        "ReferralExpired",
        "ReferralSubmitted",
        "LegalBasisWithdrawn",
        "ReferralWithdrawn",
    ]


def test_a_draft_and_its_end_concern_nobody_else(office: Office) -> None:
    """Drafted, edited, reported and lapsed: not a word leaves the service."""
    office.draft()
    office.handle(office.remind("DRAFT_LAPSE", day(2026, 2, 10), "R-1"))
    office.confirmed_error(at=day(2026, 2, 11))
    assert names(office) == []


def test_messages_are_keyed_by_case_organisation_and_programme(office: Office) -> None:
    """What belongs together keeps its order."""
    office.submit()
    assert [subject for subject, _ in told(office)] == [
        "mtw-be-2026",
        "brugwerk",
        "samenstap",
        "vdab-gent",
        "C-R-1",
    ]


def test_the_submitted_message_carries_the_whole_packet_and_no_contact(office: Office) -> None:
    """The receiver's services need no look-up, and the contact data are read at the vault only."""
    office.submit()
    message = as_json(told(office)[-1][1])
    assert message["clientRef"] == "CL-7F3A"
    assert message["goals"] == list(SAMIRA.goals)
    assert message["legalBasis"]["id"] == "LB-R-1"
    assert [deadline["name"] for deadline in message["deadlines"]] == ["RECEIPT", "DECISION", "EXPIRY"]
    assert "contact" not in message
    assert "vault" not in json.dumps(message)


def test_a_published_programme_carries_all_its_terms(office: Office) -> None:
    """Casefile reckons its own deadlines by them."""
    message = as_json(told(office)[0][1])
    assert message["validFrom"] == "2026-01-01"
    assert message["parameters"]["terms"]["HANDBACK_ACKNOWLEDGEMENT"] == {"n": 5, "unit": "WORKING_DAYS"}


def test_every_recorded_event_has_a_topic_and_reads_back_as_it_was(office: Office) -> None:
    """Through the bytes that the log stores."""
    types = EventTypes(EVENTS)
    for _, event in lived(office).written:
        topic, stored = types.encode(event, META)
        assert types.decode(topic, stored) == (event, META)


def test_no_event_holds_the_name_of_a_person_it_is_about(office: Office) -> None:
    """What the vault keeps appears in events as a reference only."""
    types = EventTypes(EVENTS)
    vaulted = {"name", "phone", "email", "text", "answer", "suggestion", "justification"}

    def keys(value: Any) -> set[str]:
        if isinstance(value, dict):
            return set(value) | set().union(*(keys(each) for each in value.values()))
        return set().union(*(keys(each) for each in value)) if isinstance(value, list) else set()

    for stream, event in lived(office).written:
        if not stream.startswith(("referral-", "reminders-", "legal-basis-", "case-key-", "person-")):
            continue
        data = json.loads(types.encode(event, META)[1])["data"]
        ends = [data[one] for one in ("deadline", "access") if data.get(one) is not None]
        for running in (data.get("deadlines") or []) + ends:
            running.pop("name")
        assert not keys(data) & vaulted


def test_a_sector_is_published_as_it_is_sent(office: Office) -> None:
    """Bare in Rev. 2.1 of NACE, with its revision in Rev. 2, and as it stands in an event from before revisions."""
    office.submit(replace(SAMIRA, sectors=("2.1:N", "2.0:M", "I")))
    described = Description(name="Brugwerk", kind="MENTORING_ORG", sectors=("2.1:N", "2.0:M"))
    office.written.append(("o", OrganisationDescribed(organisation="b", description=described)))
    messages = [message for _, message in told(office)]
    assert [one.sectors for one in messages if isinstance(one, messages_of.ReferralSubmitted)] == [["N", "2.0:M", "I"]]
    assert [one.sectors for one in messages if isinstance(one, messages_of.OrganisationDescribed)][-1] == ["N", "2.0:M"]
