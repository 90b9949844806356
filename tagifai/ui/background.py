"""Work that takes a while: done beside the page, with progress, until it is cancelled."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, Queue
from typing import Generic, TypeVar

Progress = Callable[[int, int, str], None]
Cancelled = Callable[[], bool]
Found = TypeVar("Found")
_POLL = 0.2
# Seconds after which cancelled work that has not ended is left behind.
_GRACE = 2.0
# Seconds of silence after which the last step comes again: the page then offers to cancel, and it
# is noticed that somebody left.
_ALIVE = 1.0


@dataclass(frozen=True, slots=True)
class Step:
    """How much of the work is done; of a `total` of 0 that is not known yet."""

    done: int
    total: int
    unit: str


@dataclass(frozen=True, slots=True)
class Done(Generic[Found]):
    """What came of the work."""

    found: Found


class Background:
    """The work of a part of the page, at most one piece for each session."""

    def __init__(self) -> None:
        # With Gradio's own `cancels`, the page ends with an error.
        self._stops: dict[str | None, threading.Event] = {}

    def run(
        self, session: str | None, work: Callable[[Progress, Cancelled], Found]
    ) -> Iterator[Step | Done[Found]]:
        """Do work in a thread; yield each step, and what came of it last unless it was cancelled.

        Work that does not notice that it was cancelled, since it hangs, is left behind.

        Parameters
        ----------
        session : str or None
            Whose work it is; what it had begun before is cancelled.
        work : callable
            Takes ``progress(done, total, unit)`` and ``cancelled()``, as predictors do.

        Raises
        ------
        Exception
            Whatever `work` raises, unless it was cancelled.
        """
        self.cancel(session)
        stop = self._stops[session] = threading.Event()
        steps: Queue[Step | Done[Found] | Exception] = Queue()

        def act() -> None:
            try:
                steps.put(Done(work(lambda *step: steps.put(Step(*step)), stop.is_set)))
            except Exception as error:
                steps.put(error)

        threading.Thread(target=act, name="work of a page", daemon=True).start()
        cancelled: float | None = None
        last, said = Step(0, 0, ""), time.monotonic()
        try:
            while True:
                try:
                    one = steps.get(timeout=_POLL)
                except Empty:
                    if stop.is_set():
                        cancelled = cancelled or time.monotonic()
                        if time.monotonic() - cancelled > _GRACE:
                            return
                    elif time.monotonic() - said > _ALIVE:
                        said = time.monotonic()
                        yield last
                    continue
                last, said = one if isinstance(one, Step) else last, time.monotonic()
                if isinstance(one, Exception):
                    if stop.is_set():
                        return
                    raise one
                yield one
                if isinstance(one, Done):
                    return
        finally:
            stop.set()  # whoever left the page waits for nothing
            if self._stops.get(session) is stop:
                del self._stops[session]

    def cancel(self, session: str | None) -> None:
        """Cancel the work of a session, if there is any."""
        if (stop := self._stops.get(session)) is not None:
            stop.set()
