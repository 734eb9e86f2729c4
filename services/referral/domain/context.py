"""Everything that a decision about a referral rests on, read before it and held against it when it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from contracts.codes import ReferralState
from services.chassis.modelling.deadline import Deadline
from services.chassis.modelling.decider import Command, Refused
from services.referral.domain.case_key import CaseKey
from services.referral.domain.deadlines import Terms, deadline_of
from services.referral.domain.legal_basis import LegalBasis
from services.referral.domain.offer import Offer
from services.referral.domain.organisation import Organisation
from services.referral.domain.packet import Circumstances
from services.referral.domain.person import Elsewhere
from services.referral.domain.programme import Programme, ProgrammeVersionPublished
from services.referral.domain.referral_state import Referral
from services.referral.domain.reminders import Reminders


class ReferralCommand(Command, frozen=True, kw_only=True):
    """A command on one referral."""

    referral_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The streams of one referral, folded, as they are needed at `at`: the time of the command or of the reader.

    `organisation` is the addressed one (of the packet, while the referral is a draft), `agency` the one that drafted
    the referral, as long as it is a draft, `legal_basis` the one that
    the referral was submitted under, `terms` those of the programme's version in force at `at`; None where no
    version is. `case_key_id` names `case_key`. `elsewhere` are the person's other case keys, in whichever programme,
    where the command makes a referral live.
    `waitlisted_by` is the id of the event that put the referral on the list last, where the command corrects one.
    `possible_from` is the table of the states from which each command is possible; None: the one in `rules.py`. Another
    one answers what would be possible under it.
    """

    at: datetime
    referral: Referral = field(default_factory=Referral)
    case_key: CaseKey = field(default_factory=CaseKey)
    case_key_id: str = ""
    organisation: Organisation = field(default_factory=Organisation)
    agency: Organisation = field(default_factory=Organisation)
    programme: Programme = field(default_factory=Programme)
    legal_basis: LegalBasis = field(default_factory=LegalBasis)
    elsewhere: tuple[Elsewhere, ...] = ()
    reminders: Reminders = field(default_factory=Reminders)
    terms: Terms | None = None
    waitlisted_by: str | None = None
    possible_from: Mapping[str, tuple[ReferralState, ...]] | None = None

    @property
    def circumstances(self) -> Circumstances:
        """What a packet is held against."""
        return Circumstances(
            organisation=self.organisation,
            programme=self.programme,
            case_key=self.case_key,
            elsewhere=self.elsewhere,
            rival=None if self.referral.live else self.case_key.live,
            at=self.at,
        )

    @property
    def version(self) -> ProgrammeVersionPublished:
        """The programme's version in force. Raises Refused where there is none."""
        if (version := self.programme.in_force(self.at)) is None:
            raise _no_version()
        return version

    @property
    def offer(self) -> Offer:
        """The offer under the programme's version in force. Raises Refused where nothing is recorded."""
        if self.referral.offer is None:
            raise nothing_recorded()
        return replace(self.referral.offer, programme_version=self.version.version)

    @property
    def calendar(self) -> Terms:
        """The terms in force. Raises Refused where no version of the programme is."""
        if self.terms is None:
            raise _no_version()
        return self.terms

    def deadline(self, term: str, since: datetime, *, name: str | None = None) -> Deadline:
        """The deadline of the programme's term that starts at `since`. Raises Refused where no version is in force."""
        return deadline_of(self.calendar, term, since, name=name)


def nothing_recorded() -> Refused:
    """The refusal of a command on a referral that there is not."""
    return Refused("REFERRAL_UNKNOWN", "nothing is recorded of this referral")


def _no_version() -> Refused:
    return Refused("PROGRAMME_NOT_IN_FORCE", "no version of the programme is in force: it has no terms")
