"""Work that takes longer than a moment: a session's newest run, its progress, and its end."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, Queue
from typing import TypeVar

import gradio as gr
from gradio.blocks import Block

from tagifai.errors import TagifaiError
from tagifai.services.patience import Ask, PredictionCancelled, TooSlow
from tagifai.ui.events import Updates
from tagifai.ui.views.markup import show_error

BETWEEN = 0.2
"""Seconds between two reports of progress."""
ALIVE = 2.0
"""Seconds after which the last report comes again: then it is noticed that somebody left."""
Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Moved:
    """How far a run is."""

    done: int
    total: int
    what: str


class Run:
    """One run of a session, until it is stopped."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self.by_person = False

    def stop(self, *, by_person: bool = False) -> None:
        """Have it stop: because the person said so, or because something else was asked for."""
        self.by_person = self.by_person or by_person
        self._stopped.set()

    def is_stopped(self) -> bool:
        """Check whether it is to stop."""
        return self._stopped.is_set()

    @property
    def is_superseded(self) -> bool:
        """Whether something else was asked for, so that nobody waits for its answer."""
        return self.is_stopped() and not self.by_person

    def pause(self, seconds: float) -> bool:
        """Wait, but not once it is stopped; return whether it was."""
        return self._stopped.wait(seconds)


class Runs:
    """The runs under way, at most one for each session."""

    def __init__(self) -> None:
        self._runs: dict[str | None, Run] = {}
        self._lock = threading.Lock()

    def start(self, request: gr.Request | None) -> Run:
        """Start a run, which ends the session's run before."""
        session, run = _session_of(request), Run()
        with self._lock:
            before = self._runs.get(session)
            self._runs[session] = run
        if before is not None:
            before.stop()
        return run

    def stop(self, request: gr.Request | None, *, by_person: bool = False) -> None:
        """Stop the session's run, if there is one."""
        with self._lock:
            run = self._runs.get(_session_of(request))
        if run is not None:
            run.stop(by_person=by_person)

    def finish(self, request: gr.Request | None, run: Run) -> None:
        """Forget a run that ended."""
        run.stop()
        with self._lock:
            if self._runs.get(_session_of(request)) is run:
                del self._runs[_session_of(request)]


def attempt(show: Callable[[], Updates], place: Block) -> Updates:
    """Return what is to be shown, or in its place what went wrong; the rest of a tab goes on.

    Raises
    ------
    TooSlow, PredictionCancelled
        No failures: whoever asked knows what to do.
    """
    try:
        return show()
    except (TooSlow, PredictionCancelled):
        raise
    except TagifaiError as error:
        return {place: show_error(error)}


def follow(work: Callable[[Ask], Iterator[Part]], run: Run) -> Iterator[Part | Moved]:
    """Yield what work in another thread yields, and how far it is in between.

    Parameters
    ----------
    work : callable
        Takes how it may ask, and yields its parts.
    run : Run
        Stops what it asks. Work that does not notice it, since it hangs, is left behind.

    Raises
    ------
    PredictionCancelled
        The run was stopped.
    """
    found: Queue[Part | Moved | BaseException | None] = Queue()
    last = 0.0

    def report(done: int, total: int, what: str) -> None:
        nonlocal last
        if time.monotonic() - last >= BETWEEN:
            last = time.monotonic()
            found.put(Moved(done, total, what))

    def go() -> None:
        try:
            for part in work(Ask(report, run.is_stopped)):
                found.put(part)
        except BaseException as error:
            found.put(error)
        finally:
            found.put(None)

    threading.Thread(target=go, name="work of a visitor", daemon=True).start()
    moved, said = Moved(0, 0, ""), time.monotonic()
    while True:
        try:
            one = found.get(timeout=BETWEEN)
        except Empty:
            if run.is_stopped():
                raise PredictionCancelled("what was asked did not end in time") from None
            if time.monotonic() - said < ALIVE:
                continue
            one = moved
        if run.is_superseded:
            raise PredictionCancelled("something else was asked for")
        if one is None:
            return
        if isinstance(one, BaseException):
            raise one
        moved, said = one if isinstance(one, Moved) else moved, time.monotonic()
        yield one


def _session_of(request: gr.Request | None) -> str | None:
    return None if request is None else request.session_hash
