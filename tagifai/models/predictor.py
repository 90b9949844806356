"""The contract of a predictor: anything that turns texts into probabilities, never believed."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from tagifai.arrays import Array
from tagifai.errors import TagifaiError, counted, shorten
from tagifai.matrices import Matrix, pair_values
from tagifai.models.usage import Usage

TIMEOUT = 120.0
"""Seconds that one batch may take."""
MAX_BATCH, MAX_CHARACTERS, MAX_CELLS = 256, 2_000_000, 8_000_000
"""The most texts, characters and probabilities of one batch."""
MAX_TAGS = 100_000
MAX_EMBEDDED = 50_000_000
"""The most numbers of embeddings that are held: 200 MB."""
MIN_ROWS = 5
"""The fewest texts from which sums of 1 say anything."""
_ROUNDING = 1e-6
_SUM_TOLERANCE = 1e-3
_POLL = 0.05
_FEW = 4
_MOST = 1e6

Progress = Callable[[int, int, str], None]
Cancelled = Callable[[], bool]


@runtime_checkable
class Predictor(Protocol):
    """Anything that turns texts into one probability for each tag.

    A predictor may have more, which is used where it is there:

    - ``embed(texts)``, an array (n_texts, n_dimensions);
    - ``linear_layer``, with ``coef`` (n_tags, n_dimensions) and ``intercept`` (n_tags,), where
      log-odds are ``embed(texts) @ coef.T + intercept``: then the training texts behind a
      decision can be told;
    - ``preprocess(text)``, the text as the model reads it;
    - ``warnings``, lines that the person should read;
    - ``remote``, true where a text is a request to a server, which may cost money: then nothing
      is asked that the person did not ask for;
    - ``usage``, a `tagifai.models.usage.Usage`: what asking has cost so far;
    - ``decisions_only``, true where probabilities are 0 or 1 for want of better;
    - ``batch_size``, the most texts of one call, and ``concurrency``, the most calls at once
      (1 unless given);
    - ``timeout``, the seconds that one call may take, where it is longer than `TIMEOUT`.
    """

    @property
    def tags(self) -> Sequence[str]:
        """The names of the columns."""

    def predict_proba(self, texts: Sequence[str]) -> object:
        """Return probabilities, an array (n_texts, n_tags) of values in [0, 1]."""


class PredictionCancelled(TagifaiError):  # noqa: N818 - no error: the person asked for it
    """The person stopped a prediction."""


class CheckedPredictor:
    """A predictor whose every answer is checked, called in batches and with a time limit.

    Parameters
    ----------
    predictor : Predictor
        What is called.
    name : str
        What messages call it, usually ``KIND:SOURCE``.
    timeout : float, optional
        Seconds that a batch may take; the predictor's own, or `TIMEOUT`, by default.
    batch_size : int, optional
        The most texts of a batch; the predictor's own limit and the memory may ask for fewer.

    Raises
    ------
    TagifaiError
        It has no usable tags or no ``predict_proba``.
    """

    def __init__(
        self,
        predictor: Predictor,
        name: str = "",
        *,
        timeout: float | None = None,
        batch_size: int | None = None,
    ) -> None:
        self.predictor = predictor
        self.name = name or str(getattr(predictor, "name", "")) or type(predictor).__name__
        if not callable(getattr(predictor, "predict_proba", None)):
            raise self._error(
                f"has no predict_proba(texts); it is a {type(predictor).__name__}, and a predictor "
                "has `tags` and `predict_proba`"
            )
        self.timeout = timeout or max(TIMEOUT, _number(predictor, "timeout", 0))
        self.tags = self._read_tags()
        self._batch_size = batch_size
        self._free = threading.BoundedSemaphore(max(1, int(_number(predictor, "concurrency", 1))))
        # Seconds of the last call with one or few texts, and seconds a text of the last with many.
        self._call_seconds: float | None = None
        self._text_seconds: float | None = None

    @property
    def batch_size(self) -> int:
        """The most texts of one call, so that a batch and its answer fit the memory."""
        own = _number(self.predictor, "batch_size", MAX_BATCH)
        room = MAX_CELLS // max(1, len(self.tags))
        return int(max(1, min(self._batch_size or MAX_BATCH, own, room)))

    def expected_seconds(self, num_texts: int) -> float | None:
        """Return how long texts are going to take, by the last calls; None before any."""
        if self._text_seconds is not None:
            return max(self._call_seconds or 0.0, num_texts * self._text_seconds)
        return None if self._call_seconds is None else num_texts * self._call_seconds

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the predictor itself warns of."""
        found = getattr(self.predictor, "warnings", ())
        lines = found if isinstance(found, list | tuple) else [found] if found else []
        return tuple(shorten(" ".join(str(line).split()), 400) for line in lines)

    @property
    def decisions_only(self) -> bool:
        """Whether its "probabilities" are decisions of 0 and 1."""
        return getattr(self.predictor, "decisions_only", False) is True

    @property
    def usage(self) -> Usage | None:
        """What asking a server has cost so far; None where no server is asked, or nobody counts."""
        found = getattr(self.predictor, "usage", None)
        return found if isinstance(found, Usage) else None

    @property
    def preprocesses(self) -> bool:
        """Whether it can say how it reads a text."""
        return callable(getattr(self.predictor, "preprocess", None))

    def preprocess(self, text: str) -> str | None:
        """Return the text as the model reads it, None where it cannot say.

        Raises
        ------
        TagifaiError
            It raised, or returned something other than a text.
        """
        preprocess = getattr(self.predictor, "preprocess", None)
        if not callable(preprocess):
            return None
        try:
            found = preprocess(text)
        except Exception as error:
            raise self._raised(error) from None
        if not isinstance(found, str):
            raise self._error(f"preprocess returned a {type(found).__name__}; a text is needed")
        return found

    def predict_proba(
        self,
        texts: Sequence[str],
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
        dtype: type[np.floating] = np.float32,
    ) -> Array:
        """Return probabilities that are sure to be some.

        Parameters
        ----------
        texts : sequence of str
            Any number of texts.
        progress : callable, optional
            ``progress(done, total, "texts")`` is called after each batch.
        cancelled : callable, optional
            Asked again and again; once it returns true, no further batch is sent.
        dtype : type
            Of the result. 32 bits are what a version stores.

        Returns
        -------
        array (n_texts, n_tags)
            Finite values in [0, 1].

        Raises
        ------
        PredictionCancelled
            ``cancelled`` returned true.
        TagifaiError
            The predictor raised, took too long, changed its tags, or returned something other
            than an array (n_texts, n_tags) of finite values in [0, 1].
        """
        result = np.empty((len(texts), len(self.tags)), dtype)
        for start, batch in self.iter_proba(texts, progress, cancelled, dtype):
            result[start : start + len(batch)] = batch
        return result

    def iter_proba(
        self,
        texts: Sequence[str],
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
        dtype: type[np.floating] = np.float32,
    ) -> Iterator[tuple[int, Array]]:
        """Yield (first row, probabilities) batch by batch, checked as `predict_proba` does."""
        for start, stop in batches(texts, self.batch_size):
            self._check_tags()
            batch = _clean(texts[start:stop])
            answer = self._call(batch, cancelled)
            yield start, self._check(answer, len(batch), start).astype(dtype, copy=False)
            self._check_tags()
            if progress is not None:
                progress(stop, len(texts), "texts")

    @property
    def can_embed(self) -> bool:
        """Whether the predictor has embeddings."""
        return callable(getattr(self.predictor, "embed", None))

    @property
    def is_remote(self) -> bool:
        """Whether each text is a request to a server."""
        return bool(getattr(self.predictor, "remote", False))

    def embed(
        self,
        texts: Sequence[str],
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
        max_cells: int = MAX_EMBEDDED,
    ) -> Array:
        """Return embeddings, float32 (n_texts, n_dimensions), checked as probabilities are.

        Parameters
        ----------
        texts : sequence of str
            One or more.
        progress, cancelled : callable, optional
            As for `predict_proba`.
        max_cells : int
            The most numbers that may be held.

        Raises
        ------
        PredictionCancelled
            ``cancelled`` returned true.
        TagifaiError
            The predictor has no embeddings, raised, took too long, or returned something other
            than one finite row of the same width for each text; or too many numbers.
        """
        embed = getattr(self.predictor, "embed", None)
        if not callable(embed):
            raise self._error("has no embed(texts)")
        rows: Array | None = None
        for start, stop in batches(texts, self.batch_size):
            found = self._as_array(self._call(_clean(texts[start:stop]), cancelled, embed), "embed")
            width = found.shape[1:] if rows is None else rows.shape[1:]
            if found.ndim != 2 or found.shape != (stop - start, *width) or not found.size:
                raise self._error(
                    f"embed returned an array of shape {found.shape} for "
                    f"{counted(stop - start, 'text')}; (n_texts, n_dimensions) is needed"
                )
            if not np.isfinite(found).all():
                raise self._error("embed returned a value that is not finite")
            if len(texts) * found.shape[1] > max_cells:
                raise self._error(
                    f"embeddings of {counted(len(texts), 'text')} with {found.shape[1]:,} numbers "
                    f"each do not fit; at most {max_cells:,} numbers are held"
                )
            if rows is None:
                rows = np.empty((len(texts), found.shape[1]), np.float32)
            rows[start:stop] = found
            if progress is not None:
                progress(stop, len(texts), "texts")
        return np.empty((0, 0), np.float32) if rows is None else rows

    def _call(
        self,
        batch: list[str],
        cancelled: Cancelled | None,
        function: Callable[[list[str]], object] | None = None,
    ) -> object:
        """Call the predictor in a thread of its own, which can be left behind if it hangs."""
        function = function or self.predictor.predict_proba
        self._wait(
            lambda: self._free.acquire(timeout=_POLL),
            cancelled,
            f"still busy with an earlier call after {self.timeout:g} seconds",
        )
        outcome: list[object] = []
        failure: list[BaseException] = []
        done = threading.Event()

        def run() -> None:
            started = time.monotonic()
            try:
                outcome.append(function(batch))
                if function == self.predictor.predict_proba:
                    self._note_pace(len(batch), time.monotonic() - started)
            except BaseException as error:
                failure.append(error)
            finally:
                self._free.release()
                done.set()

        threading.Thread(target=run, name=f"predictor {self.name}", daemon=True).start()
        self._wait(
            lambda: done.wait(_POLL),
            cancelled,
            f"no answer for {counted(len(batch), 'text')} within {self.timeout:g} seconds",
        )
        if failure:
            raise self._raised(failure[0])
        return outcome[0]

    def _note_pace(self, num_texts: int, seconds: float) -> None:
        if num_texts < _FEW:
            self._call_seconds = seconds
        else:
            self._text_seconds = seconds / num_texts

    def _wait(self, ready: Callable[[], bool], cancelled: Cancelled | None, overdue: str) -> None:
        until = time.monotonic() + self.timeout
        if cancelled is not None and cancelled():
            raise PredictionCancelled(f"predictor {self.name}: cancelled")
        while not ready():
            if cancelled is not None and cancelled():
                raise PredictionCancelled(f"predictor {self.name}: cancelled")
            if time.monotonic() > until:
                raise self._error(overdue)

    def _check(self, answer: object, num_texts: int, start: int) -> Array:
        array = self._as_array(answer)
        wanted = (num_texts, len(self.tags))
        if array.shape != wanted:
            raise self._error(
                f"predict_proba returned an array of shape {array.shape} for "
                f"{counted(num_texts, 'text')} and {counted(len(self.tags), 'tag')}; "
                f"{wanted} is needed"
            )
        fine = (array >= -_ROUNDING) & (array <= 1 + _ROUNDING)
        if not fine.all():
            row, column = np.argwhere(~fine)[0]
            value = float(array[row, column])
            hint = "; these look like logits: apply a sigmoid" if np.isfinite(value) else ""
            raise self._error(
                f"text {start + row + 1}, tag {shorten(self.tags[column])!r}: a probability "
                f"between 0 and 1 is needed, got {value:g}{hint}"
            )
        return np.clip(array, 0.0, 1.0)

    def _as_array(self, answer: object, method: str = "predict_proba") -> Array:
        if answer is None:
            raise self._error(f"{method} returned nothing, None; an array is needed")
        dense = getattr(answer, "toarray", None)  # of scipy's sparse matrices
        try:
            array = np.asarray(dense() if callable(dense) else answer)
            if array.dtype == object:
                array = array.astype(np.float64)
        except (ValueError, TypeError, RuntimeError, MemoryError) as error:
            raise self._error(
                f"{method} returned a {type(answer).__name__} that is no array of numbers "
                f"({shorten(str(error))})"
            ) from None
        if array.dtype.kind not in "fiub":
            raise self._error(f"{method} returned values of type {array.dtype}; numbers are needed")
        return array

    def _read_tags(self) -> tuple[str, ...]:
        try:
            tags = self.predictor.tags
        except Exception as error:
            raise self._raised(error) from None
        return check_tags(tags, f"predictor {self.name}")

    def _check_tags(self) -> None:
        tags = self._read_tags()
        if tags != self.tags:
            first = next(
                (f"{a!r} where {b!r} was" for a, b in zip(tags, self.tags, strict=False) if a != b),
                f"{len(tags)} where {len(self.tags)} were",
            )
            raise self._error(
                f"its tags changed from one call to the next: {shorten(first)}; the order and the "
                "names of the columns must stay"
            )

    def _raised(self, error: BaseException) -> TagifaiError:
        if isinstance(error, TagifaiError):
            text = str(error)
            return error if self.name in text else self._error(text)
        what = shorten(f"{type(error).__name__}: {error}".replace("\n", " "), 300)
        return self._error(f"raised {what}")

    def _error(self, message: str) -> TagifaiError:
        return TagifaiError(f"predictor {self.name}: {message}")


def predict_checked(
    predictor: Predictor | CheckedPredictor,
    texts: Sequence[str],
    *,
    name: str = "",
    timeout: float | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> Array:
    """Return a predictor's probabilities, float32 (n_texts, n_tags), checked.

    >>> class Constant:
    ...     tags = ("cv", "nlp")
    ...     def predict_proba(self, texts):
    ...         return [[0.25, 1.0]] * len(texts)
    >>> predict_checked(Constant(), ["a", "b"]).tolist()
    [[0.25, 1.0], [0.25, 1.0]]

    Raises
    ------
    PredictionCancelled
        ``cancelled`` returned true.
    TagifaiError
        As `CheckedPredictor.predict_proba` does.
    """
    if not isinstance(predictor, CheckedPredictor):
        predictor = CheckedPredictor(predictor, name, timeout=timeout)
    return predictor.predict_proba(texts, progress, cancelled)


def _clean(texts: Sequence[str]) -> list[str]:
    """Return texts that can be encoded: half of a pair of surrogates cannot."""
    return [str(text).encode("utf-8", "replace").decode() for text in texts]


def _number(predictor: object, name: str, default: float) -> float:
    """Return an attribute of a predictor that is a number above zero, or the default."""
    found = getattr(predictor, name, default)
    fine = isinstance(found, int | float) and not isinstance(found, bool) and found > 0
    return min(float(found), _MOST) if fine else default


def check_tags(tags: object, where: str) -> tuple[str, ...]:
    """Check the names of a predictor's columns.

    >>> check_tags(["cv", "nlp"], "predictor x")
    ('cv', 'nlp')

    Raises
    ------
    TagifaiError
        Not a sequence of names, none, too many, an empty one or one twice.
    """
    if isinstance(tags, str | bytes) or not hasattr(tags, "__iter__"):
        raise TagifaiError(f"{where}: tags must be a list of names, got {shorten(repr(tags))}")
    names = tuple(tags)
    if not 0 < len(names) <= MAX_TAGS:
        raise TagifaiError(
            f"{where}: {counted(len(names), 'tag')}; between 1 and {MAX_TAGS:,} are needed"
        )
    seen = set()
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise TagifaiError(
                f"{where}: a tag is a name that is not empty, got {shorten(repr(name))}"
            )
        if name in seen:
            raise TagifaiError(f"{where}: tag {shorten(name)!r} comes twice")
        seen.add(name)
    return tuple(str(name) for name in names)


def batches(texts: Sequence[str], size: int) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of batches of at most `size` texts and `MAX_CHARACTERS` characters.

    >>> list(batches(["a"] * 5, 2))
    [(0, 2), (2, 4), (4, 5)]
    """
    start, characters = 0, 0
    for i, text in enumerate(texts):
        full = i - start >= size or characters + len(text) > MAX_CHARACTERS
        if i > start and full:
            yield start, i
            start, characters = i, 0
        characters += len(text)
    if start < len(texts):
        yield start, len(texts)


def rows_sum_to_one(y_prob: Matrix) -> bool:
    """Check whether each row sums to 1: a softmax, where tags compete with each other.

    Decisions of 0 and 1 are no softmax, and a few rows say nothing.

    Parameters
    ----------
    y_prob : matrix (n_texts, n_tags)

    Examples
    --------
    >>> rows_sum_to_one(np.full((6, 4), 0.25)), rows_sum_to_one(np.full((6, 4), 0.3))
    (True, False)
    """
    num_rows, num_tags = y_prob.shape
    if num_rows < MIN_ROWS or num_tags < 2:
        return False
    if np.isin(pair_values(y_prob), (0.0, 1.0)).all():
        return False
    sums = y_prob.sum(axis=1, dtype=np.float64)
    return bool((np.abs(sums - 1.0) <= _SUM_TOLERANCE).mean() >= 0.99)


def softmax_warning(y_prob: Matrix) -> str:
    """Return a line on rows that sum to 1, "" where they do not."""
    if not rows_sum_to_one(y_prob):
        return ""
    return (
        "each text's probabilities sum to 1, as a softmax makes them: tags then take from each "
        "other. That is right where each text has exactly one tag; where texts have several, use "
        "a sigmoid for each tag"
    )
