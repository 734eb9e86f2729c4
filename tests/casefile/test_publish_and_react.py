"""What goes out and what comes in: messages of private events, and reactions to messages."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest

from contracts import casefile, referral
from contracts.message import CaseMessage, Message, encode
from contracts.programme_parameters import ProgrammeParameters, Term
from services.casefile.domain.known_organisation import KNOWN_ORGANISATION, LearnOrganisation, decide_organisation
from services.casefile.domain.known_programme import KNOWN_PROGRAMME, LearnProgramme, TermLength, decide_programme
from services.casefile.domain.mentoring import RecordCheckIn
from services.casefile.events import EVENT_TYPES, EVENTS
from services.casefile.publishing import publish
from services.casefile.reactions import REACTIONS, stream_of
from services.chassis.log.metadata import Metadata
from services.chassis.mail.postbox import LetterTaken
from services.chassis.modelling.delivery import Delivery
from services.chassis.modelling.plain import members
from tests.casefile.casebook import MENTOR_REF, Casebook
from tests.casefile.messages import CASE_ID, about, submitted
from tests.support.actors import CLOCK, INES, LOTTE
from tests.support.dates import end_of, on

DELIVERY = Delivery(at=on(5, 1), by=CLOCK, source_event_id="source-1", source_position=7)

PROGRAMME = referral.ProgrammeVersionPublished(
    programme="mtw-be-2026",
    version=1,
    valid_from=date(2026, 1, 1),
    parameters=ProgrammeParameters(
        kind="MENTORING_TO_WORK",
        name="Mentoring to work",
        time_zone="Europe/Brussels",
        country="BE",
        criteria=["RIGHT_TO_WORK"],
        terms={"INTAKE": Term(n=15, unit="WORKING_DAYS")},
        agreement_months_max=6,
        extension_months_max=3,
        meetings_per_month_min=2,
        information_requests_max=2,
        charter_version="v1",
        arrangement_id="arrangement-1",
        contact_point="privacy context",
    ),
)


def stored_and_read(event: Any) -> Any:
    """The event after its way through the stored bytes."""
    types = EVENT_TYPES
    meta = Metadata(event_id="e", actor=CLOCK, occurred_at=on(5, 1), recorded_at=on(5, 1), correlation_id="c")
    return types.decode(*types.encode(event, meta))[0]


def published(book: Casebook) -> list[Message]:
    """Everything that was told of the case, in order."""
    told = [publish(recorded) for recorded in book.history]
    return [one[1] for one in told if one is not None]


def messages_in(module: Any) -> list[type[CaseMessage]]:
    """The message models that a contract module declares."""
    return [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, CaseMessage) and "TYPE" in vars(kind)
    ]


def test_the_happy_path_is_told_with_its_names_and_deadlines(book: Casebook) -> None:
    """Entries of referral messages are not told again; what begins is told with what is due."""
    book.mentoring().act(RecordCheckIn(at=on(5, 3), by=LOTTE))
    told = published(book)
    assert [message.NAME for message in told] == [
        "CaseOpened",
        "ResponsibilityTransferred",
        "IntakeConcluded",
        "MatchProposed",
        "MatchConfirmed",
        "MatchConfirmed",
        "AgreementSigned",
        "CheckInRecorded",
    ]
    signed = told[6]
    assert isinstance(signed, casefile.agreement.AgreementSigned)
    assert {due.name for due in signed.deadlines} == {"AGREEMENT_END", "CHECK_IN", "PROGRESS_REPORT"}
    assert signed.readiness.screened_on == date(2025, 10, 1)
    assert (signed.case, signed.actor.sub, signed.digest) == (CASE_ID, "lotte.claes", book.history[-2].digest)
    transferred = told[1]
    assert isinstance(transferred, casefile.opening.ResponsibilityTransferred)
    assert [(due.name, due.due_at) for due in transferred.deadlines] == [
        ("FIRST_CONTACT", end_of(26, 1)),
        ("INTAKE", end_of(6, 2)),
    ]


def test_the_end_of_a_handback_tells_the_referral_service_what_it_waits_for(book: Casebook) -> None:
    """HandbackAccepted closes the referral's loop, CaseClosed frees the person for a new case."""
    book.closed()
    last = published(book)[-3:]
    assert [message.NAME for message in last] == ["HandbackAccepted", "ResponsibilityTransferred", "CaseClosed"]
    accepted = last[0]
    assert isinstance(accepted, casefile.handback.HandbackAccepted)
    assert (accepted.referral, accepted.decision, accepted.next_service) == ("R-1", "CLOSE", "DIPLOMA_DESK")


def test_no_vault_reference_is_ever_told(book: Casebook) -> None:
    """References to free text stay with the service."""
    book.closed()
    for message in published(book):
        assert "vault" not in encode(message).decode()


def test_a_mentors_profile_is_nobodys_business_outside(book: Casebook) -> None:
    """The streams of mentors publish nothing."""
    book.proposed()
    of_mentors = [one for stream, records in book.records.items() if MENTOR_REF in stream for one in records]
    assert of_mentors
    assert [publish(recorded) for recorded in of_mentors] == [None] * len(of_mentors)


def test_types_of_messages_are_unique_and_follow_their_names() -> None:
    """`org.caserelay.case.<snake>.v1`, the event's name without the word case in front."""
    kinds = messages_in(casefile)
    assert len({kind.TYPE for kind in kinds}) == len(kinds)
    for kind in kinds:
        snake = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.NAME.removeprefix("Case")).lower()
        assert f"org.caserelay.case.{snake}.v1" == kind.TYPE
        assert kind.__name__ == kind.NAME


def test_every_message_of_the_referral_service_has_a_reaction() -> None:
    """Nothing that it tells of a case gets lost on the way into its history."""
    assert set(messages_in(referral)) <= set(REACTIONS)
    for reaction in REACTIONS.values():
        assert reaction.__name__.startswith("when_")


def test_a_reaction_acts_in_the_name_of_whoever_acted_at_the_source() -> None:
    """And belongs to the stream of what the message is about."""
    message = submitted(on(12, 1))
    command = REACTIONS[type(message)](message, DELIVERY)
    assert (command.by.sub, command.by.org) == (INES.sub, INES.org)
    assert stream_of(message) == f"case-{CASE_ID}"
    assert stream_of(PROGRAMME) == "programme-mtw-be-2026"
    assert stream_of(about(referral.ReferralReceived, LOTTE, on(13, 1))) == f"case-{CASE_ID}"


def test_a_programme_version_is_learnt_once_and_governs_from_its_first_day() -> None:
    """From midnight in its own time zone; the same version again changes nothing."""
    command = REACTIONS[referral.ProgrammeVersionPublished](PROGRAMME, DELIVERY)
    assert isinstance(command, LearnProgramme)
    (learnt,) = decide_programme(command, KNOWN_PROGRAMME.initial)
    known = KNOWN_PROGRAMME.evolve(KNOWN_PROGRAMME.initial, learnt)
    assert decide_programme(command, known) == []
    governs = known.in_force(on(5, 1))
    assert governs is not None
    assert (governs.version, governs.valid_from) == (1, date(2026, 1, 1))
    assert known.in_force(datetime(2025, 12, 31, 23, tzinfo=UTC)) == governs
    assert known.in_force(datetime(2025, 12, 31, 22, 59, 59, tzinfo=UTC)) is None
    assert learnt.rules.terms["INTAKE"] == TermLength(n=15, unit="WORKING_DAYS")
    assert stored_and_read(learnt) == learnt


def test_an_organisation_is_learnt_once() -> None:
    """Its name and kind are what views show."""
    message = referral.OrganisationDescribed(
        organisation="brugwerk", name="Brugwerk vzw", kind="MENTORING_ORG", programmes=[], languages=[], sectors=[]
    )
    command = REACTIONS[referral.OrganisationDescribed](message, DELIVERY)
    assert isinstance(command, LearnOrganisation)
    (learnt,) = decide_organisation(command, KNOWN_ORGANISATION.initial)
    assert decide_organisation(command, KNOWN_ORGANISATION.evolve(KNOWN_ORGANISATION.initial, learnt)) == []


# The `text` of a letter is the same for everybody: whom it is for stands beside it, by a reference.
@pytest.mark.parametrize(
    "kind", [row.event for row in EVENTS if row.event is not LetterTaken], ids=lambda k: k.__name__
)
def test_no_event_has_a_field_for_what_belongs_in_the_vault(kind: type) -> None:
    """I9: contact data and free text stay in the vault; an event keeps a reference at most."""
    vault = {"contact", "phone", "email", "address", "text", "justification", "note", "expectations", "reason_text"}
    assert not vault & set(members(kind) or ())
