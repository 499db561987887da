"""Which request or fact the work at hand belongs to, carried along the task."""

from contextvars import ContextVar

correlation_id: ContextVar[str | None] = ContextVar("correlation_id", default=None)
"""The id all facts of one piece of work share: that of the first request or fact."""

causation_id: ContextVar[str | None] = ContextVar("causation_id", default=None)
"""The id of the fact that is being handled, and so caused what is recorded now."""
