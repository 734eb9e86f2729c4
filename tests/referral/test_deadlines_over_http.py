"""Deadlines while the service runs, and while it does not: each reminder, breach and expiry exactly once."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from services.referral.app import build
from tests.referral.context import ACCEPT, REFERRALS, ReferralContext
from tests.support.people import INES, LOTTE
from tests.support.problems import assert_problem
from tests.support.requests import samira, yonas
from tests.support.running import running


def day(month: int, day: int, hour: int = 9) -> datetime:
    """A time in 2026."""
    return datetime(2026, month, day, hour, tzinfo=UTC)


def lose(directory: Path, file: str) -> None:
    """Deletes a file that can be made again, with what SQLite keeps beside it."""
    for found in directory.glob(f"{file}*"):
        found.unlink()


async def happened(context: ReferralContext) -> Counter[tuple[str, str]]:
    """How often which deadline was reminded of, missed, or ended a referral."""
    found: Counter[tuple[str, str]] = Counter()
    for one in await context.recorded():
        kind = type(one.event).__name__
        if kind in ("DeadlineReminded", "DeadlineMissed"):
            found[kind, one.event.deadline.name] += 1
        elif kind == "ReferralExpired":
            found[kind, ""] += 1
    return found


UNANSWERED = Counter(
    {
        ("DeadlineReminded", "RECEIPT"): 1,
        ("DeadlineMissed", "RECEIPT"): 1,
        ("DeadlineReminded", "DECISION"): 1,
        ("DeadlineMissed", "DECISION"): 1,
        ("DeadlineReminded", "EXPIRY"): 1,
        ("ReferralExpired", ""): 1,
    }
)
"""What happens to a referral that nobody answers within thirty days."""


async def test_a_referral_that_nobody_answers_expires_with_a_warning_before(context: ReferralContext) -> None:
    """Each reminder at 80 % of its term, each breach at its end, the expiry last; all at their own times, once."""
    path = await context.submit(samira())
    due = (await context.running.read(INES, path))["dueAt"]
    await context.running.at(day(3, 1))
    assert await happened(context) == UNANSWERED
    expired = await context.running.read(INES, path)
    assert (expired["state"], expired["dueAt"]) == ("EXPIRED", {})
    times = [one.meta.recorded_at for one in await context.recorded()]
    assert times == sorted(times)
    for one in await context.recorded():
        if type(one.event).__name__ == "DeadlineMissed":
            at = datetime.fromisoformat(due[one.event.deadline.name.lower()])
            assert 0 <= (one.meta.recorded_at - at).total_seconds() < 1
    assert_problem(await context.running.command(LOTTE, path, "accept", ACCEPT), 409)
    assert (await context.running.create(INES, REFERRALS, samira())).status_code == 201


async def test_reminders_move_no_etag_and_breaches_do(context: ReferralContext) -> None:
    """A reminder is recorded beside the referral; what was read before it still counts."""
    path = await context.submit(samira())
    before = (await context.running.get(LOTTE, path)).headers["ETag"]
    await context.running.at(day(1, 14, 20))
    assert await happened(context) == Counter({("DeadlineReminded", "RECEIPT"): 1})
    assert (await context.running.get(LOTTE, path)).headers["ETag"] == before
    await context.running.at(day(1, 15))
    read = await context.running.get(LOTTE, path)
    assert read.json()["overdue"] == ["RECEIPT"]
    assert read.headers["ETag"] != before
    await context.running.done(LOTTE, path, "receive")
    assert (await context.running.read(LOTTE, path))["overdue"] == []


async def test_a_question_stops_the_clock_of_the_decision(context: ReferralContext) -> None:
    """The decision's term stands still while the agency owes an answer; the expiry's does not."""
    path = await context.received(samira())
    before = (await context.running.read(LOTTE, path))["dueAt"]
    await context.running.at(day(1, 13))
    asked = await context.running.done(LOTTE, path, "request-information", {"codes": ["OCCUPATION"]})
    assert asked.json()["dueAt"].keys() == {"information", "expiry"}
    await context.running.at(day(1, 16))
    answers = {"answers": [{"code": "OCCUPATION", "answer": "accountant"}]}
    told = (await context.running.done(INES, path, "provide-information", answers)).json()["dueAt"]
    assert told["expiry"] == before["expiry"]
    assert told["decision"] == "2026-01-29T22:59:59Z"
    await context.running.done(LOTTE, path, "request-information", {"codes": ["EXPECTATIONS"]})
    await context.running.done(
        INES, path, "provide-information", {"answers": [{"code": "EXPECTATIONS", "answer": "work"}]}
    )
    problem = await context.running.command(LOTTE, path, "request-information", {"codes": ["OCCUPATION"]})
    assert_problem(problem, 409, "INFORMATION_REQUESTS_USED_UP")


async def test_a_waiting_list_is_reviewed_and_ends(context: ReferralContext) -> None:
    """Every thirty days a review, for at most ninety days from the first day on the list."""
    path = await context.received(samira())
    wait = {"reason": "NO_SUITABLE_MENTOR", "expectedBy": "2026-03-01", "clientAgreed": True}
    refused = await context.running.command(LOTTE, path, "waitlist", {**wait, "clientAgreed": False})
    assert_problem(refused, 422, "CLIENT_MUST_AGREE")
    await context.running.done(LOTTE, path, "waitlist", wait)
    await context.running.at(day(5, 1))
    found = await happened(context)
    assert found["ReferralExpired", ""] == 1
    assert found["DeadlineMissed", "WAITLIST_REVIEW"] == 2
    assert await context.state(path) == "EXPIRED"


async def test_a_deadline_that_passed_while_nothing_ran_is_made_up_for_once(tmp_path: Path) -> None:
    """Restarted after the due times, also with its index lost, and again: everything has happened exactly once."""
    async with running(tmp_path, {"referral": build}) as service:
        await service.set_the_scene()
        context = ReferralContext(service)
        path = await context.submit(samira())
        accepted = await context.accepted(yonas())
        etag = (await service.get(INES, path)).headers["ETag"]
        service.clock.move(day(3, 1))
        # Stopped at once: whatever the scheduler has managed to do by now, it did once.
    for lost in ("referral-index.db", None, "bus.db", None):
        if lost is not None:
            lose(tmp_path, lost)
        async with running(tmp_path, {"referral": build}) as service:
            context = ReferralContext(service)
            # To where it stands: what fell due by then happens now, if it has not yet.
            await service.at(service.clock.now())
            assert await happened(context) == UNANSWERED
            expired = await service.get(INES, path)
            assert expired.json()["state"] == "EXPIRED"
            assert expired.headers["ETag"] != etag
            assert await context.state(accepted) == "ACCEPTED"
            listed = await service.read(INES, REFERRALS)
            assert [item["state"] for item in listed["items"]] == ["EXPIRED", "ACCEPTED"]


async def test_a_restart_on_the_same_data_goes_on_as_if_there_was_none(tmp_path: Path) -> None:
    """Reads, keys, uniqueness, contact data and commands are as before; what was answered is answered again."""
    async with running(tmp_path, {"referral": build}) as service:
        await service.set_the_scene()
        context = ReferralContext(service)
        created = await service.create(INES, REFERRALS, samira(), key="before-the-restart")
        path = created.headers["Location"]
        await service.done(LOTTE, path, "receive", key="receiving")
        before = [(await service.get(person, path)).json() for person in (INES, LOTTE)]
        snapshot = await context.snapshot()
    async with running(tmp_path, {"referral": build}) as service:
        context = ReferralContext(service)
        assert [(await service.get(person, path)).json() for person in (INES, LOTTE)] == before
        again = await service.create(INES, REFERRALS, samira(), key="before-the-restart")
        assert (again.status_code, again.json()) == (201, created.json())
        repeated = await service.command(LOTTE, path, "receive", etag='"1"', key="receiving")
        assert repeated.headers["Idempotency-Replayed"] == "true"
        assert_problem(await service.create(INES, REFERRALS, samira()), 409)
        assert await context.snapshot() == snapshot
        assert (await service.read(LOTTE, f"{path}/contact"))["contact"] == samira()["contact"]
        await service.done(LOTTE, path, "accept", ACCEPT)
