"""What both services hold together, whatever the bus did: at any moment, and once all has arrived."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from services.casefile.domain.consent_withdrawal import RecordedAfterWithdrawal
from services.chassis.log.metadata import Recorded
from services.referral.domain.legal_basis import LegalBasisWithdrawn
from tests.support.niss import valid_national_numbers
from tests.support.people import INES
from tests.support.two_services import BUILDS
from tests.two_services_machine import SECRET, TAKES, Offer, TwoServicesStories

UNANSWERED: Final = {"SUBMITTED", "RECEIVED", "INFO_REQUESTED", "WAITLISTED"}
WITH_ORGANISATION: Final = {
    *("INTAKE", "MATCHING", "MATCH_PROPOSED", "MENTORING", "SUSPENDED"),
    *("HANDBACK_DUE", "HANDBACK_REQUESTED"),
}
WITH_AGENCY: Final = {"OPENED", "CLOSED", "FINALISED"}


class TwoServicesInvariants(TwoServicesStories):
    """The stories, watched."""

    def read(self, path: str, by: Any = INES, **asked: Any) -> Any:
        """What somebody reads; None where they read nothing."""
        answer = self.world.do(self.world.both.get(by, path, **asked))
        return answer.json() if answer.status_code == 200 else None

    def has_no_access_any_more(self, case: str, by: Any) -> bool:
        """An organisation's ends weeks after its trajectory, whether the agency has answered its report or not."""
        answer = self.world.do(self.world.both.get(by, case))
        return answer.status_code == 403 and answer.json()["code"] == "ACCESS_ENDED"

    def offers_by_case(self) -> dict[str, list[tuple[Offer, str]]]:
        """The offers of each case, in their order, with the states that the referral service has."""
        found: dict[str, list[tuple[Offer, str]]] = defaultdict(list)
        for offer in self.made:
            found[offer.case].append((offer, self.read(offer.path)["state"]))
        return found

    def in_the_end(self) -> None:
        """Everything arrives, and then nothing is left of what the bus did on the way."""
        self.world.do(self.world.settle())
        logs = {name: self.world.do(self.world.log(name)) for name in BUILDS}
        for log in logs.values():
            self.i7_streams_have_no_gap_and_no_byte_is_changed(log)
            self.i9_no_payload_has_a_text_or_a_national_number(log)
        self.no_acknowledged_command_is_lost_or_done_twice(logs)
        self.nothing_is_taken_in_twice(logs)
        self.i2_nothing_of_an_organisation_is_recorded_without_a_basis(logs)
        for case, offers in self.offers_by_case().items():
            self.both_services_agree_where_a_case_is(case, offers)
            self.i1_one_owner_per_open_step_for_both_sides(case, offers)
            self.i8_an_accepted_referral_is_with_its_organisation_or_has_ended(case, offers)
            self.both_sides_read_the_same(case, offers)
        self.a_broadcast_has_at_most_one_winner()

    def both_services_agree_where_a_case_is(self, case: str, offers: list[tuple[Offer, str]]) -> None:
        """The state of the case follows from those of its offers."""
        states = [state for _, state in offers]
        now = self.read(case)["state"]
        if "ACCEPTED" in states:
            assert now in WITH_ORGANISATION, (now, states)
        elif UNANSWERED & {*states}:
            assert now == "REFERRED", (now, states)
        else:
            assert now in WITH_AGENCY, (now, states)

    def i1_one_owner_per_open_step_for_both_sides(self, case: str, offers: list[tuple[Offer, str]]) -> None:
        """Exactly one, and the organisation that has the case reads what its agency reads."""
        told = self.read(f"{case}/responsibility")
        steps = [(step["step"], step.get("about")) for step in told["steps"]]
        assert len(steps) == len({*steps}), steps
        assert all(step["owner"]["sub"] for step in told["steps"])
        assert steps or self.read(case)["state"] == "FINALISED"
        for offer, state in offers:
            if state == "ACCEPTED":
                by = TAKES[offer.organisation]
                read = self.read(f"{case}/responsibility", by)
                assert read == told or self.has_no_access_any_more(case, by), (read, told)

    def i8_an_accepted_referral_is_with_its_organisation_or_has_ended(
        self, case: str, offers: list[tuple[Offer, str]]
    ) -> None:
        """One that was completed was handed back, or the person has withdrawn; no two are accepted at once."""
        assert [state for _, state in offers].count("ACCEPTED") <= 1
        types = Counter(item["type"] for item in self.read(f"{case}/timeline")["items"])
        completed = sum(state == "COMPLETED" for _, state in offers)
        assert completed <= types["HandbackAccepted"] + types["LegalBasisWithdrawn"], types

    def both_sides_read_the_same(self, case: str, offers: list[tuple[Offer, str]]) -> None:
        """What an organisation reads of a case is what the agency reads, in the same order; of a stop, no more."""
        agency = self.read(f"{case}/timeline")["items"]
        places = {item["event"]: number for number, item in enumerate(agency)}
        for organisation, by in TAKES.items():
            told = self.read(f"{case}/timeline", by)
            items = told["items"] if told is not None else []
            assert [*map(_same, items)] == [_same(agency[places[item["event"]]]) for item in items]
            numbers = [places[item["event"]] for item in items]
            assert numbers == sorted(numbers)
            own = [(offer, state) for offer, state in offers if offer.organisation == organisation]
            if own and all(offer.basis in self.withdrawn for offer, _ in own):
                assert {item["type"] for item in items} <= {"LegalBasisWithdrawn", "NgoAccessRevoked"}
            if (
                len(offers) == 1
                and [state for _, state in own] == ["ACCEPTED"]
                and not self.has_no_access_any_more(case, by)
            ):
                assert len(items) == len(agency), "something of a case is kept from the only organisation it is with"

    def a_broadcast_has_at_most_one_winner(self) -> None:
        """And everybody reads who."""
        for of in {offer.broadcast for offer in self.made if offer.broadcast is not None}:
            told = self.read(f"/v1/broadcasts/{of}")
            states = {one["organisation"]: one["state"] for one in told["offers"]}
            won = [name for name, state in states.items() if state in ("ACCEPTED", "COMPLETED")]
            assert len(won) <= 1, states
            assert told["state"] == "WON" or not won
            assert not won or told["winner"] == won[0]
            assert told["state"] == "OPEN" or not UNANSWERED & {*states.values()}, told
            self.seen.states[told["state"]] += 1

    def no_acknowledged_command_is_lost_or_done_twice(self, logs: dict[str, list[Recorded]]) -> None:
        """Each stands in the log under its key, and sent once more it is answered as before, and nothing is done."""
        keys = {name: {recorded.meta.idempotency_key for recorded in log} for name, log in logs.items()}
        for done in self.world.acknowledged:
            assert done.key in keys[done.service] or _changed_nothing(done.answer), done.path
        for done in self.world.acknowledged[-3:]:
            again = self.world.do(self.world.repeat(done))
            if again.status_code not in (403, 404):
                assert (again.status_code, again.headers.get("Idempotency-Replayed")) == (
                    done.answer.status_code,
                    "true",
                ), again.text
        for name, log in logs.items():
            more = self.world.do(self.world.log(name))[len(log) :]
            # Who was stopped meanwhile, and asks again, is refused again, and that stands in the record.
            assert {type(one.event).__name__ for one in more} <= {"DisclosureRefused", "KeyRefused"}, more

    def nothing_is_taken_in_twice(self, logs: dict[str, list[Recorded]]) -> None:
        """What follows from a message follows once, whatever came again and wherever a process ended."""
        for log in logs.values():
            appended: dict[tuple[str, str, str], set[datetime]] = defaultdict(set)
            count: Counter[tuple[str, str, str, int]] = Counter()
            for recorded in log:
                cause = recorded.meta.causation_id
                if cause is not None:
                    about = (recorded.stream, recorded.topic, cause)
                    appended[about].add(recorded.meta.recorded_at)
                    count[(*about, hash(recorded.state))] += 1
            assert all(len(when) == 1 for when in appended.values()), appended
            assert all(number == 1 for number in count.values()), count

    def i2_nothing_of_an_organisation_is_recorded_without_a_basis(self, logs: dict[str, list[Recorded]]) -> None:
        """Neither by it nor to it; what casefile took in good faith, before it heard of a withdrawal, is marked."""
        withdrawn = {
            one.event.legal_basis_id: one.event.withdrawn_at
            for one in logs["referral"]
            if isinstance(one.event, LegalBasisWithdrawn)
        }
        marked = {
            event
            for one in logs["casefile"]
            if isinstance(one.event, RecordedAfterWithdrawal)
            for event in one.event.events
        }
        for recorded in logs["casefile"]:
            meta, basis = recorded.meta, recorded.meta.references.get("legal_basis_id")
            by_organisation = meta.actor.org in TAKES and meta.causation_id is None
            if not recorded.stream.startswith("case-") or not by_organisation or basis not in withdrawn:
                continue
            late = meta.recorded_at > withdrawn[basis]
            assert not late or meta.event_id in marked, (type(recorded.event).__name__, basis)
        for recorded in logs["referral"]:
            meta, referral = recorded.meta, recorded.stream.removeprefix("referral-")
            if meta.actor.org in TAKES and (at := self.stopped(referral, withdrawn)) is not None:
                assert meta.recorded_at <= at, type(recorded.event).__name__

    def stopped(self, referral: str, withdrawn: dict[str, datetime]) -> datetime | None:
        """When the person withdrew what a referral rests on."""
        basis = next((one.basis for one in self.made if one.path.endswith(f"/{referral}")), "")
        return withdrawn.get(basis)

    def i7_streams_have_no_gap_and_no_byte_is_changed(self, log: list[Recorded]) -> None:
        """Positions and versions go on by one, and what a message says of the bytes is what they are."""
        assert [recorded.position for recorded in log] == [*range(1, len(log) + 1)]
        versions: Counter[str] = Counter()
        for recorded in log:
            versions[recorded.stream] += 1
            assert recorded.version == versions[recorded.stream]

    def i9_no_payload_has_a_text_or_a_national_number(self, log: list[Recorded]) -> None:
        """Neither in what is stored, nor in what went over the bus."""
        payloads: Iterator[bytes] = (recorded.state for recorded in log)
        told = [one.body for line in self.world.stores.held.lines.values() for one in line.everything()]
        for payload in (*payloads, *told):
            assert SECRET.encode() not in payload
            assert not valid_national_numbers(payload.decode())


def _same(item: dict[str, Any]) -> dict[str, Any]:
    """What both sides read alike: who is responsible after it is shown as each of them knows it."""
    return {name: item[name] for name in ("event", "type", "occurredAt", "recordedAt", "actor", "digest")}


def _changed_nothing(answer: Any) -> bool:
    """Whether the command was so already, for which nothing is recorded."""
    return "Position" not in answer.headers
