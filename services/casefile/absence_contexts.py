"""Which streams the naming of a substitute rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.casefile.domain.absence import STAFF, NameSubstitute, Naming, ReleaseSubstitute, Staff, absence_stream
from services.casefile.domain.mentor import MENTOR, mentor_stream
from services.chassis.deciding.context import NOTHING, Needed
from services.chassis.deciding.streams import Reads

AbsenceCommand = NameSubstitute | ReleaseSubstitute


class AbsenceContexts:
    """The contexts of an absence: the person who is away, and the one who is to stand in."""

    def needs(self, command: AbsenceCommand, _own: Staff, /) -> Mapping[str, Needed]:
        """The substitute, as a member of the staff and as a mentor."""
        if isinstance(command, ReleaseSubstitute):
            return {}
        organisation, substitute = command.organisation, command.substitute
        return {
            "substitute": Needed(absence_stream(organisation, substitute), STAFF),
            "mentor": Needed(mentor_stream(organisation, substitute), MENTOR),
        }

    async def make(
        self, _command: AbsenceCommand, _stream: str, own: Staff, found: Mapping[str, Any], _reads: Reads, /
    ) -> Naming:
        """The context of a command about an absence."""
        return Naming(absent=own, **found)

    def references(self, _command: AbsenceCommand, _context: Naming, /) -> Mapping[str, str | None]:
        """None: it is about no case."""
        return NOTHING
