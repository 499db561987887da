"""The real Kafka of tests and demo: where its programs come from, and what is said when they cannot come."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.kafka import jars
from deploy.kafka.broker import Broker, main, new_cluster_id
from deploy.kafka.cluster import KafkaCluster
from deploy.ports import PortTaken, answers, free_port
from deploy.processes import alive


def test_names_no_repository_of_its_own() -> None:
    assert "epository>" not in jars.POM.read_text()


def test_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("INTERURBE_KAFKA_LIB", str(tmp_path / "lib"))
    assert jars.missing_tools() == "Java (17 or newer) and Maven not found: install e.g. Debian's openjdk-17-jre-headless and maven"
    with pytest.raises(jars.KafkaUnavailable, match="openjdk-17"):
        Broker(tmp_path / "broker", free_port(), free_port()).start()


def test_makes_a_cluster_id_as_kafka_does() -> None:
    for _ in range(100):
        text = new_cluster_id()
        assert len(base64.urlsafe_b64decode(text + "==")) == 16
        assert not text.startswith("-")


@pytest.mark.kafka
def test_stops_by_hand_what_was_started_by_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    command = [sys.executable, "-m", "deploy.kafka.broker", "start", "--dir", str(tmp_path / "k"), "--port", str(port)]
    started = subprocess.run(command, check=True, capture_output=True, text=True)
    assert started.stdout == f"INTERURBE_KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:{port}\n"
    assert main(["start", "--dir", str(tmp_path / "other"), "--port", str(port)]) == 1
    assert str(port) in capsys.readouterr().err
    assert main(["stop", "--dir", str(tmp_path / "k")]) == 0
    assert not (tmp_path / "k" / "broker.pid").exists()


@pytest.mark.kafka
def test_names_the_port_that_is_taken(kafka: Broker, tmp_path: Path) -> None:
    with pytest.raises(PortTaken, match=f"{kafka.port}.*INTERURBE_PORT_KAFKA"):
        Broker(tmp_path, kafka.port, free_port()).start()


@pytest.mark.kafka
def test_ends_every_node_of_a_cluster_a_frozen_one_too(tmp_path: Path) -> None:
    cluster = KafkaCluster(tmp_path)
    cluster.start()
    pids = [node.pid for node in (cluster.controller, *cluster.brokers.values())]
    assert all(answers(broker.port) for broker in cluster.brokers.values())
    cluster.brokers[1].kill()
    cluster.brokers[2].freeze()
    cluster.stop()
    assert [pid for pid in pids if pid is None or alive(pid)] == []


def test_names_the_cluster_it_is_of_and_only_what_it_does(tmp_path: Path) -> None:
    cluster = KafkaCluster(tmp_path)
    written = {}
    for node in (cluster.controller, cluster.brokers[2]):
        node.directory.mkdir()
        node._configure()
        written[node.seat.node] = dict(
            line.split("=", 1) for line in (node.directory / "server.properties").read_text().splitlines() if not line.startswith("#")
        )
    voters = f"0@127.0.0.1:{cluster.controller.controller_port}"
    assert {told["controller.quorum.voters"] for told in written.values()} == {voters}
    assert (written[0]["process.roles"], written[2]["process.roles"]) == ("controller", "broker")
    assert written[2]["listeners"] == f"PLAINTEXT://{cluster.brokers[2].bootstrap}"
    assert (written[2]["offsets.topic.replication.factor"], written[2]["min.insync.replicas"]) == ("3", "2")
