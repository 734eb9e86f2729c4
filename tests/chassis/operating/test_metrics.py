"""The numbers that a process shows of itself: each under the name that operators are told, and true."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from services.chassis.operating.telemetry import Telemetry


def test_a_services_standing_is_shown(telemetry: Telemetry) -> None:
    """Head of the log, lag of each part as long as there is one, messages put aside."""
    telemetry.observe("casefile", 41, {"projection": 0, "consumer of referral": 3}, {"referral": 1})
    telemetry.observe("casefile", 42, {"projection": 1, "consumer of referral": 0}, {"referral": 0})
    value = telemetry.registry.get_sample_value
    assert value("caserelay_log_head_position", {"service": "casefile"}) == 42
    assert value("caserelay_behind_positions", {"service": "casefile", "part": "projection"}) == 1
    assert value("caserelay_behind_positions", {"service": "casefile", "part": "consumer of referral"}) == 0
    assert value("caserelay_parked_messages", {"service": "casefile", "source": "referral"}) == 0
    telemetry.observe("casefile", 42, {"projection": 1}, {"referral": 0})
    assert value("caserelay_behind_positions", {"service": "casefile", "part": "consumer of referral"}) is None
    telemetry.observe("referral", 7, {"projection": 0}, {})
    telemetry.unobserved("casefile")
    assert value("caserelay_log_head_position", {"service": "casefile"}) is None
    assert value("caserelay_log_head_position", {"service": "referral"}) == 7
    telemetry.observe("casefile", 43, {"projection": 0}, {"referral": 0})
    assert value("caserelay_log_head_position", {"service": "casefile"}) == 43


def test_processes_count_for_themselves() -> None:
    """Two in one interpreter, as in tests, do not meet in a global registry."""
    one, other = Telemetry(), Telemetry()
    one.request("GET", "/v1/feed", 200, 0.001)
    assert b"/v1/feed" in one.exposition().body
    assert b"/v1/feed" not in other.exposition().body


def test_the_exposition_is_prometheus_text(telemetry: Telemetry) -> None:
    """With the content type that a scraper expects."""
    answer = telemetry.exposition()
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert b"# TYPE caserelay_requests_total counter" in answer.body
    assert b"\nprocess_resident_memory_bytes" in answer.body


def test_no_two_metrics_count_the_same(telemetry: Telemetry) -> None:
    """Told apart by a suffix alone, they leave an operator to guess which one an alert should rest on."""
    names = {family.name for family in telemetry.registry.collect() if family.name.startswith("caserelay_")}
    alike = {(one, other) for one in names for other in names if other.startswith(f"{one}_")}
    assert alike == set()
    stems = [re.sub(r"(als|ed|s)$", "", name) for name in sorted(names)]
    assert sorted(set(stems)) == sorted(stems)


def test_who_leads_and_what_fails_is_shown(telemetry: Telemetry) -> None:
    """And no longer when it is over."""
    value = telemetry.registry.get_sample_value
    failing = {"service": "casefile", "work": "casefile publisher"}
    for leads in (True, False):
        telemetry.standing("casefile", leads=leads, failing={"casefile publisher": leads})
        assert value("caserelay_leader", {"service": "casefile"}) == leads
        assert value("caserelay_failing", failing) == leads


def test_the_version_that_runs_is_shown(telemetry: Telemetry) -> None:
    """As the package has it."""
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert telemetry.registry.get_sample_value("caserelay_build_info", {"version": project["version"]}) == 1


def test_the_metrics_that_operators_are_told_of_exist(telemetry: Telemetry) -> None:
    """Each under the name that the page gives."""
    page = (Path(__file__).parents[3] / "docs" / "operating.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(caserelay_[a-z_]+)`", page.partition("| metric |")[2].partition("\n\n")[0]))
    shown = bytes(telemetry.exposition().body).decode()
    assert len(named) >= 10
    assert [name for name in named if f"# TYPE {name} " not in shown] == []


def test_operators_are_told_of_every_metric_and_of_no_other(telemetry: Telemetry) -> None:
    """The page has each under the name by which it is asked for, and what is not there raises no alarm."""
    page = (Path(__file__).parents[3] / "docs" / "operating.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`caserelay_[^|]+) \|", page, re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`(caserelay_\w+)`", row)}
    shown = {
        f"{family.name}_total" if family.type == "counter" else family.name for family in telemetry.registry.collect()
    }
    assert told == {name for name in shown if name.startswith("caserelay_")}
