"""A casebook in which another charter may come to govern, and people are away; it knows the latest command."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from services.casefile.domain.absence import (
    STAFF,
    NameSubstitute,
    Naming,
    ReleaseSubstitute,
    Staff,
    absence_stream,
    decide_absence,
)
from services.casefile.domain.charter import (
    CHARTER,
    Charter,
    SignCharter,
    TaskRule,
    WriteCharter,
    sign_charter,
    write_charter,
)
from services.casefile.domain.context import Context
from services.casefile.domain.standing_in import TELLING, moment_of, on_behalf, people_named
from services.casefile.events import EVENT_TYPES
from services.chassis.log.metadata import Recorded
from services.chassis.modelling.decider import Actor, Command, To
from tests.casefile.casebook import RULES, SIGNED, Casebook
from tests.support.dates import on

ROLES: Final = ("VOLUNTEER_MENTOR", "PROFESSIONAL_MENTOR", "NGO_COORDINATOR", "AGENCY_COUNSELLOR")


class ChangingCasebook(Casebook):
    """`charters` are the versions by their names, `governs` from which day on the programme names which of them.

    `staff` is who is away, and who stands in, by their streams.
    """

    zone = ZoneInfo("Europe/Brussels")

    def __init__(self) -> None:
        super().__init__()
        self.charters: dict[str, Charter] = {"v1": SIGNED}
        self.governs: list[tuple[date, str]] = [(date(2026, 1, 1), "v1")]
        self.staff: defaultdict[str, Staff] = defaultdict(Staff)
        self.latest: Command | None = None

    def governing(self, at: datetime) -> str:
        """The version that the programme names on that day."""
        day = at.astimezone(self.zone).date()
        return [version for since, version in self.governs if since <= day][-1]

    def context(self, command: Any = None, at: datetime | None = None) -> Context:
        """See `Casebook.context`; the charter is the one that governs when the thing happened."""
        context = super().context(command, at)
        report = getattr(command, "holds", None) or command
        # Before the first there was no case either.
        happened = max(getattr(report, "occurred_at", None) or context.at, on(5, 1))
        rules, then = (replace(RULES, charter_version=self.governing(at)) for at in (context.at, happened))
        context = replace(context, rules=rules, governing=then, charter=self.charters[then.charter_version])
        return replace(context, **self._standing_in(command)) if command is not None else context

    def _standing_in(self, command: Command) -> dict[str, Any]:
        """For whom the sender acts, and who else is told, as the service would find it."""
        sender = self.staff[absence_stream(command.by.org, command.by.sub)]
        telling, at = isinstance(command, TELLING), moment_of(command)
        away = {
            (party.org, party.sub): self.staff[absence_stream(party.org, party.sub)].substitute_at(at)
            for party in (people_named(self.case) if telling else ())
        }
        return {
            "on_behalf_of": on_behalf(command, self.case, sender),
            "substitutes": {who: substitute for who, substitute in away.items() if substitute is not None},
        }

    def about_absence(self, command: NameSubstitute | ReleaseSubstitute) -> list[Any]:
        """A substitute is named, or released. Raises Refused."""
        own = absence_stream(command.organisation, command.absent)
        naming = Naming(absent=self.staff[own])
        if isinstance(command, NameSubstitute):
            naming = replace(naming, substitute=self.staff[absence_stream(command.organisation, command.substitute)])
        decided = decide_absence(command, naming)
        for one in decided:
            stream, event = (one.stream, one.event) if isinstance(one, To) else (own, one)
            self.staff[stream] = STAFF.evolve(self.staff[stream], event)
        return decided

    def write_charter(self, version: str, **verdicts: str) -> None:
        """The operator writes a version like the first, but for the verdicts of these tasks, in the order of ROLES."""
        assert SIGNED.written is not None
        tasks = tuple(
            TaskRule(task=rule.task, roles=dict(zip(ROLES, verdicts[rule.task].split(), strict=True)))
            if rule.task in verdicts
            else rule
            for rule in SIGNED.written.tasks
        )
        by = Actor(sub="operator", role="OPERATOR", org="caserelay-demo")
        command = WriteCharter(
            at=on(12, 1), by=by, version=version, valid_from=date(2026, 1, 1), valid_until=None, tasks=tasks
        )
        self._keep(version, write_charter(command, self.charters.get(version, Charter())))

    def sign_charter(self, version: str, organisation: str) -> None:
        """The lead of an organisation signs it."""
        command = SignCharter(at=on(12, 1), by=Actor(sub="lead", role="NGO_LEAD", org=organisation), version=version)
        self._keep(version, sign_charter(command, self.charters[version]))

    @staticmethod
    def read(recorded: Recorded) -> Any:
        """The event, as it is read from its stored bytes."""
        return EVENT_TYPES.decode(recorded.topic, recorded.state)[0]

    def _keep(self, version: str, events: list[Any]) -> None:
        charter = self.charters.get(version, Charter())
        for event in events:
            charter = CHARTER.evolve(charter, event)
        self.charters[version] = charter

    def _record(
        self, command: Command, decided: list[Any], occurred_at: datetime, cause: str | None = None
    ) -> list[Any]:
        self.latest = command
        if (absent := self._standing_in(command)["on_behalf_of"]) is not None:
            command = replace(command, by=command.by.standing_in(absent))
        return super()._record(command, decided, occurred_at, cause)
