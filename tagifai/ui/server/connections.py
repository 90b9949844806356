"""Connections have limits: in number, by address, and in the time that a request's head may take.

uvicorn limits the time between two requests of a connection, and all connections together; neither
the first request of a connection nor whoever reads no answer has a limit there.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Collection
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
UNREAD_SECONDS = 60.0
MOST = 2_000
LOG_LINES, LOG_SECONDS = 30, 60.0
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nretry-after: 5\r\n"
    b"connection: close\r\n\r\n"
)


class Connections:
    """The open connections of a server.

    Where there are too many, the one goes that has waited longest without a request.

    Parameters
    ----------
    most, most_of_address : int
        Connections in all, and from one address.
    proxies : collection of str
        Addresses through which others come, which have no limit of their own.
    """

    def __init__(self, most: int, most_of_address: int, proxies: Collection[str] = ()) -> None:
        self.most = most
        self.most_of_address = most_of_address
        self.any_proxy = "*" in proxies
        self.proxies = [ip_network(one, strict=False) for one in proxies if one != "*"]
        self._open: dict[Connection, str] = {}  # the oldest first

    def protocol(self) -> Any:
        """Return what a server makes of each connection."""
        return partial(Connection, self)

    def add(self, connection: "Connection", address: str) -> bool:
        """Count a connection; return whether there is room for it."""
        self._open[connection] = address
        counts = Counter(self._open.values())
        if counts[address] > self.most_of_address and not self._is_proxy(address):
            return self._make_room(connection, address)
        if len(self._open) > self.most:
            return self._make_room(connection, counts.most_common(1)[0][0])
        return True

    def remove(self, connection: "Connection") -> None:
        """Forget a connection."""
        self._open.pop(connection, None)

    def touch(self, connection: "Connection") -> None:
        """Note that a connection was used."""
        if connection in self._open:
            self._open[connection] = self._open.pop(connection)

    def _is_proxy(self, address: str) -> bool:
        if self.any_proxy or not self.proxies:
            return self.any_proxy
        try:
            return any(ip_address(address) in network for network in self.proxies)
        except ValueError:
            return False

    def _make_room(self, newest: "Connection", address: str) -> bool:
        for one, where in self._open.items():
            if where == address and one is not newest and one.is_idle():
                one.drop()
                return True
        return False


class Connection(H11Protocol):
    """A connection with limits."""

    def __init__(self, connections: Connections, **given: Any) -> None:
        super().__init__(**given)
        self._connections = connections
        self._head: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, if there is room."""
        super().connection_made(transport)
        if self._connections.add(self, self.client[0] if self.client else ""):
            self._wait_for_head()
        else:
            transport.write(_BUSY)
            self.drop(at_once=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._connections.remove(self)
        self._stop_waiting()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in what came: the rest of a request's head must follow in time."""
        if self.is_idle() and self._head is None:
            self._wait_for_head()
        super().data_received(data)

    def handle_events(self) -> None:
        """Answer requests whose head is complete."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._stop_waiting()
            self._connections.touch(self)

    def pause_writing(self) -> None:
        """Wait for whoever does not read, for a while."""
        super().pause_writing()
        self._unread = self._unread or self.loop.call_later(UNREAD_SECONDS, self.drop)

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def is_idle(self) -> bool:
        """Check whether no request is being answered, and all answers have been sent."""
        answered = self.cycle is None or self.cycle.response_complete
        return answered and not self.transport.get_write_buffer_size()

    def drop(self, at_once: bool = True) -> None:
        """Close the connection."""
        self._connections.remove(self)
        if not self.transport.is_closing():
            self.transport.abort() if at_once else self.transport.close()

    def _wait_for_head(self) -> None:
        self._head = self.loop.call_later(HEAD_SECONDS, self.drop)

    def _stop_waiting(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None


def most_files() -> int:
    """Return how many files and connections this process may have open; raise it where it may."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return 2 * MOST
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 2 * MOST if hard == resource.RLIM_INFINITY else min(hard, 2 * MOST)
    if soft != resource.RLIM_INFINITY and soft < most:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        except (OSError, ValueError):
            return soft
    return max(most, soft) if soft != resource.RLIM_INFINITY else 2 * MOST


class FewLines(logging.Filter):
    """Let so many lines into a log within a time, and count the rest."""

    def __init__(self, most: int = LOG_LINES, seconds: float = LOG_SECONDS) -> None:
        super().__init__()
        self.most = most
        self.seconds = seconds
        self._since = time.monotonic()
        self._written = 0
        self._left_out = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line is written."""
        if time.monotonic() - self._since > self.seconds:
            if self._left_out:
                record.msg = f"{self._left_out:,} lines left out; {record.getMessage()}"
                record.args = ()
            self._since, self._written, self._left_out = time.monotonic(), 0, 0
        self._written += 1
        self._left_out += self._written > self.most
        return self._written <= self.most


def bound_logs() -> None:
    """Keep what strangers can cause from filling the log."""
    for name in ("uvicorn.error", "asyncio"):
        logger = logging.getLogger(name)
        if not any(isinstance(one, FewLines) for one in logger.filters):
            logger.addFilter(FewLines())
