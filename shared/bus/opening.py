"""Which bus a process talks to: Kafka when it is told of one, else the log in PostgreSQL."""

from __future__ import annotations

from importlib import import_module

from shared.bus import Bus


def open_bus(*, kafka: str | None, log_url: str | None, replication: int = 1, application: str = "interurbe") -> Bus:
    """A bus, not yet started: on the brokers `kafka` ("host:port,…") when given, else on the database `log_url`.

    Only the client that is needed is loaded, which saves memory in an embedded process. Raises ValueError when there is neither.
    """
    made: Bus
    if kafka:
        made = import_module("shared.bus.kafka").KafkaBus(kafka, replication=replication, application=application)
    elif log_url:
        made = import_module("shared.bus.postgres").PostgresBus(log_url, application=application)
    else:
        raise ValueError("There is no event log: set INTERURBE_KAFKA_BOOTSTRAP_SERVERS, or INTERURBE_LOG_URL for the one in PostgreSQL")
    return made
