"""deploy/monitoring: what Prometheus and Grafana take as it is, over metrics that there are."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import jsonschema_rs
import pytest
import yaml
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.docs.pages import ROOT
from tests.faults.processes import Program
from tests.support.promtool import promtool

HERE: Final = Path(__file__).parent
RULES: Final = ROOT / "deploy" / "monitoring" / "rules.yaml"
DASHBOARD: Final = ROOT / "deploy" / "monitoring" / "dashboard.json"
SHOWN_AS: Final = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}
OF_PROMETHEUS: Final = {"up", "ALERTS"}
"""Series that it makes itself."""
ALWAYS: Final = {"job", "instance"}
"""Labels that it adds to all."""
METRIC: Final = re.compile(r"\b((?:caserelay|process)_[a-z_]+|up)\b(?:\{([^}]*)\})?")
FUNCTIONS: Final = {
    *("absent", "and", "by", "changes", "delta", "histogram_quantile", "increase", "label_replace", "label_values"),
    *("max", "min_over_time", "rate", "sum", "time", "topk"),
}


def _rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


def _dashboard() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return read


def _expressions() -> Iterator[str]:
    for rule in _rules():
        yield rule["expr"]
    dashboard = _dashboard()
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


def _said(*arguments: object) -> str:
    done = subprocess.run(
        [promtool(), *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_the_rules() -> None:
    """All of them, and has nothing to say against any."""
    assert f"SUCCESS: {len(_rules())} rules found" in _said("check", "rules", "--lint=all", "--lint-fatal", RULES)


def test_every_alert_comes_when_it_has_to_and_not_before() -> None:
    """Prometheus' own test, in which each alert of the rules is named once as silent and once as firing."""
    _said("test", "rules", HERE / "rules.yaml")
    alerts = {rule["alert"] for rule in _rules()}
    healthy, *ill = yaml.safe_load((HERE / "rules.yaml").read_text(encoding="utf-8"))["tests"]
    assert {one["alertname"] for one in healthy["alert_rule_test"]} == alerts
    fired = " ".join(
        sample["labels"] for test in ill for one in test["promql_expr_test"] for sample in one["exp_samples"]
    )
    assert set(re.findall(r'alertname="(\w+)"', fired)) == alerts


def test_every_alert_says_what_is_the_matter_and_how_urgent_it_is() -> None:
    """In words for anyone who is called, without a value that could name a person."""
    for rule in _rules():
        assert set(rule["annotations"]) == {"summary", "description"}, rule["alert"]
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_prometheus_takes_the_configuration_that_the_page_shows(tmp_path: Path) -> None:
    """Anyone who pastes it has the alerts."""
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^## Monitoring\n.*?^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert yaml.safe_load(shown)["scrape_configs"][0]["job_name"] == "caserelay"
    (tmp_path / "prometheus.yml").write_text(shown, encoding="utf-8")
    for named in yaml.safe_load(shown)["rule_files"]:
        (tmp_path / named).write_text(RULES.read_text(encoding="utf-8"), encoding="utf-8")
    assert f"{len(_rules())} rules found" in _said("check", "config", tmp_path / "prometheus.yml")


def test_grafana_knows_every_field_of_the_dashboard() -> None:
    """By the schema beside this test, which names its sources; an unknown field or value is refused."""
    schema = json.loads((HERE / "dashboard.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema_rs.validator_for(schema)
    assert [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(_dashboard())] == []
    for name, value in (("panels", []), ("nonsense", 1), ("graphTooltip", 3), ("title", "")):
        assert not validator.is_valid({**_dashboard(), name: value})


def test_no_panel_lies_on_another() -> None:
    """Each has its place and its number; every variable that is asked for is there."""
    dashboard = _dashboard()
    panels = dashboard["panels"]
    taken = set[tuple[int, int]]()
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    asked = {name for one in _expressions() for name in re.findall(r"\$(\w+)", one)} - {
        "__rate_interval",
        "labels",
        "value",
    }
    assert asked == {variable["name"] for variable in dashboard["templating"]["list"]} - {"datasource"}


def _labels_of(family: Metric) -> set[str]:
    return {label for sample in family.samples for label in sample.labels}


@pytest.mark.slow
async def test_every_metric_that_is_asked_for_is_there_with_its_labels(tmp_path: Path) -> None:
    """As a running system shows them; a name that was changed or mistyped would be a silence that looks like health."""
    sandbox = Program("sandbox", "--empty", data=tmp_path / "data")
    try:
        await sandbox.start()
        async with httpx.AsyncClient(base_url=sandbox.url) as http:
            await http.get("/v1/cases")
            shown = (await http.get("/metrics")).text
    finally:
        sandbox.kill()
    families = {
        f"{family.name}{suffix}": family
        for family in text_string_to_metric_families(shown)
        for suffix in SHOWN_AS.get(family.type, ())
    }
    asked = [(name, labels) for one in _expressions() for name, labels in METRIC.findall(one)]
    assert len(asked) > 20
    assert {name for name, _ in asked} - OF_PROMETHEUS - set(families) == set()
    for name, matched in asked:
        if name not in OF_PROMETHEUS and families[name].samples:
            there = _labels_of(families[name]) | ALWAYS
            assert set(re.findall(r"(\w+)\s*[=!]", matched)) <= there, (name, matched)


def test_nothing_but_metrics_functions_and_labels_is_in_an_expression() -> None:
    """So a metric under another prefix cannot slip past the test above."""
    labels = {
        "class",
        "code",
        "instance",
        "job",
        "le",
        "log",
        "method",
        "outcome",
        "part",
        "route",
        "service",
        "source",
        "status",
        "store",
    }
    for one in _expressions():
        bare = METRIC.sub("", re.sub(r'"[^"]*"|\[[^\]]*\]|\$\w+', "", one))
        words = set(re.findall(r"[a-z_]{2,}", bare))
        assert words <= FUNCTIONS | labels | {"version", "what", "work"}, one
