"""Load what the first visitors will ask for, after the port answers, and say how far it is."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tagifai.errors import TagifaiError


@dataclass(frozen=True)
class Step:
    """Something to load: how it is called, how it is done, and perhaps how much of it is done."""

    name: str
    load: Callable[[], object]
    done: Callable[[], str] = str


class WarmUp:
    """Steps that are taken once, in their order, in a thread of their own."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._current: Step | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, and return at once."""
        if self._thread is None and self._steps:
            self._current = self._steps[0]
            self._thread = threading.Thread(target=self._run, name="warm-up", daemon=True)
            self._thread.start()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until all is loaded, or so many seconds."""
        if self._thread is not None:
            self._thread.join(seconds)

    def progress(self) -> str | None:
        """Say what is being loaded, and how much of it is; None while nothing is.

        >>> WarmUp([Step("the projects", list)]).progress() is None
        True
        """
        step = self._current
        return None if step is None else f"Loading {step.name} {step.done()}".strip() + " …"

    def _run(self) -> None:
        try:
            for step in self._steps:
                self._current = step
                try:
                    step.load()
                except TagifaiError:
                    continue  # whoever asks for it is told why
        finally:
            self._current = None
