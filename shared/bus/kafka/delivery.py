"""What is left to send of one call: records waiting by partition, and the outcome of each as it becomes known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from shared.bus import BusError, Record
from shared.bus.refusal import hold_back


class Share:
    """The records of one partition, by position in the call, in order; `step` is the most that the next batch may take."""

    def __init__(self, topic: str, partition: int, delivery: Delivery) -> None:
        self.topic = topic
        self.partition = partition
        self.waiting: list[int] = []
        self.step: int | None = None
        self._delivery = delivery

    def fill(self, batch: Any) -> int:
        """Appends waiting records to an aiokafka BatchBuilder until it is full, and closes it; returns how many it took."""
        records = self._delivery.records
        append = batch.append
        taken = 0
        for index in self.waiting[: self.step]:
            record = records[index]
            if append(timestamp=None, key=record.key, value=record.value, headers=record.headers) is None:
                break
            taken += 1
        batch.close()
        return taken

    def stored(self, count: int) -> None:
        """The first `count` are in the log."""
        del self.waiting[:count]

    def refused(self, count: int, error: BusError) -> None:
        """The broker will not take the first `count` together: halve them; when it is one alone, it is that one."""
        if count > 1:
            self.step = count // 2
            return
        self.step = None
        index = self.waiting.pop(0)
        outcomes = self._delivery.outcomes
        outcomes[index] = error
        hold_back(self._delivery.records, outcomes, index, self.waiting)
        self.waiting = [waiting for waiting in self.waiting if outcomes[waiting] is None]

    def failed(self, error: BusError) -> None:
        """Nothing more of this partition goes out now."""
        for index in self.waiting:
            self._delivery.outcomes[index] = error
        self.waiting = []


class Delivery:
    """One call of `send`: `outcomes` (None where already stored or still open) and the shares of the partitions."""

    def __init__(self, records: Sequence[Record], outcomes: list[BusError | None]) -> None:
        self.records = records
        self.outcomes = outcomes
        self.shares: dict[tuple[str, int], Share] = {}
        self._unsorted: dict[str, list[int]] = {}
        for index, record in enumerate(records):
            if outcomes[index] is None:
                self._unsorted.setdefault(record.topic, []).append(index)

    @property
    def unsorted_topics(self) -> list[str]:
        """The topics whose records are not yet given to partitions."""
        return list(self._unsorted)

    def sort(self, topic: str, partition: Callable[[bytes], int]) -> None:
        """Gives the records of a topic to their partitions."""
        for index in self._unsorted.pop(topic):
            number = partition(self.records[index].key)
            share = self.shares.get((topic, number))
            if share is None:
                share = self.shares[topic, number] = Share(topic, number, self)
            share.waiting.append(index)

    def drop(self, topic: str, error: BusError) -> None:
        """The records of a topic that cannot be given to partitions all fail."""
        for index in self._unsorted.pop(topic):
            self.outcomes[index] = error

    def open_shares(self) -> list[Share]:
        """The partitions that still have something to send."""
        return [share for share in self.shares.values() if share.waiting]

    def fail_rest(self, error: BusError) -> None:
        """Everything still open fails."""
        for topic in self.unsorted_topics:
            self.drop(topic, error)
        for share in self.open_shares():
            share.failed(error)
