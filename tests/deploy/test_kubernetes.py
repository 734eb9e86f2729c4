"""deploy/kubernetes: valid manifests, in which every service may be stopped, moved and watched, and may do little."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from services.chassis.settings import Settings

DIRECTORY: Final = Path(__file__).parents[2] / "deploy" / "kubernetes"
FILES: Final = sorted(file for file in DIRECTORY.glob("*.yaml") if file.name != "kustomization.yaml")
SERVICES: Final = ("referral", "casefile", "notifications")
OLDEST, NEWEST = "1.29", kubernetes_validate.latest_version()

Manifest = dict[str, Any]


def _manifests(*files: Path) -> list[Manifest]:
    return [manifest for file in files for manifest in yaml.safe_load_all(file.read_text(encoding="utf-8"))]


ALL: Final = _manifests(*FILES)
IDS: Final = [f"{one['kind']} {one['metadata']['name']}" for one in ALL]


def _one(kind: str, name: str) -> Manifest:
    (found,) = (one for one in ALL if (one["kind"], one["metadata"]["name"]) == (kind, name))
    return found


PODS: Final[dict[str, Manifest]] = {
    one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in ALL if one["kind"] in ("Deployment", "Job")
}


def _containers(pod: Manifest) -> list[Manifest]:
    return [*pod.get("initContainers", []), *pod["containers"]]


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("manifest", ALL, ids=IDS)
def test_a_manifest_is_valid(manifest: Manifest, version: str) -> None:
    """Kubernetes knows every field of it and lacks none."""
    kubernetes_validate.validate(manifest, version, strict=True)


def test_what_is_applied_is_what_is_there() -> None:
    """Every file but the example of secrets is in the kustomization, and everything is in one namespace."""
    (kustomization,) = _manifests(DIRECTORY / "kustomization.yaml")
    assert set(kustomization["resources"]) == {file.name for file in FILES} - {"secrets.example.yaml"}
    namespaced = [one["metadata"].get("namespace") for one in ALL if one["kind"] != "Namespace"]
    assert {*namespaced, kustomization["namespace"]} == {_one("Namespace", "caserelay")["metadata"]["name"]}


def test_the_services_differ_in_nothing_but_their_names() -> None:
    """What was mended for one is mended for all."""
    texts = {(DIRECTORY / f"{name}.yaml").read_text(encoding="utf-8").replace(name, "NAME") for name in SERVICES}
    assert len(texts) == 1


@pytest.mark.parametrize("name", PODS)
def test_a_pod_may_do_little(name: str) -> None:
    """Nobody's user, a root file system that cannot be written, no capabilities, no token of the cluster."""
    pod = PODS[name]
    assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 10_000
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in _containers(pod):
        where = f"{name}/{container['name']}"
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, where
        assert {"requests", "limits"} <= container["resources"].keys(), where
        assert "memory" in container["resources"]["limits"], where
        mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
        assert {"/tmp", "/var/lib/caserelay"} <= mounted, where  # noqa: S108 - in the container


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_watched_and_stops_in_time(name: str) -> None:
    """Three probes at the routes that need no token, and time for open requests to end before the kill."""
    spec = _one("Deployment", name)["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    asked = {kind: container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")}
    assert asked == {"startup": "/healthz", "readiness": "/readyz", "liveness": "/healthz"}
    pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    stop = float(_one("ConfigMap", "caserelay")["data"]["CASERELAY_STOP_SECONDS"])
    assert pod["terminationGracePeriodSeconds"] >= pause + stop + 10
    assert pause > container["readinessProbe"]["periodSeconds"] - 1


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_survives_the_loss_of_a_node_and_an_upgrade(name: str) -> None:
    """Two replicas on different nodes, of which one at a time may be taken away."""
    spec, budget = _one("Deployment", name)["spec"], _one("PodDisruptionBudget", name)["spec"]
    assert spec["replicas"] >= 2
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    (spread,) = spec["template"]["spec"]["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"
    assert budget["maxUnavailable"] == 1
    labels = spec["template"]["metadata"]["labels"]
    found_by = [spec["selector"], spread["labelSelector"], budget["selector"]]
    assert [one["matchLabels"] for one in found_by] == [labels] * 3
    assert _one("Service", name)["spec"]["selector"] == labels


def test_what_a_container_is_told_exists() -> None:
    """The configuration and the secrets that are referred to are there, under that name."""
    for name, pod in PODS.items():
        for container in _containers(pod):
            for source in container["envFrom"]:
                ((kind, target),) = source.items()
                _one({"configMapRef": "ConfigMap", "secretRef": "Secret"}[kind], target["name"])
        for volume in pod["volumes"]:
            assert "emptyDir" in volume or _one("ConfigMap", volume["configMap"]["name"]), name


def test_the_set_up_migrates_every_service() -> None:
    """Each with the secret of its own database."""
    first = PODS["caserelay-set-up"]["initContainers"]
    migrates = {one["args"][1]: one["envFrom"][1]["secretRef"]["name"] for one in first}
    assert migrates == {name: f"caserelay-{name}" for name in SERVICES}


def test_no_secret_stands_where_anybody_may_read_it() -> None:
    """Settings that hold one are in Secrets, and nothing else is."""
    secret = {
        f"CASERELAY_{name.upper()}"
        for name, field in Settings.model_fields.items()
        if "Secret" in str(field.annotation)
    }
    for manifest in ALL:
        if manifest["kind"] == "ConfigMap":
            assert not secret & manifest["data"].keys()
    assert "CASERELAY_DATABASE_URL" in secret
