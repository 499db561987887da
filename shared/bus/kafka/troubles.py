"""What can go wrong with a Kafka client, sorted by what it means for us, and said in plain words."""

from __future__ import annotations

from aiokafka import errors

from shared.bus import BusUnavailable, RecordRefused


class InvalidRecordError(errors.BrokerResponseError):  # type: ignore[misc]  # aiokafka has no types
    """The broker found the record against the rules of its topic; aiokafka 0.14 has no class for this code."""

    errno = 87
    message = "INVALID_RECORD"


errors.kafka_errors.setdefault(InvalidRecordError.errno, InvalidRecordError)

# Connections, brokers and clients in any state of disrepair. aiokafka asserts and looks up missing keys when metadata is young.
TROUBLE = (errors.KafkaError, OSError, TimeoutError, AssertionError, KeyError)
# The broker looked at the bytes and will never take them.
REFUSED = (
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.RecordTooLargeError,
    errors.InvalidTimestampError,
    errors.InvalidTopicError,
    errors.CorruptRecordException,
    errors.UnsupportedForMessageFormatError,
    errors.PolicyViolationError,
    InvalidRecordError,
)
FORBIDDEN = (errors.TopicAuthorizationFailedError, errors.ClusterAuthorizationFailedError)
MOVED_ON = (errors.CommitFailedError, errors.IllegalStateError, errors.IllegalGenerationError, errors.UnknownMemberIdError)
# Stored bytes that cannot be read: a wrong checksum, an unknown codec, a header name that is not UTF-8.
DAMAGED = (errors.CorruptRecordException, errors.UnsupportedCodecError, UnicodeDecodeError)


def explain(error: BaseException, bootstrap: str) -> str:
    """What is wrong with Kafka and how to mend it."""
    if isinstance(error, errors.KafkaConnectionError | errors.NoBrokersAvailable | errors.NodeNotReadyError | ConnectionError):
        return f"no Kafka broker answers at {bootstrap}: start it, or check INTERURBE_KAFKA_BOOTSTRAP_SERVERS"
    if isinstance(error, TimeoutError | errors.RequestTimedOutError | errors.KafkaTimeoutError):
        return f"Kafka at {bootstrap} does not answer in time: see whether the broker is overloaded or the network is cut"
    if isinstance(error, errors.UnknownTopicOrPartitionError):
        return f"Kafka at {bootstrap} has no such topic: ensure_topics creates it"
    if isinstance(error, errors.InvalidReplicationFactorError):
        return f"Kafka at {bootstrap} has fewer brokers than INTERURBE_KAFKA_REPLICATION asks copies for: lower it or add brokers"
    if isinstance(error, FORBIDDEN):
        return f"Kafka at {bootstrap} does not allow this client to use the topic: check its access rules"
    return f"Kafka at {bootstrap} says: {type(error).__name__} {error}".rstrip()


def unavailable(error: BaseException, bootstrap: str) -> BusUnavailable:
    """The same as an error to raise."""
    return BusUnavailable(explain(error, bootstrap))


def refused(error: BaseException, bootstrap: str) -> RecordRefused:
    """Why the broker will never take a record."""
    if isinstance(error, errors.MessageSizeTooLargeError | errors.RecordListTooLargeError | errors.RecordTooLargeError):
        return RecordRefused("the broker finds the record too large: make the event smaller, or raise max.message.bytes of the topic")
    return RecordRefused(explain(error, bootstrap))
