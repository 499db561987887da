"""A database that takes no more connections, as one does when `max_connections` is reached (53300), until it is opened again."""

from __future__ import annotations

from urllib.parse import urlsplit

from deploy.embedded.postgres import Cluster


class Outlet:
    """The way into the database at this URL."""

    def __init__(self, cluster: Cluster, url: str) -> None:
        self._cluster, self._name = cluster, urlsplit(url).path.removeprefix("/")

    def close(self) -> None:
        """Everybody who is in is put out, and nobody is let in again."""
        self._limit(0)
        self._cluster.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self._name}';")

    def open(self) -> None:
        """Everybody may come."""
        self._limit(-1)

    def _limit(self, connections: int) -> None:
        self._cluster.sql(f"ALTER DATABASE {self._name} CONNECTION LIMIT {connections};")
