"""An offer that an earlier version took into a final case and left to nobody: the lead is asked to see to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from contracts.message import open_envelope
from services.casefile.domain.broadcast import TakeBroadcast
from services.casefile.domain.opening import TakeSubmission
from services.casefile.domain.referral_entry import ReferralMessage, entry
from services.casefile.domain.state import case_stream
from services.casefile.events import EVENT_TYPES
from services.casefile.reactions import REACTIONS
from services.casefile.reactor import SYSTEM
from services.chassis.delivery.reactions import Reactions
from services.chassis.log.event_log import Write
from tests.casefile.test_crossing_offers_http import CROSSING, PERSON, Crossing
from tests.support.people import INES, KARIM, TOM
from tests.support.problems import assert_problem
from tests.support.requests import samira
from tests.support.two_services import TwoServices, scene


@pytest.fixture
def world() -> Iterator[TwoServices]:
    """Both services and their people; nothing goes from one to the other by itself."""
    world = TwoServices(scene())
    yield world
    world.close()


class Stranded(Crossing):
    """A final case and an offer to it, both recorded as the version before 28 November 2026 recorded them."""

    def __init__(self, world: TwoServices, route: str) -> None:
        super().__init__(world)
        self.made_by = route
        self.offered = self.made(route, CROSSING[route]())
        assert self.offered["case"] == self.case
        world.do(self._noted_and_no_more())
        offers = {one["organisation"]: one["referral"] for one in self.offered.get("offers", ())}
        self.offer = f"/v1/referrals/{offers.get('samenstap', self.offered['id'])}"
        world.do(world.settle())
        assert self.read(self.path)["state"] == "FINALISED"

    async def _noted_and_no_more(self) -> None:
        """That version stored the entry of the message, which moved nothing, and none of what follows from an offer."""
        service, stream = self.world.service("casefile"), case_stream(self.case)
        await self.world.publish("referral")
        line, reactions = self.world.line("casefile"), Reactions(REACTIONS, SYSTEM)
        await line.fetch()
        version = len(await service.log.read(stream))
        for message in line.everything():
            reaction = reactions.to(open_envelope(message.body), service.clock)
            if reaction is None or (told := _offer(reaction.command, self.offered["id"])) is None:
                continue
            meta = EVENT_TYPES.metadata(
                event_id=f"noted-{told.referral}",
                actor=reaction.call.actor,
                occurred_at=told.occurred_at,
                recorded_at=service.clock.now(),
                correlation_id="noted",
                causation_id=told.source_event_id,
            )
            await service.log.append([Write(stream, version, [(entry(told), meta)])])
            return
        raise AssertionError("the offer was not told")

    def accepted(self) -> None:
        """Samenstap accepts what it was offered, and casefile is told."""
        self.done(KARIM, self.offer, "receive", {})
        self.done(KARIM, self.offer, "accept", {"coordinator": KARIM.sub})
        self.world.do(self.world.settle())

    def looked_at(self) -> dict[str, Any]:
        """The case once the clock of the present version has looked at it, whatever follows from that."""
        self.world.do(self.world.fire("casefile"))
        self.world.do(self.world.settle())
        read: dict[str, Any] = self.read(self.path)
        return read

    def closing(self) -> Any:
        """What the lead is answered who closes the case."""
        return self.world.do(self.world.act(INES, self.path, "close", {"reason": "MOVED"}))


def _offer(command: object, referral: str) -> ReferralMessage | None:
    told = command.submission if isinstance(command, TakeBroadcast) else command
    return told.message if isinstance(told, TakeSubmission) and told.message.referral == referral else None


@pytest.mark.parametrize("route", CROSSING)
def test_the_case_is_its_leads_again_with_a_term_and_is_not_closed_over_the_offer(
    world: TwoServices, route: str
) -> None:
    """Once: the clock that looks again changes nothing. The lead takes the offer back, and closes or refers again."""
    story = Stranded(world, route)
    case = story.looked_at()
    assert (case["state"], case["closeReason"]) == ("OPENED", None)
    assert [(step["step"], step["owner"]["sub"]) for step in case["steps"]] == [("NEXT_SERVICE", INES.sub)]
    assert case["steps"][0]["dueAt"] is not None
    assert story.looked_at() == case
    assert_problem(story.closing(), 409, "REFERRAL_LIVE")
    assert "REFERRAL_LIVE" in [one["code"] for one in case["blockedActions"] if one["action"] == "close"]
    story.done(INES, f"{route}/{story.offered['id']}", "withdraw", {"reason": "CLIENT_MOVED"})
    world.do(world.settle())
    assert story.made("/v1/referrals", samira(**PERSON))["case"] == story.case
    world.do(world.settle())
    assert story.read(story.path)["state"] == "REFERRED"


@pytest.mark.parametrize("route", CROSSING)
@pytest.mark.parametrize("seen_first", [False, True], ids=["accepted before", "accepted after"])
def test_an_accepted_one_holds_the_case_until_two_people_have_ended_it(
    world: TwoServices,
    route: str,
    seen_first: bool,  # noqa: FBT001
) -> None:
    """The organisation gets nothing to read by it, for the case knows of no legal basis that allows it to."""
    story = Stranded(world, route)
    if seen_first:
        assert story.looked_at()["state"] == "OPENED"
    story.accepted()
    assert story.looked_at()["state"] == "OPENED"
    assert_problem(world.do(world.both.get(KARIM, story.path)), 404)
    assert_problem(story.closing(), 409, "REFERRAL_LIVE")
    story.done(INES, story.offer, "mark-error", {"justification": "The case was final."})
    story.done(TOM, story.offer, "confirm-error", {})
    world.do(world.settle())
    assert story.closing().status_code == 200


@pytest.mark.parametrize("route", CROSSING)
def test_one_that_ended_before_anybody_looked_leaves_the_case_as_it_is(world: TwoServices, route: str) -> None:
    """Nothing is live any more, so nobody has to see to anything."""
    story = Stranded(world, route)
    story.done(INES, f"{route}/{story.offered['id']}", "withdraw", {"reason": "CLIENT_MOVED"})
    world.do(world.settle())
    assert story.looked_at()["state"] == "FINALISED"
