"""Which streams a command of the casefile service rests on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from msgspec.structs import replace

from contracts.codes import CaseState
from contracts.identifiers import one_person
from services.casefile.actions import RULES
from services.casefile.domain.absence import STAFF, absence_stream
from services.casefile.domain.agreement import SignAgreement
from services.casefile.domain.broadcast import TakeBroadcast
from services.casefile.domain.charter import CHARTER, Charter, charter_stream
from services.casefile.domain.consent_withdrawal import TakeWithdrawal
from services.casefile.domain.context import Context, EventRef
from services.casefile.domain.correction import Correct
from services.casefile.domain.disclosure import Attempt
from services.casefile.domain.exception_count import EXCEPTION_COUNT, ExceptionCount, exception_count_stream
from services.casefile.domain.exceptions import DecideException, RequestException
from services.casefile.domain.gaps import ReportGap
from services.casefile.domain.known_organisation import KNOWN_ORGANISATION, organisation_stream
from services.casefile.domain.known_programme import KNOWN_PROGRAMME, KnownProgramme, ProgrammeLearnt, programme_stream
from services.casefile.domain.matching import ProposeMatch
from services.casefile.domain.mentor import MENTOR, mentor_stream
from services.casefile.domain.opening import TakeSubmission
from services.casefile.domain.standing_in import TELLING, for_whom, moment_of, on_behalf, people_named
from services.casefile.domain.state import BEFORE_CLOSED, Case
from services.casefile.domain.steps import Party
from services.casefile.domain.tasks import ApproveTask, ClaimTask, RecordTask
from services.casefile.history import find_event, recorded_by
from services.casefile.projection import CASES
from services.chassis.deciding.context import Needed
from services.chassis.deciding.handler import Call
from services.chassis.deciding.streams import Reads, Streams
from services.chassis.index.index import IndexReader
from services.chassis.modelling.callers_clock import by_our_clock
from services.chassis.modelling.days import USUAL_ZONE, day_in
from services.chassis.modelling.decider import Command
from services.chassis.time.calendar import Calendar, Calendars

CASES_OF_A_PERSON: Final = 10_000
OPEN_STATES: Final = tuple(sorted(state.value for state in BEFORE_CLOSED))


BY_CHARTER: Final = (SignAgreement, RecordTask, ApproveTask, ClaimTask, RequestException, ReportGap)
"""The commands that rest on the charter of roles."""


class ProgrammeUnknown(Exception):  # noqa: N818 - reads as what happened
    """A message came before the programme version that it is under; it is tried again."""


class CaseContexts:
    """Loads contexts; keeps the calendars of programme versions, which never change."""

    def __init__(self, index: IndexReader) -> None:
        self._index = index
        self._calendars = Calendars()

    def terms(self, learnt: ProgrammeLearnt) -> Calendar:
        """The calendar and terms of a programme's version."""
        return self._calendars.of((learnt.programme, learnt.version), learnt.rules)

    def needs(self, command: Command, case: Case, /) -> dict[str, Needed]:
        """The programme of a case, the mentor whom it is about, and where that matters who is away and stands in."""
        needs: dict[str, Needed] = {}
        taken = _submission(command)
        if programme := taken.message.programme if taken is not None else case.programme:
            needs["programme"] = Needed(programme_stream(programme), KNOWN_PROGRAMME)
        mentor = command.mentor if isinstance(command, ProposeMatch) else case.match and case.match.mentor
        if mentor and case.organisation:
            needs["mentor"] = Needed(mentor_stream(case.organisation, mentor), MENTOR)
        if for_whom(command, case):
            needs["sender"] = Needed(absence_stream(command.by.org, command.by.sub), STAFF)
        if isinstance(command, TELLING):
            for party in people_named(case):
                needs[_away(party)] = Needed(absence_stream(party.org, party.sub), STAFF)
        return needs

    async def make(
        self, command: Command, stream: str, case: Case, found: Mapping[str, Any], reads: Reads, /
    ) -> Context:
        """The context of a command on a case. Raises ProgrammeUnknown."""
        learnt = _in_force(found.get("programme", KNOWN_PROGRAMME.initial), command.at)
        named: EventRef | None = None
        since: tuple[str, ...] = ()
        if isinstance(command, Correct):
            named = find_event(await reads.log.read(stream), command.event)
        if isinstance(command, TakeWithdrawal):
            records = await reads.log.read(stream)
            since = recorded_by(records, command.message.organisation, command.withdrawn_at)
        charter, then = Charter(), learnt
        # A correction rests on what the report rests on that should have come.
        report = command.holds if isinstance(command, Correct) else command
        if isinstance(report, BY_CHARTER):
            happened = by_our_clock(getattr(report, "occurred_at", None) or command.at, command.at)
            # Before the first version there was no case either, which the decision says better.
            then = found["programme"].in_force(happened) or learnt
            charter = await reads.state(charter_stream(then.rules.charter_version), CHARTER)
        return Context(
            at=command.at,
            case=case,
            rules=learnt.rules,
            terms=self.terms(learnt),
            mentor=found.get("mentor"),
            named_event=named,
            since_withdrawal=since,
            actions=RULES,
            other_open_case=await self._other_open_case(case),
            programme_version=f"{learnt.programme}/{learnt.version}",
            charter=charter,
            governing=then.rules,
            exception_count=await self._exception_count(command, case, learnt, reads),
            on_behalf_of=on_behalf(command, case, found["sender"]) if "sender" in found else None,
            substitutes=_substitutes(command, case, found),
        )

    async def _exception_count(
        self, command: Command, case: Case, learnt: ProgrammeLearnt, reads: Reads
    ) -> ExceptionCount | None:
        if not isinstance(command, DecideException):
            return None
        stream = exception_count_stream(case.programme, day_in(learnt.rules.time_zone, command.at))
        return replace(await reads.state(stream, EXCEPTION_COUNT), stream=stream)

    def references(self, command: Command, context: Context, /) -> Mapping[str, str | None]:
        """Under which legal basis, charter and programme version a decision is taken."""
        return {
            "legal_basis_id": _legal_basis(command, context.case),
            "charter_version": context.rules.charter_version,
            "programme_version": context.programme_version,
        }

    async def for_reader(self, case: Case, at: datetime, streams: Streams) -> Context:
        """The context of a reader, to say what is possible now. Raises ProgrammeUnknown."""
        context = self._at(at, case, _in_force(await _programme(case.programme, streams), at))
        return replace(context, other_open_case=await self._other_open_case(case))

    async def for_worklist(self, case: Case, at: datetime, streams: Streams) -> Context:
        """The same for what moves a step on, against which no other case stands. Raises ProgrammeUnknown."""
        return self._at(at, case, _in_force(await _programme(case.programme, streams), at))

    async def for_index(self, case: Case, at: datetime, streams: Streams) -> Context | None:
        """The same with the programme as it was known the last time; None where no version of it is in force."""
        kept = streams.kept(programme_stream(case.programme), KNOWN_PROGRAMME)
        known = kept.state if kept is not None else await _programme(case.programme, streams)
        learnt = known.in_force(at)
        return self._at(at, case, learnt) if learnt is not None else None

    async def time_zone(self, programme: str, at: datetime, streams: Streams) -> str | None:
        """Where the days of a programme end, by the version in force at `at`."""
        learnt = (await _programme(programme, streams)).in_force(at)
        return learnt.rules.time_zone if learnt is not None else None

    def _at(self, at: datetime, case: Case, learnt: ProgrammeLearnt) -> Context:
        return Context(at=at, case=case, rules=learnt.rules, terms=self.terms(learnt), actions=RULES)

    async def _other_open_case(self, case: Case) -> str | None:
        if case.state is not CaseState.CLOSED:
            return None
        of_person = {"client_ref": one_person(case.client_ref)}
        rows = await self._index.find(CASES.name, of_person, after=0, limit=CASES_OF_A_PERSON)
        # A handful, so the rest is asked of the rows.
        others = (row for row in rows if row.key != case.case and row.columns["agency"] == case.agency)
        return next((row.key for row in others if row.columns["state"] in OPEN_STATES), None)


def acting(context: Context, call: Call) -> Call:
    """The call of a command as it is given on behalf of somebody who is away."""
    if context.on_behalf_of is None:
        return call
    return replace(call, actor=call.actor.standing_in(context.on_behalf_of))


def _away(party: Party) -> str:
    return f"away:{party.org}:{party.sub}"


def _substitutes(command: Command, case: Case, found: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    if not isinstance(command, TELLING):
        return {}
    at = moment_of(command)
    named = ((party, found[_away(party)].substitute_at(at)) for party in people_named(case))
    return {(party.org, party.sub): substitute for party, substitute in named if substitute is not None}


async def _programme(programme: str, streams: Streams) -> KnownProgramme:
    return (await streams.fold(programme_stream(programme), KNOWN_PROGRAMME)).state


def _in_force(known: KnownProgramme, at: datetime) -> ProgrammeLearnt:
    if (learnt := known.in_force(at)) is None:
        raise ProgrammeUnknown
    return learnt


def _submission(command: Command) -> TakeSubmission | None:
    """The submission that a command takes in, to a single organisation or to several."""
    if isinstance(command, TakeBroadcast):
        return command.submission
    return command if isinstance(command, TakeSubmission) else None


def _legal_basis(command: Command, case: Case) -> str | None:
    if isinstance(command, Attempt):
        # It rests on none, and the case may have that of another organisation by now.
        return None
    if (taken := _submission(command)) is not None:
        # Offers to several organisations have one each, and the case has the winner's.
        return taken.legal_basis.legal_basis or None
    return case.referral.legal_basis if case.referral is not None else None


async def working_day(organisation: str, at: datetime, streams: Streams) -> date:
    """The day that it is at `at` where an organisation works: in the programmes that it offers, the latest of them.

    For one whose programmes are not known it is the day in the zone of programmes that name none.
    """
    known = (await streams.fold(organisation_stream(organisation), KNOWN_ORGANISATION)).state
    offered = [(await streams.fold(programme_stream(name), KNOWN_PROGRAMME)).state for name in known.programmes]
    zones = {learnt.rules.time_zone for programme in offered if (learnt := programme.in_force(at)) is not None}
    return max(day_in(zone, at) for zone in zones or {USUAL_ZONE})
