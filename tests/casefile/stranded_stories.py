"""The stories of a final case to which an offer came that an earlier version took in and left to nobody."""

from __future__ import annotations

from datetime import timedelta

from services.casefile.domain.opening import TakeSubmission
from services.casefile.domain.referral_entry import entry
from services.casefile.reactions import REACTIONS
from services.chassis.modelling.delivery import Delivery
from tests.casefile import stories
from tests.casefile.messages import submitted
from tests.casefile.stories import Story
from tests.support.actors import CLOCK


def stranded() -> Story:
    """FINALISED: the entry of the offer moved nothing, and nothing followed from it."""
    story = stories.finalised()
    story.now += timedelta(hours=1)
    told = submitted(story.now, referral="R-8", organisation="samenstap", legal_basis_id="LB-12")
    delivery = Delivery(at=story.now, by=CLOCK, source_event_id="told-stranded", source_position=98)
    command = REACTIONS[type(told)](told, delivery)
    assert isinstance(command, TakeSubmission)
    story.book._record(command, [entry(command.message)], story.now)
    return story
