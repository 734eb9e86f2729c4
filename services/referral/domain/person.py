"""One person of an agency across the programmes of a kind: live in one of them at most, whichever it is.

Each programme has a case key of its own, and what is live or open in it is said there. The person's stream says which
programmes there are to look at, and is appended to whenever one of the keys is taken: so of two that are taken at once,
in whichever programmes, one finds that the other was first.

Pseudonyms that differ in case only name one person. A case key is named by the pseudonym as it was first written, so
that those from before keep their names; the person's stream says which those are.
"""

from __future__ import annotations

from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from contracts.codes import ProgrammeKind
from contracts.identifiers import one_person
from services.chassis.modelling.decider import Entity, Event, Refused
from services.chassis.modelling.growing import GrowingSet
from services.referral.domain.case_key import CaseKey, id_of


def person_stream(agency: str, client_ref: str) -> str:
    """The stream of one person of one agency, in the programmes of the one kind that is referred to."""
    return f"person-{id_of(agency, one_person(client_ref), ProgrammeKind.MENTORING_TO_WORK.value)}"


class PersonReferred(Event, frozen=True, kw_only=True):
    """A referral of the person became live in a programme, under this case key."""

    programme: str
    case_key: str
    referral_id: str


class PersonOfAgency(Struct, frozen=True, kw_only=True):
    """The case keys, each with its programme, under which the person was ever referred, since this is kept."""

    keys: GrowingSet[tuple[str, str]] = GrowingSet()


class Elsewhere(Struct, frozen=True, kw_only=True):
    """Another case key of the person: in another programme, or of old for another spelling of the pseudonym."""

    programme: str
    key: CaseKey

    def refusal(self) -> Refused | None:
        """Why the person cannot be referred in a second programme of the kind now; None where nothing prevents it."""
        key = self.key
        if key.live is not None:
            held = f"{key.live_named} of the same person is live in programme {self.programme}"
            over = f"{key.live_until}, and its case is closed"
            unblock = f"{key.live_ended_by}, and close"
        elif key.holds_case:
            held = f"case {key.case_id} of the same person is open in programme {self.programme}"
            over, unblock = "once that case is closed", "the agency, by close"
        else:
            return None
        detail = (
            f"{held}; a person takes part in one MENTORING_TO_WORK programme at a time: refer them to another {over}"
        )
        return Refused("CONCURRENT_PROGRAMME", detail, who_can_unblock=unblock)


PersonEvent = PersonReferred


def evolve(person: PersonOfAgency, event: PersonEvent) -> PersonOfAgency:
    """The person after one more event."""
    match event:
        case PersonReferred():
            return replace(person, keys=person.keys | {(event.programme, event.case_key)})
        case _:
            assert_never(event)


PERSON: Entity[PersonOfAgency] = Entity(PersonOfAgency(), evolve)
