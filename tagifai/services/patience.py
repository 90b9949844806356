"""How long an answer may take, who is told how far it is, and who may stop it."""

import time
from dataclasses import dataclass

from tagifai.errors import TagifaiError
from tagifai.models.predictor import (
    Cancelled,
    CheckedPredictor,
    PredictionCancelled,
    Progress,
)

__all__ = ["MOMENT", "PATIENT", "TEST_BUDGET", "Ask", "PredictionCancelled", "TooSlow"]

MOMENT = 0.3
"""Seconds that nobody minds waiting for."""
TEST_BUDGET = 200
"""The most texts of behavioral tests that a slow predictor, or a server, is asked about at once."""


class TooSlow(TagifaiError):  # noqa: N818 - no error: it is asked again, with progress
    """The answer would take longer than a moment."""


@dataclass(frozen=True, slots=True)
class Ask:
    """How long an answer may take, and who is told how far it is.

    Attributes
    ----------
    progress, cancelled : callable, optional
        As `CheckedPredictor.predict_proba` takes them.
    until : float, optional
        The monotonic time by which the answer has to be there; `TooSlow` is raised at once where
        it is not to be expected by then. A server is never asked in a hurry: whoever types would
        send it a text with every letter.
    """

    progress: Progress | None = None
    cancelled: Cancelled | None = None
    until: float | None = None

    @classmethod
    def at_once(cls, seconds: float = MOMENT) -> "Ask":
        """Ask for what takes no longer than a moment."""
        until = time.monotonic() + seconds
        # One that was quick before may hang now.
        return cls(cancelled=lambda: time.monotonic() > until + seconds, until=until)

    def check(self, predictor: CheckedPredictor | None, num_texts: int) -> None:
        """Refuse what is going to take too long, as far as can be known.

        Raises
        ------
        TooSlow
            It would take longer than is left, the predictor was never timed, is not open (None)
            or on another machine.
        """
        if self.until is None:
            return
        expected = predictor and not predictor.is_remote and predictor.expected_seconds(num_texts)
        if not isinstance(expected, float) or time.monotonic() + expected > self.until:
            raise TooSlow("this takes longer than a moment")


PATIENT = Ask()
