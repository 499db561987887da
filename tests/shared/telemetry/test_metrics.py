"""The numbers an operator lives by have the names that dashboards and alarms use."""

from shared.telemetry import Metrics

NAMES = {
    "interurbe_outbox_oldest_age_seconds": (),
    "interurbe_outbox_unpublished": (),
    "interurbe_outbox_parked": (),
    "interurbe_relay_is_leader": (),
    "interurbe_relay_published": (),
    "interurbe_relay_errors": ("reason",),
    "interurbe_relay_batch_seconds": (),
    "interurbe_consumer_lag": ("consumer",),
    "interurbe_consumer_seconds_since_progress": ("consumer",),
    "interurbe_consumer_applied": ("consumer",),
    "interurbe_consumer_duplicates": ("consumer",),
    "interurbe_inbox_parked": ("consumer", "kind"),
    "interurbe_consumer_restarts": ("consumer",),
    "interurbe_delivery": ("channel", "outcome"),
    "interurbe_delivery_latency_seconds": ("channel",),
    "interurbe_delivery_ambiguous": ("channel",),
    "interurbe_http_requests_seconds": ("method", "route", "status"),
    "interurbe_spans_dropped": (),
}


def test_every_metric_has_its_name_and_labels() -> None:
    metrics = Metrics()
    labels = {one._name: one._labelnames for one in vars(metrics).values() if hasattr(one, "_labelnames")}
    assert labels == NAMES


def test_the_page_is_text_a_prometheus_reads() -> None:
    metrics = Metrics()
    metrics.relay_errors_total.labels(reason="SendTimeout").inc(2)
    metrics.http_requests_seconds.labels(method="GET", route="/v1/agreements/{id}", status="200").observe(0.004)
    page = metrics.text().decode()
    assert 'interurbe_relay_errors_total{reason="SendTimeout"} 2.0' in page
    assert 'interurbe_http_requests_seconds_bucket{le="0.005",method="GET",route="/v1/agreements/{id}",status="200"} 1.0' in page
    assert "# HELP interurbe_outbox_oldest_age_seconds Age of the oldest fact not yet on the bus." in page


def test_two_processes_in_one_test_do_not_share_numbers() -> None:
    one, other = Metrics(), Metrics()
    one.outbox_unpublished.set(5)
    assert other.registry.get_sample_value("interurbe_outbox_unpublished") == 0
