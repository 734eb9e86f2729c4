"""The names by which lists and reports are filtered: one that nothing has is refused, and finds no empty page."""

from __future__ import annotations

from typing import Final, NamedTuple

from contracts.codes import OrganisationKind
from services.casefile.domain.known_organisation import KNOWN_ORGANISATION, organisation_stream
from services.casefile.domain.known_programme import KNOWN_PROGRAMME, programme_stream
from services.chassis.deciding.streams import Streams
from services.chassis.http.request.positions import unknown_filter


class Unknown(NamedTuple):
    """A filter whose value nothing has, and what would be accepted."""

    name: str
    expected: str


_EXPECTED: Final = {
    "programme": "the id of an existing programme",
    "agency": "the id of an existing agency",
    "organisation": "the id of an existing organisation",
}


async def first_unknown(
    streams: Streams, *, programme: str | None = None, agency: str | None = None, organisation: str | None = None
) -> Unknown | None:
    """The first of the given filters that names nothing that there is; None where all are known or left out."""
    if programme is not None and not (await streams.fold(programme_stream(programme), KNOWN_PROGRAMME)).state.versions:
        return Unknown("programme", _EXPECTED["programme"])
    if agency is not None:
        # What was learnt of an organisation has always had its kind.
        learnt = (await streams.fold(organisation_stream(agency), KNOWN_ORGANISATION)).state
        if learnt.kind != OrganisationKind.AGENCY:
            return Unknown("agency", _EXPECTED["agency"])
    if organisation is not None:
        known = (await streams.fold(organisation_stream(organisation), KNOWN_ORGANISATION)).state
        if known.name is None:
            return Unknown("organisation", _EXPECTED["organisation"])
    return None


async def check_filters(
    streams: Streams, *, programme: str | None = None, agency: str | None = None, organisation: str | None = None
) -> None:
    """Raises ProblemError 422 for the first filter that names nothing that there is."""
    unknown = await first_unknown(streams, programme=programme, agency=agency, organisation=organisation)
    if unknown is not None:
        raise unknown_filter(*unknown)
