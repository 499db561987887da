"""docker-compose.yml is valid, starts what the services offer, and holds no secret."""

import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.embedded.postgres import MAJOR
from shared.process.console import console
from shared.settings import PREFIX
from shared.telemetry.metrics import Metrics
from tests.contracts.source import SERVICES, TOP, text
from tests.contracts.test_documents import settings_of

COMPOSE: dict[str, Any] = yaml.safe_load(text("docker-compose.yml"))
OURS = {f"{service}-{act}": (service, act) for service in SERVICES for act in ("migrate", "serve", "work")}
EACH = pytest.mark.parametrize("name", OURS)
VARIABLE = re.compile(r"\$\{(\w+)([^}]*)\}")


def test_it_is_what_the_compose_specification_allows() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    command = [str(checker), "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@EACH
def test_each_process_runs_what_its_service_offers(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    service, act = OURS[name]
    assert COMPOSE["services"][name]["command"] == ["python", "-m", f"services.{service}", act]
    assert COMPOSE["services"][name]["build"]["args"] == {"SERVICE": service}
    with pytest.raises(SystemExit):
        console(import_module(f"services.{service}.__main__").SERVICE)(["--help"], prog_name=service)
    assert re.search(rf"^\s*{act}\b", capsys.readouterr().out, re.MULTILINE)


@EACH
def test_each_process_is_told_settings_that_exist(name: str) -> None:
    fields = settings_of(OURS[name][0]).model_fields
    told = {key.removeprefix(PREFIX).lower() for key in COMPOSE["services"][name]["environment"]}
    assert told - set(fields) == set()
    needed = {field for field, info in fields.items() if info.is_required()}
    assert needed - told == set()


@EACH
def test_each_process_can_do_no_more_than_it_must(name: str) -> None:
    process = COMPOSE["services"][name]
    assert process["user"].split(":")[0] not in ("0", "root")
    assert (process["read_only"], process["cap_drop"], process["tmpfs"]) == (True, ["ALL"], ["/tmp"])  # noqa: S108 - a folder in a container
    assert process["security_opt"] == ["no-new-privileges:true"]
    assert "healthcheck" in process or process["restart"] == "no"


def test_processes_wait_for_what_they_need() -> None:
    waits = {name: COMPOSE["services"][name]["depends_on"] for name in OURS}
    assert [name for name, (service, act) in OURS.items() if act != "migrate" and f"{service}-migrate" not in waits[name]] == []
    lost = [
        other for process in COMPOSE["services"].values() for other in process.get("depends_on", ()) if other not in COMPOSE["services"]
    ]
    assert lost == []


def test_images_are_pinned_and_the_same_as_without_docker() -> None:
    images = {name: process["image"] for name, process in COMPOSE["services"].items() if "build" not in process}
    assert [image for image in images.values() if not re.search(r":v?\d+\.\d+", image)] == []
    kafka = re.search(r"<artifactId>kafka_[\d.]+</artifactId><version>([\d.]+)<", text("deploy/kafka/pom.xml"))
    assert kafka
    assert images["kafka"] == f"apache/kafka:{kafka[1]}"
    assert images["postgres"].startswith(f"postgres:{MAJOR}.")


def test_no_secret_has_a_value_anywhere() -> None:
    asked = VARIABLE.findall(text("docker-compose.yml"))
    assert [name for name, rule in asked if not rule.startswith(":?")] == []
    example = dict(re.findall(r"^(\w+)=(.*)$", text(".env.example"), re.MULTILINE))
    assert set(example) == {name for name, _ in asked}
    assert set(example.values()) == {""}
    settings = [(key, str(value)) for process in COMPOSE["services"].values() for key, value in process.get("environment", {}).items()]
    assert [key for key, value in settings if re.search(r"PASSWORD|SECRET|TOKEN", key) and not VARIABLE.fullmatch(value)] == []


def test_every_mounted_file_exists() -> None:
    mounts = [mount.split(":")[0] for process in COMPOSE["services"].values() for mount in process.get("volumes", ())]
    assert [mount for mount in mounts if mount.startswith(".") and not (TOP / mount).exists()] == []
    assert {mount for mount in mounts if not mount.startswith(".")} == set(COMPOSE["volumes"])


def test_the_image_holds_one_service_alone() -> None:
    copied = re.findall(r"^COPY (?!--from)(\S+)", text("deploy/Dockerfile"), re.MULTILINE)
    assert set(copied) == {"requirements.lock", "shared/", "services/${SERVICE}/"}
    assert re.search(r"pip install --require-hashes\b.* -r /requirements\.lock", text("deploy/Dockerfile"))
    assert re.search(r"^USER (?!0|root)", text("deploy/Dockerfile"), re.MULTILINE)


def test_prometheus_looks_at_every_process() -> None:
    jobs = yaml.safe_load(text("deploy/prometheus/prometheus.yml"))["scrape_configs"]
    found = {target for job in jobs for group in job["static_configs"] for target in group["targets"]}
    running = {name: COMPOSE["services"][name]["environment"] for name, (_, act) in OURS.items() if act != "migrate"}
    ports = {name: told[f"{PREFIX}WORKER_PORT" if name.endswith("work") else f"{PREFIX}PORT"] for name, told in running.items()}
    assert found == {f"{name}:{port}" for name, port in ports.items()}


def test_dashboard_and_alerts_ask_for_numbers_that_exist() -> None:
    known = {sample for family in Metrics().registry.collect() for sample in exposed(family.name, family.type)}
    asked = "\n".join(target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]) + text(
        "deploy/prometheus/alerts.yml"
    )
    assert set(re.findall(r"\binterurbe_[a-z_]+", asked)) - known == set()


def exposed(name: str, kind: str) -> set[str]:
    endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    return {f"{name}{ending}" for ending in endings.get(kind, ("",))}


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text("deploy/grafana/dashboards/interurbe.json"))
    return found
