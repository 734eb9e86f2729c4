"""What image, compose file, gateway and manifests have in common with the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import yaml

from services.chassis.settings import Settings
from services.notifications.webhooks.addresses import PUBLIC_PORTS
from services.origin import AUDITED, OF_CASES, PAGES, PATHS

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
GATEWAY: Final = (DEPLOY / "compose" / "gateway.conf").read_text(encoding="utf-8")
DOCKERFILE: Final = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
PORT: Final = str(Settings.model_fields["port"].default)


TEXTS: Final = [
    file
    for file in sorted([*DEPLOY.rglob("*"), *(ROOT / "docs").glob("*.md")])
    if file.is_file() and file.suffix != ".pyc" and file.parent.name not in ("bench", "locks")
]


def test_the_gateway_sends_every_path_where_one_process_would() -> None:
    """The table of nginx is that of services/origin.py."""
    rows = re.findall(r'"~\^/v1/\(([\w|-]+)\)\(/\|\$\)"\s+(\w+);', GATEWAY)
    assert {segment: service for segments, service in rows for segment in segments.split("|")} == PATHS
    audited = re.findall(r'"~\^/v1/audit/\(?([\w|-]+?)\)?\(/\|\$\)"\s+(\w+);', GATEWAY)
    assert {log: service for logs, service in audited for log in logs.split("|")} == AUDITED
    acts = re.findall(r'"~\^/v1/cases/\[\^/\]\+/([\w-]+)\$"\s+(\w+);', GATEWAY)
    assert dict(acts) == OF_CASES
    pages = re.findall(r'"~\^/\(([\w|-]+)\)\(/\|\$\)"\s+(\w+);', GATEWAY)
    assert {segment: service for segments, service in pages for segment in segments.split("|")} == PAGES
    assert re.search(r'^\s+"/openapi.json"\s+referral;$', GATEWAY, re.MULTILINE)
    assert len(re.findall(r"proxy_pass http://\$service:(\d+);", GATEWAY)) == 2
    assert set(re.findall(r"proxy_pass http://\$service:(\d+);", GATEWAY)) == {PORT}


def test_the_ingress_sends_every_path_where_one_process_would() -> None:
    """The paths of Kubernetes are those of services/origin.py."""
    ingress = yaml.safe_load((DEPLOY / "kubernetes" / "ingress.yaml").read_text(encoding="utf-8"))
    (rule,) = ingress["spec"]["rules"]
    paths = rule["http"]["paths"]
    found = {(path["path"], path["pathType"]): path["backend"]["service"]["name"] for path in paths}
    described = {("/openapi.json", "Exact"): "referral"}
    described |= {(f"/{segment}", "Prefix"): service for segment, service in PAGES.items()}
    described |= {(f"/v1/audit/{log}", "Prefix"): service for log, service in AUDITED.items()}
    described |= {(f"/v1/cases/[^/]+/{act}", "ImplementationSpecific"): service for act, service in OF_CASES.items()}
    assert found == {(f"/v1/{segment}", "Prefix"): service for segment, service in PATHS.items()} | described


def test_compose_runs_the_services_that_own_the_paths() -> None:
    """Two replicas of each."""
    replicated = {name: one["command"] for name, one in COMPOSE["services"].items() if "deploy" in one}
    assert replicated == {name: ["serve", name] for name in set(PATHS.values())}
    assert {COMPOSE["services"][name]["deploy"]["replicas"] for name in replicated} == {2}


def test_compose_publishes_ports_on_loopback_only() -> None:
    """Passwords have defaults, so nobody else may reach them."""
    published = [port for one in COMPOSE["services"].values() for port in one.get("ports", [])]
    assert len(published) == 2
    assert all(port.startswith("127.0.0.1:") for port in published)


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_container_of_compose_may_do_little(name: str) -> None:
    """No capabilities, no way to gain any, a limit of memory, and somebody who asks whether it is well."""
    container = COMPOSE["services"][name]
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges"]
    assert container["read_only"] is not (name == "kafka")
    assert "mem_limit" in container
    assert "healthcheck" in container or container["command"][0] == "serve"


def test_the_image_is_nobodys_and_hears_signals() -> None:
    """A number as user, since Kubernetes believes no name; no shell between the program and its signals."""
    user = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)
    assert user == [("10001", "10001")]
    assert re.findall(r"^ENTRYPOINT (.*)$", DOCKERFILE, re.MULTILINE) == ['["caserelay"]']
    assert re.findall(r"^CMD (.*)$", DOCKERFILE, re.MULTILINE) == ['["serve", "all"]']
    assert re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE) == [PORT]


def test_what_is_in_the_image_is_locked() -> None:
    """Hashes for everything that is installed, and no image, index or frontend from anywhere in particular."""
    assert "--require-hashes --no-deps --only-binary :all: --requirement lock.txt" in DOCKERFILE
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"python:3.11-slim-bookworm"}
    assert "syntax=" not in DOCKERFILE
    assert "index-url" not in DOCKERFILE


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_setting_that_is_named_exists(file: Path) -> None:
    """Nothing sets a variable that nothing reads."""
    known = {f"CASERELAY_{name.upper()}" for name in Settings.model_fields}
    named = set(re.findall(r"\bCASERELAY_[A-Z][A-Z_]*[A-Z]\b", file.read_text(encoding="utf-8")))
    assert named <= known


def test_where_a_gateway_stands_in_front_it_bounds_the_connections_of_a_client() -> None:
    """The services would see one address, the gateway's, and bound all of their users together."""
    ingress = yaml.safe_load((DEPLOY / "kubernetes" / "ingress.yaml").read_text(encoding="utf-8"))
    (configuration, _) = yaml.safe_load_all((DEPLOY / "kubernetes" / "configuration.yaml").read_text(encoding="utf-8"))
    environments = [COMPOSE["services"][name]["environment"] for name in sorted(set(PATHS.values()))]
    for told in (*environments, configuration["data"]):
        assert told["CASERELAY_CONNECTIONS_PER_ADDRESS"] == "0"
    assert int(ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/limit-connections"]) > 0
    assert re.search(r"limit_conn clients [1-9]\d*;", GATEWAY)


def test_what_people_are_sent_leads_back_to_the_gateway() -> None:
    """Without `CASERELAY_PUBLIC_URL` links in e-mail would begin with the address that a container listens on."""
    (configuration, _) = yaml.safe_load_all((DEPLOY / "kubernetes" / "configuration.yaml").read_text(encoding="utf-8"))
    ingress = yaml.safe_load((DEPLOY / "kubernetes" / "ingress.yaml").read_text(encoding="utf-8"))
    (rule,) = ingress["spec"]["rules"]
    assert configuration["data"]["CASERELAY_PUBLIC_URL"] == f"https://{rule['host']}"
    published = COMPOSE["services"]["gateway"]["ports"][0].rpartition(":")[0]
    told = COMPOSE["services"]["notifications"]["environment"]
    assert told["CASERELAY_PUBLIC_URL"] == f"${{CASERELAY_PUBLIC_URL:-http://{published}}}"


def test_every_service_is_told_of_the_mail_server() -> None:
    """Each posts letters to the addresses that it keeps."""
    secrets = yaml.safe_load_all((DEPLOY / "kubernetes" / "secrets.example.yaml").read_text(encoding="utf-8"))
    by_name = {one["metadata"]["name"]: one["stringData"] for one in secrets}
    for name in sorted(set(PATHS.values())):
        assert COMPOSE["services"][name]["environment"]["CASERELAY_SMTP_URL"] == "${CASERELAY_SMTP_URL:-}"
        assert by_name[f"caserelay-{name}"]["CASERELAY_SMTP_URL"]


def test_the_notifications_service_is_told_how_to_reach_others_and_may() -> None:
    """By e-mail and by webhooks, from compose and from Kubernetes, whose network lets out what is named alone."""
    told = COMPOSE["services"]["notifications"]["environment"]
    secrets = yaml.safe_load_all((DEPLOY / "kubernetes" / "secrets.example.yaml").read_text(encoding="utf-8"))
    (secret,) = (one["stringData"] for one in secrets if one["metadata"]["name"] == "caserelay-notifications")
    ways = {f"CASERELAY_{name.upper()}" for name in ("smtp_url", "mail_from", "mail_bounces", "webhook_allow")}
    assert {told[way] for way in ways} == {f"${{{way}:-}}" for way in ways}
    network = yaml.safe_load((DEPLOY / "kubernetes" / "network.yaml").read_text(encoding="utf-8"))
    let_out = {port["port"] for rule in network["spec"]["egress"] for port in rule["ports"]}
    assert {urlsplit(secret["CASERELAY_SMTP_URL"]).port, 465, *PUBLIC_PORTS} <= let_out
