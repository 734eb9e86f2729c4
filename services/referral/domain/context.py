"""What a decision about a referral rests on: read before it, and checked again when it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field
from msgspec.structs import replace

from contracts.codes import ReferralState
from contracts.staff import StaffSide
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Command, Refused
from services.referral.domain.broadcast import Broadcast
from services.referral.domain.case_key import CaseKey
from services.referral.domain.legal_basis import LegalBasis
from services.referral.domain.offer import Offer
from services.referral.domain.organisation import Organisation
from services.referral.domain.packet import Circumstances
from services.referral.domain.person import Elsewhere
from services.referral.domain.programme import Programme, ProgrammeVersionPublished
from services.referral.domain.referral_state import Referral
from services.referral.domain.reminders import Reminders
from services.referral.domain.terms import ProgrammeCalendar, deadline_of


class ReferralCommand(Command, frozen=True, kw_only=True):
    """A command on one referral."""

    referral_id: str


class Rule(Struct, frozen=True, kw_only=True):
    """When one action is possible: from which `states`, for which `side`; its row is in `services/referral/actions.py`.

    `awaited_in` is the state that waits for this action alone; None where there is none. `uses_data`: the action uses
    or discloses the person's data, and so needs a legal basis that is still valid.
    """

    states: tuple[ReferralState, ...]
    side: StaffSide
    awaited_in: ReferralState | None = None
    uses_data: bool = False


class Context(Struct, frozen=True, kw_only=True):
    """The folded streams of one referral as of `at`, the time of the command or of the reader.

    `organisation` is the addressed one (the packet's, while the referral is a draft), `agency` the one that drafted the
    referral, as long as it is a draft, `legal_basis` the one that the referral was submitted under. `in_force` is the
    programme's version at that time, and `terms` are its terms; None where there is none. `case_key_id` names
    `case_key`. `elsewhere` are the person's other case keys, in any programme, where the command makes a referral live.
    `waitlisted_by` is the id of the event that put the referral on the list last, where the command corrects its entry.
    `actions` are the rules of the actions, by name. `broadcast` is that which the referral is an offer of.
    """

    at: datetime
    actions: Mapping[str, Rule]
    referral: Referral = field(default_factory=Referral)
    case_key: CaseKey = field(default_factory=CaseKey)
    case_key_id: str = ""
    organisation: Organisation = field(default_factory=Organisation)
    agency: Organisation = field(default_factory=Organisation)
    programme: Programme = field(default_factory=Programme)
    legal_basis: LegalBasis = field(default_factory=LegalBasis)
    elsewhere: tuple[Elsewhere, ...] = ()
    reminders: Reminders = field(default_factory=Reminders)
    in_force: ProgrammeVersionPublished | None = None
    terms: ProgrammeCalendar | None = None
    waitlisted_by: str | None = None
    broadcast: Broadcast = field(default_factory=Broadcast)

    @property
    def circumstances(self) -> Circumstances:
        """What a packet is checked against."""
        return Circumstances(
            organisation=self.organisation,
            known=bool(self.programme.versions),
            version=self.in_force,
            case_key=self.case_key,
            elsewhere=self.elsewhere,
            rival=None if self.referral.live else self.case_key.live,
            at=self.at,
        )

    @property
    def version(self) -> ProgrammeVersionPublished:
        """The programme's version in force. Raises Refused where there is none."""
        if self.in_force is None:
            raise _no_version()
        return self.in_force

    @property
    def offer(self) -> Offer:
        """The offer under the programme's version in force. Raises Refused where nothing is recorded."""
        if self.referral.offer is None:
            raise nothing_recorded()
        return replace(self.referral.offer, programme_version=self.version.version)

    @property
    def calendar(self) -> ProgrammeCalendar:
        """The terms in force. Raises Refused where no version of the programme is."""
        if self.terms is None:
            raise _no_version()
        return self.terms

    def deadline(self, term: str, since: datetime, *, name: str | None = None) -> Deadline:
        """The deadline of the programme's term that starts at `since`. Raises Refused where no version is in force."""
        return deadline_of(self.calendar, term, since, name=name)


def nothing_recorded() -> Refused:
    """The refusal of a command on a referral that does not exist."""
    return Refused("REFERRAL_UNKNOWN", "no such referral")


def _no_version() -> Refused:
    return Refused("PROGRAMME_NOT_IN_FORCE", "no version of the programme is in force, so it has no terms")
