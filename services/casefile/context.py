"""Which streams a command of the casefile service rests on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from contracts.codes import CaseState
from contracts.identifiers import one_person
from services.casefile.domain.case import BEFORE_CLOSED, Case, Context, EventRef
from services.casefile.domain.known_programme import (
    KNOWN_ORGANISATION,
    KNOWN_PROGRAMME,
    KnownOrganisation,
    KnownProgramme,
    ProgrammeLearnt,
    organisation_stream,
    programme_stream,
)
from services.casefile.domain.matching import ProposeMatch
from services.casefile.domain.mentor import MENTOR, Mentor, mentor_stream
from services.casefile.domain.opening import TakeSubmission
from services.casefile.domain.people import Correct
from services.casefile.domain.transitions import CASE
from services.casefile.domain.withdrawal import TakeWithdrawal
from services.casefile.projection import CASES
from services.casefile.timeline import find_event, recorded_by
from services.chassis.deciding.streams import Reads, Streams
from services.chassis.index.index import IndexReader
from services.chassis.log.metadata import References
from services.chassis.modelling.days import USUAL_ZONE, day_in
from services.chassis.modelling.decider import Command
from services.chassis.time.calendar import Terms

OPEN_STATES: Final = tuple(sorted(state.value for state in BEFORE_CLOSED))


class ProgrammeUnknown(Exception):  # noqa: N818 - reads as what happened
    """A message came before the programme version that it is under; it is tried again."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A context of the domain with the references that its events carry."""

    context: Context
    references: References


@dataclass(frozen=True, slots=True)
class LoadedMentor:
    """The context of a mentor's profile."""

    context: Mentor
    references: References = References()


@dataclass(frozen=True, slots=True)
class LoadedProgramme:
    """The context of what is known of a programme."""

    context: KnownProgramme
    references: References = References()


@dataclass(frozen=True, slots=True)
class LoadedOrganisation:
    """The context of what is known of an organisation."""

    context: KnownOrganisation
    references: References = References()


class Contexts:
    """Loads contexts; keeps the calendars of programme versions, which never change."""

    def __init__(self, index: IndexReader) -> None:
        self._index = index
        self._terms: dict[tuple[str, int], Terms] = {}

    def terms(self, learnt: ProgrammeLearnt) -> Terms:
        """The calendar and terms of a programme's version."""
        key = learnt.programme, learnt.version
        if key not in self._terms:
            lengths = {name: (term.n, term.unit) for name, term in learnt.rules.terms.items()}
            rules = learnt.rules
            self._terms[key] = Terms(lengths, rules.time_zone, rules.country, rules.region, rules.closing_days)
        return self._terms[key]

    async def for_command(self, command: Command, stream: str, reads: Reads) -> Loaded:
        """The context of a command on a case. Raises ProgrammeUnknown."""
        case = await reads.state(stream, CASE)
        programme = command.message.programme if isinstance(command, TakeSubmission) else case.programme
        learnt = await self._learnt(programme, command.at, reads)
        named: EventRef | None = None
        since: tuple[str, ...] = ()
        if isinstance(command, Correct):
            named = await self._named(command.event, stream, reads)
        if isinstance(command, TakeWithdrawal):
            records = await reads.log.read(stream)
            since = recorded_by(records, command.message.organisation, command.withdrawn_at)
        mentor_id = command.mentor if isinstance(command, ProposeMatch) else case.match and case.match.mentor
        organisation = case.organisation
        mentor: Mentor | None = None
        if mentor_id and organisation:
            mentor = await reads.state(mentor_stream(organisation, mentor_id), MENTOR)
        context = Context(
            at=command.at,
            case=case,
            rules=learnt.rules,
            terms=self.terms(learnt),
            mentor=mentor,
            named_event=named,
            since_withdrawal=since,
            other_open_case=self._other_open_case(case),
        )
        return Loaded(
            context,
            References(
                legal_basis_id=_legal_basis(command, case),
                charter_version=learnt.rules.charter_version,
                programme_version=f"{learnt.programme}/{learnt.version}",
            ),
        )

    async def for_reader(self, case: Case, at: datetime, streams: Streams) -> Context:
        """The context as somebody who asks what is possible needs it. Raises ProgrammeUnknown."""
        learnt = await self._learnt(case.programme, at, Reads(streams))
        return Context(
            at=at,
            case=case,
            rules=learnt.rules,
            terms=self.terms(learnt),
            other_open_case=self._other_open_case(case),
        )

    def _other_open_case(self, case: Case) -> str | None:
        if case.state is not CaseState.CLOSED:
            return None
        wanted = {"agency": case.agency, "client_ref": one_person(case.client_ref), "state": OPEN_STATES}
        rows = self._index.find(CASES.name, wanted, after=0, limit=2)
        return next((row.key for row in rows if row.key != case.case), None)

    async def _learnt(self, programme: str, at: datetime, reads: Reads) -> ProgrammeLearnt:
        known = await reads.state(programme_stream(programme), KNOWN_PROGRAMME)
        if (learnt := known.in_force(at)) is None:
            raise ProgrammeUnknown
        return learnt

    @staticmethod
    async def _named(event: str, stream: str, reads: Reads) -> EventRef | None:
        return find_event(await reads.log.read(stream), event)


def _legal_basis(command: Command, case: Case) -> str | None:
    if isinstance(command, TakeSubmission):
        return command.legal_basis.legal_basis
    return case.referral.legal_basis if case.referral is not None else None


async def working_day(organisation: str, at: datetime, streams: Streams) -> date:
    """The day that it is at `at` where an organisation works: in the programmes that it offers, the latest of them.

    For one whose programmes are not known it is the day in the zone of programmes that name none.
    """
    known = (await streams.fold(organisation_stream(organisation), KNOWN_ORGANISATION)).state
    offered = [(await streams.fold(programme_stream(one), KNOWN_PROGRAMME)).state for one in known.programmes]
    zones = {learnt.rules.time_zone for one in offered if (learnt := one.in_force(at)) is not None}
    return max(day_in(zone, at) for zone in zones or {USUAL_ZONE})


async def mentor_context(_command: Command, stream: str, reads: Reads) -> LoadedMentor:
    """The mentor's profile alone."""
    return LoadedMentor(await reads.state(stream, MENTOR))


async def programme_context(_command: Command, stream: str, reads: Reads) -> LoadedProgramme:
    """What is known of the programme."""
    return LoadedProgramme(await reads.state(stream, KNOWN_PROGRAMME))


async def organisation_context(_command: Command, stream: str, reads: Reads) -> LoadedOrganisation:
    """What is known of the organisation."""
    return LoadedOrganisation(await reads.state(stream, KNOWN_ORGANISATION))
