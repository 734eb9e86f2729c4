"""Which streams a command of the referral service rests on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from services.chassis.deciding.context import Needed
from services.chassis.deciding.handler import Busy
from services.chassis.deciding.streams import Reads, Streams
from services.chassis.engines.store_health import Unavailable
from services.chassis.index.index import IndexReader
from services.chassis.modelling.decider import Command, Entity
from services.chassis.time.calendar import Terms
from services.referral.domain.answering import ReferralWaitlisted
from services.referral.domain.case_key import CASE_KEY, CaseKey, case_key_of, case_key_stream
from services.referral.domain.context import Context
from services.referral.domain.drafting import CreateDraft
from services.referral.domain.legal_basis import LEGAL_BASIS, LegalBasis, legal_basis_stream
from services.referral.domain.offer import referral_stream
from services.referral.domain.organisation import (
    ORGANISATION,
    DescribeOrganisation,
    Organisation,
    OrganisationContext,
    organisation_stream,
)
from services.referral.domain.person import PERSON, Elsewhere, person_stream
from services.referral.domain.programme import PROGRAMME, Programme, ProgrammeVersionPublished, programme_stream
from services.referral.domain.referral import REFERRAL
from services.referral.domain.referral_state import Referral
from services.referral.domain.reminders import REMINDERS, Reminders, reminders_stream
from services.referral.domain.rests_on import RestsOn, rests_on
from services.referral.domain.submission import SubmitReferral
from services.referral.domain.timekeeping import RemindDeadline
from services.referral.domain.waiting import CorrectWaiting
from services.referral.projection import CASE_KEYS, PROGRAMMES

MOST_PROGRAMMES: Final = 10_000
MOST_KEYS: Final = 1_000
"""More case keys than one person has."""
PATIENCE_SECONDS: Final = 30.0
AGAIN_SECONDS: Final = 0.1


class KnownBefore:
    """Programmes that there were when this process first asked, and persons' case keys; newer ones, streams tell.

    So a person whose referral is older than that stream, or was written in another case, is found all the same.
    """

    def __init__(self, index: IndexReader, catch_up: Callable[[], Awaitable[None]], wait_seconds: float) -> None:
        self._index = index
        self._catch_up = catch_up
        self._wait_seconds = wait_seconds
        self._loading: asyncio.Task[None] | None = None
        self.known: tuple[str, ...] | None = None

    async def all(self) -> tuple[str, ...]:
        """The programmes' ids. Raises Busy while the index of an old log is still being put together."""
        if self.known is None:
            if self._loading is None or self._loading.done():
                self._loading = asyncio.create_task(self._load())
            # Not stopped with the request: it is for all that come.
            done, _ = await asyncio.wait({self._loading}, timeout=self._wait_seconds)
            if not done:
                raise Busy
            self._loading.result()
        return self.known or ()

    async def keys(self, person: str) -> frozenset[tuple[str, str]]:
        """The case keys in the index, each with its programme, by the person's stream; complete after `all`.

        Waits for an index that cannot be asked as long as a log is waited for, and then raises Unavailable.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                rows = self._index.find(CASE_KEYS.name, {"person": person}, after=0, limit=MOST_KEYS)
                return frozenset((str(row.columns["programme"]), row.key) for row in rows)
            except Unavailable:
                if time.monotonic() > until:
                    raise
            await asyncio.sleep(AGAIN_SECONDS)

    async def _load(self) -> None:
        await self._catch_up()
        rows = self._index.find(PROGRAMMES.name, {}, after=0, limit=MOST_PROGRAMMES)
        self.known = tuple(row.key for row in rows)


class Contexts:
    """Loads contexts; keeps the calendars of programme versions, which never change."""

    def __init__(self, before: KnownBefore) -> None:
        self._before = before
        self._terms: dict[tuple[str, int], Terms] = {}

    def terms(self, version: ProgrammeVersionPublished | None) -> Terms | None:
        """The calendar and terms of a programme's version."""
        if version is None:
            return None
        key = version.programme, version.version
        if key not in self._terms:
            parameters = version.parameters
            terms = {name: (term.n, term.unit) for name, term in parameters.terms.items()}
            self._terms[key] = Terms(
                terms, parameters.time_zone, parameters.country, parameters.region, parameters.closing_days
            )
        return self._terms[key]

    def needs(self, command: Command, own: Referral | LegalBasis, /) -> dict[str, Needed]:
        """The streams that a decision on a referral rests on; on a legal basis, its referral first."""
        if isinstance(own, LegalBasis):
            return {"referral": Needed(referral_stream(own.offer.referral_id), REFERRAL)} if own.offer else {}
        on = rests_on(command, own)
        needs = _needs(on, None if isinstance(command, SubmitReferral) else _basis_of(command, on))
        if isinstance(command, SubmitReferral | CreateDraft):
            keys = _named(on, self._before.known or ())
            needs |= {key: Needed(case_key_stream(key), CASE_KEY) for _, key in sorted(keys)}
        if isinstance(command, RemindDeadline) and own.offer is not None:
            needs["reminders"] = Needed(reminders_stream(own.offer.referral_id), REMINDERS)
        return needs

    async def _case_keys(
        self, on: RestsOn, reads: Reads, *, fixed: bool
    ) -> tuple[str | None, CaseKey, tuple[Elsewhere, ...]]:
        """The case key that a decision is about, its name first, and the person's others.

        It is the one that is named, where it is `fixed` or nothing hangs on another one of the programme.
        """
        if on.case_key is None:
            return None, CaseKey(), ()
        if on.person is None:
            return on.case_key, await reads.state(case_key_stream(on.case_key), CASE_KEY), ()
        named = _named(on, await self._before.all())
        person = person_stream(*on.person)
        found = sorted(named | (await reads.state(person, PERSON)).keys | await self._before.keys(person))
        await reads.together([(case_key_stream(key), CASE_KEY) for _, key in found])
        keys = {key: (programme, await reads.state(case_key_stream(key), CASE_KEY)) for programme, key in found}
        own = on.case_key
        keys[own] = str(on.programme), await reads.state(case_key_stream(own), CASE_KEY)
        if not fixed:
            here = [key for key, (programme, _) in keys.items() if programme == on.programme]
            own = max(here, key=lambda key: (keys[key][1].weight, key == on.case_key))
        others = ((programme, key) for name, (programme, key) in keys.items() if name != own)
        return own, keys[own][1], tuple(Elsewhere(programme=programme, key=key) for programme, key in others)

    async def make(
        self, command: Command, stream: str, own: Referral | LegalBasis, found: Mapping[str, Any], reads: Reads, /
    ) -> Context:
        """The context of a command on a referral, or of the withdrawal of its legal basis."""
        referral: Referral = found.get("referral", REFERRAL.initial) if isinstance(own, LegalBasis) else own
        if isinstance(own, LegalBasis) and own.offer is not None:
            stream = referral_stream(own.offer.referral_id)
        return await self._from(command, command.at, stream, referral, reads)

    def references(self, command: Command, context: Context, /) -> Mapping[str, str | None]:
        """Under which legal basis, charter and programme version the decision is taken, where it is under one."""
        version = context.programme.in_force(context.at)
        return {
            "legal_basis_id": _basis_of(command, rests_on(command, context.referral)),
            "charter_version": version.parameters.charter_version if version else None,
            "programme_version": f"{version.programme}/{version.version}" if version else None,
        }

    async def for_reader(self, referral_id: str, at: datetime, streams: Streams) -> Context:
        """The context as somebody who asks what is possible needs it."""
        stream, reads = referral_stream(referral_id), Reads(streams)
        return await self._from(None, at, stream, await reads.state(stream, REFERRAL), reads)

    async def _from(
        self, command: Command | None, at: datetime, stream: str, referral: Referral, reads: Reads
    ) -> Context:
        on = rests_on(command, referral)
        if isinstance(command, SubmitReferral) and referral.state is None:
            # Its id follows from the referral's, and it is written only together with it.
            reads.take_as_new(legal_basis_stream(command.legal_basis_id), LEGAL_BASIS)
        basis_id = _basis_of(command, on)
        if command is None:
            # What is possible in a state does not rest on the case key, and so a reader needs none.
            on = replace(on, case_key=None)
        await reads.together(_needs(on, basis_id).values())
        programme = reads.seen(programme_stream(on.programme), PROGRAMME) if on.programme else Programme()
        case_key_id, case_key, elsewhere = await self._case_keys(on, reads, fixed=referral.offer is not None)
        return Context(
            at=at,
            referral=referral,
            programme=programme,
            terms=self.terms(programme.in_force(at)),
            case_key=case_key,
            case_key_id=case_key_id or "",
            organisation=reads.seen(organisation_stream(on.organisation), ORGANISATION)
            if on.organisation
            else Organisation(),
            agency=reads.seen(organisation_stream(on.agency), ORGANISATION) if on.agency else Organisation(),
            legal_basis=reads.seen(legal_basis_stream(basis_id), LEGAL_BASIS) if basis_id else LegalBasis(),
            elsewhere=elsewhere,
            reminders=await reads.state(reminders_stream(referral.offer.referral_id), REMINDERS)
            if isinstance(command, RemindDeadline) and referral.offer is not None
            else Reminders(),
            waitlisted_by=await _waitlisted_by(stream, reads) if isinstance(command, CorrectWaiting) else None,
        )


def _basis_of(command: Command | None, on: RestsOn) -> str | None:
    basis_id: str | None = on.legal_basis or getattr(command, "legal_basis_id", None)
    return basis_id


async def _waitlisted_by(stream: str, reads: Reads) -> str | None:
    records = await reads.log.read(stream)
    listed = [recorded.meta.event_id for recorded in records if isinstance(recorded.event, ReferralWaitlisted)]
    return listed[-1] if listed else None


def _named(on: RestsOn, programmes: Iterable[str]) -> set[tuple[str, str]]:
    """The keys of the person as the pseudonym is written now, each with its programme."""
    return {(one, case_key_of(*on.person, one)) for one in programmes} if on.person is not None else set()


def _needs(on: RestsOn, basis_id: str | None) -> dict[str, Needed]:
    named: tuple[tuple[str, str | None, Callable[[str], str], Entity[Any]], ...] = (
        ("programme", on.programme, programme_stream, PROGRAMME),
        ("case_key", on.case_key, case_key_stream, CASE_KEY),
        ("organisation", on.organisation, organisation_stream, ORGANISATION),
        ("agency", on.agency, organisation_stream, ORGANISATION),
        ("legal_basis", basis_id, legal_basis_stream, LEGAL_BASIS),
    )
    needs = {role: Needed(stream_of(name), entity) for role, name, stream_of, entity in named if name}
    if on.person is not None:
        needs["person"] = Needed(person_stream(*on.person), PERSON)
    return needs


def after(context: Context, referral: Referral, events: Sequence[Any]) -> Context:
    """The context of a command after its events, as somebody who asks what is possible now needs it."""
    organisation, legal_basis = context.organisation, context.legal_basis
    for event in events:
        organisation = ORGANISATION.evolve(organisation, event)
        legal_basis = LEGAL_BASIS.evolve(legal_basis, event)
    return replace(context, referral=referral, organisation=organisation, legal_basis=legal_basis)


class OrganisationContexts:
    """The contexts of an organisation: its own state, and which of the programmes that it names exist."""

    def needs(self, command: DescribeOrganisation, _own: Organisation, /) -> dict[str, Needed]:
        """The programmes that it names."""
        named = command.description.programmes
        return {programme: Needed(programme_stream(programme), PROGRAMME) for programme in named}

    async def make(
        self,
        _command: DescribeOrganisation,
        _stream: str,
        own: Organisation,
        found: Mapping[str, Any],
        _reads: Reads,
        /,
    ) -> OrganisationContext:
        """The organisation with them."""
        known = frozenset(name for name, programme in found.items() if programme.versions)
        return OrganisationContext(organisation=own, known_programmes=known)

    def references(self, _command: DescribeOrganisation, _context: OrganisationContext, /) -> Mapping[str, str | None]:
        """None: nobody's data are involved."""
        return {}
