"""Limits by visitor: whoever sends too much is refused, and others are not."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tagifai.services.turns import BUSY
from tagifai.ui.server.incoming import RefusedError

TOO_MUCH = "too much is being sent at once; try again"


@dataclass(eq=False)
class Held:
    """A body that is being received, or that waits to be answered."""

    house: str
    limit: asyncio.Timeout
    size: int = 0
    complete: bool = False
    let_go: bool = False
    since: float = field(default_factory=time.monotonic)

    def release(self) -> None:
        """Stop waiting for the rest."""
        self.let_go = True
        self.limit.reschedule(asyncio.get_running_loop().time())


@dataclass
class HeldBodies:
    """The bodies of requests in memory. Where there is too much, the oldest unfinished one goes.

    Parameters
    ----------
    most_of_house, most : int
        Bytes that are held for one user or address, and in all.
    unfinished : int
        Bodies of one user or address that may be under way at once.
    grace : float
        Seconds for which one more may be.
    """

    most_of_house: int
    most: int
    unfinished: int
    grace: float
    _held: list[Held] = field(default_factory=list)

    @contextmanager
    def receiving(self, house: str, limit: asyncio.Timeout) -> Iterator[Held]:
        """Hold a body while the block runs; `grow` says how large it has become."""
        held = Held(house, limit)
        self._held.append(held)
        try:
            coming = [one for one in self._held if one.house == house and not one.complete]
            for one in coming[: -self.unfinished]:
                if one.since < time.monotonic() - self.grace:
                    one.release()
            yield held
        finally:
            self._held.remove(held)

    def grow(self, held: Held, size: int) -> None:
        """Count more bytes of a body.

        Raises
        ------
        RefusedError
            There is too much, and nothing else to let go.
        """
        held.size += size
        while self._sum(held.house) > self.most_of_house:
            self._make_room(held, held.house)
        while sum(self._houses().values()) > self.most:
            largest, _ = self._houses().most_common(1)[0]
            self._make_room(held, largest)

    def _make_room(self, held: Held, house: str) -> None:
        for one in self._held:
            if one is not held and one.house == house and one.size and not one.complete:
                one.size = 0
                one.release()
                return
        raise RefusedError(503, TOO_MUCH)

    def _sum(self, house: str) -> int:
        return sum(one.size for one in self._held if one.house == house)

    def _houses(self) -> Counter[str]:
        sums: Counter[str] = Counter()
        for one in self._held:
            sums[one.house] += one.size
        return sums


class Quota:
    """Bytes that each user or address may send within a time; all together have a limit too.

    Parameters
    ----------
    most_of_house, most : int
        Bytes within the time, of one user or address and in all. Past the latter those are refused
        who sent more than their part of it.
    seconds : float
        How long what was sent counts.
    """

    def __init__(
        self,
        most_of_house: int,
        most: int,
        seconds: float = 3600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most_of_house = most_of_house
        self.most = most
        self.seconds = seconds
        self._clock = clock
        self._sent: deque[tuple[float, str, int]] = deque()
        self._sums: Counter[str] = Counter()

    def check(self, house: str) -> None:
        """Check that a user or address may send more.

        Raises
        ------
        RefusedError
            They have sent too much.
        """
        while self._sent and self._sent[0][0] < self._clock() - self.seconds:
            _, name, size = self._sent.popleft()
            self._sums[name] -= size
            if not self._sums[name]:
                del self._sums[name]
        part = self.most / max(1, len(self._sums))
        everybody = self._sums.total()
        if self._sums[house] >= self.most_of_house or (
            everybody >= self.most and (self._sums[house] >= part or everybody >= 2 * self.most)
        ):
            raise RefusedError(503, "too many files were uploaded within an hour; try again later")

    def count(self, house: str, size: int) -> None:
        """Count bytes that came in."""
        if size:
            self._sent.append((self._clock(), house, size))
            self._sums[house] += size


class Pace:
    """How fast the large bodies of each user or address are read: others wait while one is.

    Parameters
    ----------
    rate : float
        Bytes a second.
    free : int
        Bodies up to this size do not wait.
    """

    def __init__(self, rate: float, free: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.free = free
        self._clock = clock
        self._next: dict[str, float] = {}

    def seconds_to_wait(self, house: str, size: int) -> float:
        """Return how long a body has to wait for those before it, and count it."""
        now = self._clock()
        self._next = {name: until for name, until in self._next.items() if until > now}
        if size <= self.free:
            return 0.0
        start = self._next.get(house, now)
        self._next[house] = start + size / self.rate
        return start - now


class AtOnce:
    """How many of something each user or address may have open."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._open: Counter[str] = Counter()

    @contextmanager
    def one(self, house: str) -> Iterator[None]:
        """Count one while the block runs.

        Raises
        ------
        RefusedError
            There are too many.
        """
        if self._open[house] >= self.most:
            raise RefusedError(503, BUSY)
        self._open[house] += 1
        try:
            yield
        finally:
            self._open[house] -= 1
            if not self._open[house]:
                del self._open[house]
