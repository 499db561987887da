"""The numbers an operator lives by, per process, in Prometheus' form; the age of the oldest unpublished fact comes first."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SLOW = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)


class Metrics:
    """All metrics of one process, in a registry of their own."""

    CONTENT_TYPE = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        # A second series for each counter, which no dashboard reads.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library gives it no types
        self.registry = CollectorRegistry(auto_describe=False)
        self._outbox_and_relay()
        self._consumers()
        self._deliveries()
        self._edge()

    def _gauge(self, name: str, says: str, *labels: str) -> Gauge:
        return Gauge(f"interurbe_{name}", says, labels, registry=self.registry)

    def _counter(self, name: str, says: str, *labels: str) -> Counter:
        return Counter(f"interurbe_{name}", says, labels, registry=self.registry)

    def _histogram(self, name: str, says: str, buckets: tuple[float, ...], labels: tuple[str, ...] = ()) -> Histogram:
        return Histogram(f"interurbe_{name}", says, labels, buckets=buckets, registry=self.registry)

    def _outbox_and_relay(self) -> None:
        self.outbox_oldest_age_seconds = self._gauge("outbox_oldest_age_seconds", "Age of the oldest fact not yet on the bus.")
        self.outbox_unpublished = self._gauge("outbox_unpublished", "Facts not yet on the bus; above 1,000 about how many.")
        self.outbox_parked = self._gauge("outbox_parked", "Facts that cannot be sent and wait for an operator.")
        self.relay_is_leader = self._gauge("relay_is_leader", "1 when this process is the one that relays.")
        self.relay_published_total = self._counter("relay_published_total", "Facts the bus has acknowledged.")
        self.relay_errors_total = self._counter("relay_errors_total", "Facts the bus did not take, by reason.", "reason")
        self.relay_batch_seconds = self._histogram("relay_batch_seconds", "From reading a batch to marking it as published.", QUICK)

    def _consumers(self) -> None:
        self.consumer_lag = self._gauge("consumer_lag", "Messages not yet processed.", "consumer")
        self.consumer_seconds_since_progress = self._gauge(
            "consumer_seconds_since_progress", "Seconds since a consumer last got on, 0 when it has nothing to do.", "consumer"
        )
        self.consumer_applied_total = self._counter("consumer_applied_total", "Facts applied to a view.", "consumer")
        self.consumer_duplicates_total = self._counter("consumer_duplicates_total", "Facts met again and skipped.", "consumer")
        self.inbox_parked = self._gauge("inbox_parked", "Facts a consumer has set aside, by kind.", "consumer", "kind")
        self.consumer_restarts_total = self._counter("consumer_restarts_total", "Restarts of a consumer that stood still.", "consumer")

    def _deliveries(self) -> None:
        self.delivery_total = self._counter("delivery_total", "Attempts to deliver, by outcome.", "channel", "outcome")
        self.delivery_latency_seconds = self._histogram(
            "delivery_latency_seconds", "From the change to the message being accepted.", SLOW, ("channel",)
        )
        self.delivery_ambiguous_total = self._counter("delivery_ambiguous_total", "Attempts whose outcome is unknown.", "channel")

    def _edge(self) -> None:
        self.http_requests_seconds = self._histogram(
            "http_requests_seconds", "Time to answer a request.", QUICK, ("method", "route", "status")
        )
        self.spans_dropped_total = self._counter("spans_dropped_total", "Spans thrown away because nobody took them in time.")

    def text(self) -> bytes:
        """The page Prometheus reads, in `CONTENT_TYPE`."""
        return generate_latest(self.registry)
