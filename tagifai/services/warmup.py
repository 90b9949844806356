"""Load what the first visitors will ask for, after the port answers, and report how far it is."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tagifai.errors import TagifaiError
from tagifai.services.data import DataService
from tagifai.services.versions import VersionService

if TYPE_CHECKING:
    from tagifai.services.inference import InferenceService


@dataclass(frozen=True)
class Step:
    """Something to load: its name, the function that loads it, and how much of it is loaded."""

    name: str
    load: Callable[[], object]
    done: Callable[[], str] = str


class WarmUp:
    """Steps that run once, in their order, in a thread of their own."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._current: Step | None = None
        self._thread: threading.Thread | None = None
        self._stopped = False

    def start(self) -> None:
        """Begin, and return at once."""
        if self._thread is None and self._steps:
            self._current = self._steps[0]
            self._thread = threading.Thread(target=self._run, name="warm-up", daemon=True)
            self._thread.start()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until everything is loaded, but no longer than `seconds`."""
        if self._thread is not None:
            self._thread.join(seconds)

    def stop(self, seconds: float = 5) -> None:
        """Begin no further step, and wait until the present one ends, but no longer than given."""
        self._stopped = True
        self.wait(seconds)

    def progress(self) -> str | None:
        """Return what is being loaded and how much of it is; None while nothing is.

        >>> WarmUp([Step("the projects", list)]).progress() is None
        True
        """
        step = self._current
        return None if step is None else f"Loading {step.name} {step.done()}".strip() + " …"

    def _run(self) -> None:
        try:
            for step in self._steps:
                if self._stopped:
                    break
                self._current = step
                try:
                    step.load()
                except TagifaiError:
                    continue  # whoever asks for it gets the message
        finally:
            self._current = None


def first_steps(
    data: DataService,
    versions: Callable[[], VersionService],
    inference: Callable[[], "InferenceService"],
) -> list[Step]:
    """Return the steps that load projects, versions and the latest model.

    Parameters
    ----------
    data : DataService
        The data folder.
    versions, inference : callable
        Return the services; a step that finds one broken leaves the other steps alone.
    """

    def load_model() -> None:
        try:
            name = versions().latest("predictor")
        except TagifaiError:
            return  # none can predict, as the Inference tab says
        if versions().keeps("predictor", name):
            versions().predictor(name)
            # A foreign predictor may cost money or time: nobody asks it before somebody types.
            if versions().keeps_model(name):
                inference().predict(name, "")

    return [
        Step("the projects", lambda: data.get().warm_up(), lambda: f"({data.num_read:,} read)"),
        Step("the versions", lambda: versions().history()),
        Step("the latest model", load_model),
        Step(
            "the search of the projects",
            lambda: data.get().index.prepare(),
            lambda: f"({data.num_indexed:,} of {data.num_read:,} indexed)",
        ),
    ]
