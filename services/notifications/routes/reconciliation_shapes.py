"""What the routes of reconciliation take and answer."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from contracts.answers import Contract
from contracts.codes import CaseState, ReferralState
from contracts.fields import Body, Identifier

MOST_CASES: Final = 5000
"""Of one list; as many are named as missing there."""


class Because(StrEnum):
    """Why a case is told apart."""

    BEHIND = "BEHIND"
    """The list names an earlier event."""
    UNKNOWN_EVENT = "UNKNOWN_EVENT"
    """The list names an event that is none of this case, or none that the organisation may see; or it names none."""
    STATE = "STATE"
    """The last event is the same, and the list has made another state of it."""


class ListedCase(Body):
    """A case, or a referral, as the caller has it."""

    case: Annotated[Identifier | None, Field(description="The id of a case; or else give `referral`.")] = None
    referral: Annotated[Identifier | None, Field(description="The id of a referral; or else give `case`.")] = None
    state: Annotated[
        CaseState | ReferralState, Field(description="Of a case, the state of the case; of a referral, that of it.")
    ]
    last_event: Annotated[
        Identifier | None,
        Field(description="The id of the last event about it, in the order of the feed. Left out: none has come."),
    ] = None


class ReconciliationBody(Body):
    """A list of cases and referrals."""

    cases: Annotated[list[ListedCase], Field(max_length=MOST_CASES)]
    complete: Annotated[
        bool, Field(description="False: it is a part of a longer list, so nothing is said to be missing there.")
    ] = True


class StandsAt(Contract):
    """Where a case or a referral stands; a state is null where the organisation may no longer know it."""

    state: CaseState | ReferralState | None
    last_event: str | None


class CatchUp(Contract):
    """How to come to the same: `feed` has what was missed, from `after` on, and `href` is read as it stands now."""

    how: str
    after: Annotated[str | None, Field(description="A cursor of the feed, for this caller.")]
    feed: str | None
    href: str | None


class Alike(Contract):
    """It is the same on both sides."""

    case: str | None
    referral: str | None


class Missing(Alike):
    """One side does not have it."""

    state: CaseState | ReferralState | None
    last_event: str | None
    catch_up: CatchUp


class Different(Alike):
    """Both have it, and not alike: as it stands `here`, in this service, and `there`, in the caller's list."""

    because: Because
    here: StandsAt
    there: StandsAt
    catch_up: CatchUp


class ReconciliationAnswer(Contract):
    """What became of each that was listed, and what the list lacks.

    `missing_here`: nothing of it may be seen by the organisation, or there is no such one. `missing_there`: open cases
    that were not listed, 5,000 at most; `more_missing_there` if there are others. `catch_up` is for all of it together.
    """

    same: list[Alike]
    missing_here: list[Missing]
    missing_there: list[Missing]
    more_missing_there: bool
    different: list[Different]
    catch_up: CatchUp | None


class DigestOfCase(Contract):
    """An open case and its hash."""

    case: str
    state: CaseState
    last_event: str
    hash: Annotated[
        str,
        Field(description="SHA-256, in hexadecimal, of `<case>\\n<state>\\n<lastEvent>\\n`, in UTF-8."),
    ]


class NightlyDigest(Contract):
    """The hash over all as it was on a night, and on all nights since: one is kept where it changed."""

    made_at: datetime
    cases: int
    hash: str


class DigestAnswer(Contract):
    """The open cases of the caller's organisation, or those of a pair: what the receiving one of them may see."""

    agency: str | None
    organisation: str | None
    cases: list[DigestOfCase]
    hash: Annotated[
        str,
        Field(
            description="SHA-256, in hexadecimal, of the hashes of the cases, each followed by `\\n`, in the order of "
            "the cases' ids; of no case, that of nothing."
        ),
    ]
    nightly: Annotated[NightlyDigest | None, Field(description="Of a pair; null before its first night.")]
