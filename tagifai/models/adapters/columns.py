"""Some of a predictor's columns, under other names."""

from collections.abc import Sequence

import numpy as np

from tagifai.arrays import Array
from tagifai.models.predictor import Predictor

# What those who ask in batches read of a predictor, whichever columns it has.
_SHARED = (
    "embed",
    "preprocess",
    "warnings",
    "decisions_only",
    "batch_size",
    "concurrency",
    "timeout",
    "remote",
    "usage",
    "columns",
)


class ChosenColumns:
    """A predictor without some of its columns, the others under their tags.

    What a predictor knows of its columns' weights does not pass through, since it would be of
    other columns.

    Parameters
    ----------
    predictor : Predictor
        Whose columns these are.
    tags : sequence of (str or None)
        The tag of each column; None leaves it out.
    """

    def __init__(self, predictor: Predictor, tags: Sequence[str | None]) -> None:
        self.predictor = predictor
        self.tags = tuple(tag for tag in tags if tag is not None)
        self._columns = [place for place, tag in enumerate(tags) if tag is not None]

    def predict_proba(self, texts: Sequence[str]) -> Array:
        """Return the probabilities of the chosen columns, (n_texts, n_tags)."""
        found = self.predictor.predict_proba(texts)
        dense = getattr(found, "toarray", None)  # of scipy's sparse matrices
        array = np.asarray(dense() if callable(dense) else found)
        if array.ndim != 2:
            return array  # whoever checks it says what is wrong
        return array[:, self._columns]

    def __getattr__(self, name: str) -> object:
        if name not in _SHARED:
            raise AttributeError(name)
        return getattr(self.predictor, name)
