"""What operators see from outside: one trace from the change to the mail, numbers that move, and no address in either."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.notifications.conftest import NotificationsService
from tests.notifications.neighbours import TRACE

EMAIL = "ana@medellin.example"


async def told(service: NotificationsService) -> None:
    city = service.neighbours.partner("Medellín")
    await service.hear()
    await service.subscriber(EMAIL, city)
    service.neighbours.sign([city])
    await service.hear()
    await service.send(service.sender())


def written(service: NotificationsService) -> str:
    """Everything in the span files."""
    service.runtime.telemetry.flush()
    return "".join(path.read_text() for path in Path(service.runtime.settings.traces_dir).rglob("*") if path.is_file())


def spans(service: NotificationsService, name: str) -> list[dict[str, Any]]:
    """The spans of this name in the trace of the neighbours' facts."""
    found = [json.loads(line) for line in written(service).splitlines()]
    return [span for span in found if span["name"] == name and span["trace"] == TRACE]


async def test_the_mail_is_the_last_span_of_the_trace_that_caused_it(service: NotificationsService) -> None:
    await told(service)
    (mail,) = spans(service, "send_email")
    (process,) = [span for span in spans(service, "process interurbe.partners") if span["span"] == mail["parent"]]
    assert process["attributes"]["messaging.consumer.group.name"] == "interurbe.notifications.alerts"
    assert mail["kind"] == "client"
    assert mail["attributes"]["smtp.reply_code"] == 250
    assert mail["attributes"]["interurbe.template"] == "agreement_signed"


async def test_no_span_names_an_address_or_a_link(service: NotificationsService) -> None:
    await told(service)
    await service.browser.get(service.link("preferences", EMAIL))
    await service.browser.post(service.link("unsubscribe", EMAIL))
    text = written(service)
    assert "send_email" in text
    assert EMAIL not in text
    assert service.link("unsubscribe", EMAIL).rpartition("/")[2] not in text


async def test_the_numbers_move(service: NotificationsService) -> None:
    await told(service)
    text = service.runtime.telemetry.metrics.text().decode()
    assert 'interurbe_delivery_total{channel="email",outcome="submitted"} 2.0' in text
    assert 'interurbe_delivery_latency_seconds_count{channel="email"} 2.0' in text
    assert "interurbe_delivery_ambiguous_total" in text
