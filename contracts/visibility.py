"""Who may see a case: one fold over what was published about it, for the feed and for the reads of the case alike.

The rule, for one case:

- The agency that refers sees everything.
- Offers to several organisations at once are seen apart from the case, under their broadcast, each by the organisation
  that it was made to; the one that wins has a part in the case from then on.
- An organisation has a part in the case by each referral that was sent to it. It sees what comes from then on, and
  never what belongs to another organisation or went before.
- A part ends with its referral: declined, withdrawn, expired, handed back, entered in error. The organisation keeps
  seeing its own referral, and the items up to its end.
- When its access expires it sees nothing more of this part. When the person withdraws the legal basis, nothing more
  from that moment but the stop itself.
- Everybody else is a stranger.

Which roles of an organisation see what their organisation sees is not said here: that is each service's table.

Facts may be taken in any order: a reader of two topics cannot know the order between them, and gets the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Self

Place = tuple[int, ...]
"""Where something stands in the order of a case; places of one reader have one length. Who has the case's own stream
takes `(version,)`; who reads messages of several sources takes `message_place`. What has the same first number happened
together."""


class Relation(StrEnum):
    """What an organisation is to a case."""

    OWNER_AGENCY = "OWNER_AGENCY"
    """The agency that refers and leads the case."""
    ADDRESSED = "ADDRESSED"
    """The case is offered to it, or with it."""
    FORMER = "FORMER"
    """Its referral ended; its access has not."""
    GONE = "GONE"
    """Its access ended, by its term or by the withdrawal of the legal basis."""
    STRANGER = "STRANGER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressed:
    """A referral was sent to an organisation."""

    referral: str
    agency: str
    organisation: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A referral came to its end, whichever."""

    referral: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The person withdrew the legal basis of a referral."""

    referral: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessExpired:
    """The term ended in which the organisation could still read what it had read before."""

    referral: str


Fact = Addressed | Ended | Stopped | AccessExpired


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something about a case that may be shown or not: an entry of its timeline, or a message.

    `organisation` and `referral` are those that it names. `is_stop`: it tells the organisation to stop.
    """

    place: Place
    organisation: str | None = None
    referral: str | None = None
    is_stop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The part that an organisation has in a case by one referral; `since` is None until its addressing is known."""

    referral: str
    organisation: str = ""
    since: Place | None = None
    until: Place | None = None
    stopped: bool = False
    expired: bool = False

    @property
    def is_gone(self) -> bool:
        """Whether the access that comes with it is over."""
        return self.stopped or self.expired

    def shows(self, item: Item) -> bool:
        """Whether the organisation sees the item by this part."""
        if self.since is None or item.organisation not in (None, self.organisation):
            return False
        if item.referral not in (None, self.referral):
            return False
        if self.stopped:
            return item.is_stop and item.organisation is not None
        if self.expired:
            return False
        if item.referral is not None:
            return True
        # What happened together with the end is still shown: closing the case, say, with the handback.
        return self.since <= item.place and (self.until is None or item.place[:1] <= self.until[:1])

    def gave_way(self, other: Part, item: Item) -> bool:
        """Whether an item that names no referral belongs to another organisation's later part."""
        if item.referral is not None or other.organisation == self.organisation:
            return False
        return other.since is not None and self.since is not None and self.since < other.since <= item.place


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """Who has a part in a case. `agency` is None until the first addressing is known."""

    agency: str | None = None
    by_referral: Mapping[str, Part] = field(default_factory=dict)

    @classmethod
    def of(cls, agency: str | None, parts: Iterable[Part]) -> Parties:
        """Those with these parts, one of each referral."""
        return cls(agency=agency, by_referral={part.referral: part for part in parts})

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts, in an order that does not depend on when which became known."""
        return tuple(sorted(self.by_referral.values(), key=lambda part: part.referral))

    @property
    def organisations(self) -> frozenset[str]:
        """Everybody who has, or had, a part in the case, its agency included."""
        addressed = {part.organisation for part in self.by_referral.values() if part.since is not None}
        return frozenset(addressed if self.agency is None else {*addressed, self.agency})

    def take(self, fact: Fact) -> Self:
        """The parties once the fact is known; a fact known already changes nothing."""
        part = self.by_referral.get(fact.referral) or Part(referral=fact.referral)
        agency = self.agency
        match fact:
            case Addressed():
                # The earliest is the addressing itself; others repeat it.
                since = fact.place if part.since is None else min(part.since, fact.place)
                part = replace(part, organisation=fact.organisation, since=since)
                agency = agency or fact.agency
            case Ended():
                part = replace(part, until=fact.place if part.until is None else min(part.until, fact.place))
            case Stopped():
                part = replace(part, stopped=True)
            case AccessExpired():
                part = replace(part, expired=True)
        return self.with_(agency, part)

    def __hash__(self) -> int:
        return hash((self.agency, frozenset(self.by_referral.items())))

    def with_(self, agency: str | None, part: Part) -> Self:
        """The same with this part of its referral. A fold of many may know how to do so without a copy."""
        return replace(self, agency=agency, by_referral={**self.by_referral, part.referral: part})

    def relation(self, organisation: str) -> Relation:
        """What an organisation is to the case; of several parts, the one that shows most counts."""
        if organisation == self.agency:
            return Relation.OWNER_AGENCY
        parts = [part for part in self.parts if part.organisation == organisation and part.since is not None]
        if not parts:
            return Relation.STRANGER
        present = [part for part in parts if not part.is_gone]
        if not present:
            return Relation.GONE
        return Relation.ADDRESSED if any(part.until is None for part in present) else Relation.FORMER

    def sees(self, organisation: str, item: Item) -> bool:
        """Whether an organisation sees an item of the case."""
        if organisation == self.agency:
            return True
        return any(
            part.organisation == organisation
            and part.shows(item)
            and not any(part.gave_way(other, item) for other in self.parts)
            for part in self.parts
        )


_ADDRESSINGS: Final = frozenset({"ReferralSubmitted", "CaseReferred", "OfferMade", "OfferWon"})
FOR_THE_AGENCY: Final = frozenset(
    {"BroadcastOpened", "BroadcastEnded", "CaseOffered", "OffersEnded", "IdentityRevealed"}
)
"""What is no organisation's to know: to whom else a person was offered, and whom an auditor looks at."""
_ENDINGS: Final = frozenset(
    {
        "HandbackAccepted",
        "ReferralDeclined",
        "ReferralWithdrawn",
        "ReferralExpired",
        "ReferralCompleted",
        "ReferralEnteredInError",
    }
)
_STOPS: Final = frozenset({"LegalBasisWithdrawn", "NgoAccessRevoked"})
_EXPIRIES: Final = frozenset({"NgoAccessExpired"})
_WITHDRAWN: Final = "CONSENT_WITHDRAWN"


def facts_of(name: str, data: Mapping[str, Any], place: Place) -> tuple[Fact, ...]:
    """What a message says about the parties of its case.

    `name` is the event's name in docs/domain.md (`NAME` of its contract), `data` the CloudEvent's data, of
    which `referral`, `agency`, `organisation`, `reason` and `closure` are looked at. A name that says nothing about
    the parties yields nothing.
    """
    if name == "BroadcastOpened" and data.get("broadcast") and data.get("agency"):
        # Nobody else is addressed with it; and whose case it is may be known by nothing else yet.
        agency = data["agency"]
        return (Addressed(referral=data["broadcast"], agency=agency, organisation=agency, place=place),)
    referral, name = data.get("referral"), _happened(name, data)
    if referral is None:
        return ()
    facts: list[Fact] = []
    if name in _ADDRESSINGS and data.get("organisation") and data.get("agency"):
        facts.append(
            Addressed(referral=referral, agency=data["agency"], organisation=data["organisation"], place=place)
        )
    if name in _ENDINGS:
        facts.append(Ended(referral=referral, place=place))
    # However a withdrawal is told, and whichever of the messages about it comes first.
    if name in _STOPS or (name in _ENDINGS and _WITHDRAWN in (data.get("reason"), data.get("closure"))):
        facts.append(Stopped(referral=referral))
    if name in _EXPIRIES:
        facts.append(AccessExpired(referral=referral))
    return tuple(facts)


def _happened(name: str, data: Mapping[str, Any]) -> str:
    """What happened to an anonymous offer, by the name that the same has of any other referral."""
    return str(data["event"]) if name == "OfferMoved" else name


def item_of(name: str, data: Mapping[str, Any], place: Place) -> Item:
    """A message as something that may be shown or not; `name`, `data` and `place` as for `facts_of`."""
    organisation = data.get("organisation")
    if name in FOR_THE_AGENCY:
        # It belongs to the agency as what names an organisation belongs to that one.
        organisation = data.get("agency") or ""
    return Item(
        place=place,
        organisation=organisation,
        referral=data.get("referral"),
        is_stop=_happened(name, data) in _STOPS,
    )


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def message_place(recorded_at: datetime, taken: int) -> Place:
    """The place of a message among those of one case that come from several sources.

    `recorded_at` (aware) is when its source recorded it; messages of the same microsecond stand in the order in which
    the reader took them, this one as the `taken`-th of its case.
    """
    return ((recorded_at - _EPOCH) // timedelta(microseconds=1), taken)
