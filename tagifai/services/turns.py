"""Turns by visitor: whoever asks for much waits, and others do not wait for them."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from tagifai.errors import TagifaiError

Key = TypeVar("Key")
BUSY = "too many ask for this at once; try again in a moment"


class CrowdedError(TagifaiError):
    """Somebody waits for too many turns already."""


class Turns:
    """Turns that each house's members take by rotation; houses do not wait for one another.

    Parameters
    ----------
    at_once, at_once_of_house : int
        How many turns a member holds at once, and all members of one house.
    waiting : int
        How many turns for one thing a member may have or wait for; more are refused.
    """

    def __init__(self, at_once: int, at_once_of_house: int, waiting: int) -> None:
        self.at_once = at_once
        self.at_once_of_house = at_once_of_house
        self.waiting = waiting
        self._running: Counter[str] = Counter()
        self._running_of_house: Counter[str] = Counter()
        self._called: Counter[tuple[str, object]] = Counter()
        self._lines: dict[str, dict[str, deque[asyncio.Future[None]]]] = {}

    @asynccontextmanager
    async def turn(self, house: str, name: str, thing: object = None) -> AsyncIterator[None]:
        """Wait for a turn of a house's member, and hold it while the block runs.

        Raises
        ------
        CrowdedError
            The member has or waits for too many turns for this thing already.
        """
        call = (name, thing)
        if self._called[call] >= self.waiting:
            raise CrowdedError(BUSY)
        self._called[call] += 1
        try:
            await self._enter(house, name)
            try:
                yield
            finally:
                self._leave(house, name)
        finally:
            _less(self._called, call)

    async def _enter(self, house: str, name: str) -> None:
        if self._is_free(house, name):
            self._start(house, name)
            return
        line = self._lines.setdefault(house, {}).setdefault(name, deque())
        turn = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():  # it came just as the caller went
                self._leave(house, name)
            elif turn in line:
                line.remove(turn)
                self._tidy(house, name)
            raise

    def _leave(self, house: str, name: str) -> None:
        _less(self._running, name)
        _less(self._running_of_house, house)
        for other, line in [*self._lines.get(house, {}).items()]:
            while line and line[0].done():  # its caller has gone
                line.popleft()
            if line and self._is_free(house, other):
                turn = line.popleft()
                # Whoever had a turn goes to the end.
                self._lines[house][other] = self._lines[house].pop(other)
                self._start(house, other)
                turn.set_result(None)
                break
        for other in [*self._lines.get(house, {})]:
            self._tidy(house, other)

    def _is_free(self, house: str, name: str) -> bool:
        return (
            self._running[name] < self.at_once
            and self._running_of_house[house] < self.at_once_of_house
        )

    def _start(self, house: str, name: str) -> None:
        self._running[name] += 1
        self._running_of_house[house] += 1

    def _tidy(self, house: str, name: str) -> None:
        lines = self._lines.get(house, {})
        if name in lines and not lines[name]:
            del lines[name]
        if not lines:
            self._lines.pop(house, None)


def _less(counter: Counter[Key], key: Key) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
