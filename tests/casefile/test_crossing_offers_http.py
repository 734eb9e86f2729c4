"""An offer that crosses the closing: the referral service makes it before it hears that the case is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import pytest

from tests.casefile.cases import ROAD
from tests.support.broadcasts import broadcast
from tests.support.delaying_bus import PARTITIONS
from tests.support.people import INES, KARIM, LOTTE, Person
from tests.support.requests import samira
from tests.support.two_services import TwoServices, scene

PERSON: Final[dict[str, Any]] = {"client": {"ref": "CL-00000A"}}
CROSSING: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {
    "/v1/referrals": lambda: samira("samenstap", **PERSON),
    "/v1/broadcasts": lambda: broadcast(**PERSON),
}
"""The offer that crosses, by the route that makes it; samenstap takes it."""
BEFORE_THE_HANDBACK: Final = ("MATCHING", "MATCH_PROPOSED", "CONFIRMED", "MENTORING", "HANDBACK_DUE")
KEEP: Final = ("occurredAt", "recordedAt", "digest", "actor")


@pytest.fixture
def world() -> Iterator[TwoServices]:
    """Both services and their people; nothing goes from one to the other by itself."""
    world = TwoServices(scene())
    yield world
    world.close()


class Crossing:
    """A case that is handed back and over, of which the referral service has heard the handback, and not the end."""

    def __init__(self, world: TwoServices) -> None:
        self.world = world
        told = self.made("/v1/referrals", samira(**PERSON))
        self.path, self.case, first = f"/v1/cases/{told['case']}", told["case"], f"/v1/referrals/{told['id']}"
        self.done(LOTTE, first, "receive", {})
        self.done(LOTTE, first, "accept", {"coordinator": LOTTE.sub})
        world.do(world.settle())
        for step in (*BEFORE_THE_HANDBACK, "HANDBACK_REQUESTED", "CLOSED"):
            self.on(step)
        world.do(world.publish("casefile"))
        while self.read(first)["state"] != "COMPLETED":
            for partition in range(PARTITIONS):
                world.do(world.deliver("referral", partition, 1))
        self.on("FINALISED")
        world.do(world.fire("casefile"))
        assert self.read(self.path)["state"] == "FINALISED"

    def on(self, step: str) -> None:
        """The next step on the way to the end."""
        for person, action, body in ROAD[step]:
            self.done(person, self.path, action, body)

    def made(self, path: str, body: dict[str, Any]) -> Any:
        """What the agency made."""
        answer = self.world.do(self.world.create(INES, path, body))
        assert answer.status_code == 201, answer.text
        return answer.json()

    def done(self, person: Person, resource: str, action: str, body: Any) -> None:
        """A command that is accepted."""
        answer = self.world.do(self.world.act(person, resource, action, body))
        assert answer.is_success, (action, answer.text)

    def read(self, path: str, by: Person = INES) -> Any:
        """What somebody reads."""
        return self.world.do(self.world.both.read(by, path))


@pytest.mark.parametrize("route", CROSSING)
def test_an_offer_that_crosses_a_case_becoming_final_opens_the_case_again(world: TwoServices, route: str) -> None:
    """It was acknowledged in this case, so it is in it, and the lead waits for its answer like for any other's."""
    crossing = Crossing(world)
    before = crossing.read(f"{crossing.path}/timeline")["items"]
    told = crossing.made(route, CROSSING[route]())
    assert told["case"] == crossing.case, "the referral service has heard of the closing"
    world.do(world.settle())
    case = crossing.read(crossing.path)
    assert (case["state"], case["closeReason"]) == ("REFERRED", None)
    assert [(step["step"], step["owner"]["sub"]) for step in case["steps"]] == [("REFERRAL_ANSWER", INES.sub)]
    after = crossing.read(f"{crossing.path}/timeline")["items"]
    kept = [{name: item[name] for name in KEEP} for item in after[: len(before)]]
    assert kept == [{name: item[name] for name in KEEP} for item in before], "what stood there stays"
    ends = [item["type"] for item in after if item["type"] in ("CaseClosed", "CaseFinalised", "CaseReopened")]
    assert ends == ["CaseClosed", "CaseFinalised", "CaseReopened"]


@pytest.mark.parametrize("route", CROSSING)
def test_and_it_goes_on_in_both_services_like_any_other(world: TwoServices, route: str) -> None:
    """An organisation accepts it and has the case; no second case of the person is opened beside it."""
    crossing = Crossing(world)
    told = crossing.made(route, CROSSING[route]())
    world.do(world.settle())
    offers = {one["organisation"]: one["referral"] for one in told.get("offers", ())}
    offer = f"/v1/referrals/{offers.get('samenstap', told['id'])}"
    crossing.done(KARIM, offer, "receive", {})
    crossing.done(KARIM, offer, "accept", {"coordinator": KARIM.sub})
    world.do(world.settle())
    case = crossing.read(crossing.path, KARIM)
    assert (case["state"], case["organisation"]) == ("INTAKE", "samenstap")
    assert {step["owner"]["sub"] for step in case["steps"]} == {KARIM.sub}
    assert [one["id"] for one in crossing.read("/v1/cases")["items"]] == [crossing.case]


@pytest.mark.parametrize("route", CROSSING)
def test_and_once_it_is_taken_back_the_lead_decides_again(world: TwoServices, route: str) -> None:
    """The case stays open, takes the person's next offer too, and is closed by its agency and by nobody else."""
    crossing = Crossing(world)
    told = crossing.made(route, CROSSING[route]())
    crossing.done(INES, f"{route}/{told['id']}", "withdraw", {"reason": "CLIENT_MOVED"})
    world.do(world.settle())
    case = crossing.read(crossing.path)
    assert case["state"] == "OPENED"
    assert [(step["step"], step["owner"]["sub"]) for step in case["steps"]] == [("NEXT_SERVICE", INES.sub)]
    crossing.done(INES, crossing.path, "close", {"reason": "MOVED"})
    world.do(world.settle())
    assert crossing.made("/v1/referrals", samira(**PERSON))["case"] != crossing.case
