"""What is stored of many probabilities: which are left out, and how exactly the others are kept.

Small data are stored to the last bit. Of large data nearly all probabilities are near 0 and tell
nothing: kept are those of true labels, those from a floor on, the most probable ones of each
project, and whatever is predicted, in half precision. No decision changes by it: what reaches its
threshold still does, and what does not still doesn't.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np

from tagifai.arrays import Array, Booleans
from tagifai.errors import TagifaiError
from tagifai.matrices import (
    DENSE_PAIRS,
    Stored,
    as_csr,
    as_dense,
    fits_dense,
    is_sparse,
    row_blocks,
    stored_keys,
)
from tagifai.metrics.calibration import pad_rows, select_top_k
from tagifai.predictions import DEFAULT_THRESHOLD, Predictions, decide, threshold_array

FLOOR, TOP_K = 0.01, 50
"""What large data are cut at, unless something else is asked for."""
HALF, SINGLE = 16, 32
PRECISIONS = (HALF, SINGLE)


@dataclass(frozen=True, slots=True)
class Storage:
    """What is asked for; None leaves it to the size of the data.

    Attributes
    ----------
    floor : float or None
        Probabilities from here on are kept, in [0, 1]; 0 keeps all.
    top_k : int or None
        So many of the most probable tags of each project are kept.
    precision : int or None
        Bits of a probability, 16 or 32.

    Raises
    ------
    TagifaiError
        A value outside its range.
    """

    floor: float | None = None
    top_k: int | None = None
    precision: int | None = None

    def __post_init__(self) -> None:
        floor, top_k = self.floor, self.top_k
        if floor is not None and not 0 <= floor <= 1:
            raise TagifaiError(f"floor: a number from 0 to 1 is needed, got {floor:g}")
        if top_k is not None and top_k < 1:
            raise TagifaiError(f"top-k: a whole number of 1 or more is needed, got {top_k}")
        if self.precision is not None and self.precision not in PRECISIONS:
            raise TagifaiError(f"precision: 16 or 32 (bits) is needed, got {self.precision}")

    def decide(self, num_given: int) -> "Storage":
        """Fill in what was not asked for: nothing is cut of up to 20 million probabilities.

        >>> Storage().decide(120_000)
        Storage(floor=0.0, top_k=None, precision=32)
        >>> Storage().decide(50_000_000)
        Storage(floor=0.01, top_k=50, precision=16)
        >>> Storage(top_k=5).decide(120_000)
        Storage(floor=None, top_k=5, precision=32)
        """
        many = num_given > DENSE_PAIRS
        found = self
        if self.floor is None and self.top_k is None:
            found = replace(self, floor=FLOOR, top_k=TOP_K) if many else replace(self, floor=0.0)
        if found.precision is None:
            found = replace(found, precision=HALF if many else SINGLE)
        return found


@dataclass(frozen=True, slots=True)
class Kept:
    """How a version's probabilities were stored.

    Attributes
    ----------
    floor, top_k, precision
        As in `Storage`; floor and top_k are None where they played no part.
    num_kept, num_cut : int
        How many probabilities above 0 are stored, and how many were left out.
    largest_cut : float
        The largest of those that were left out; 0 where none was.
    """

    floor: float | None
    top_k: int | None
    precision: int
    num_kept: int
    num_cut: int
    largest_cut: float

    @property
    def is_exact(self) -> bool:
        """Whether every probability is stored to the last bit."""
        return not self.num_cut and self.precision == SINGLE

    def to_json(self) -> dict[str, object]:
        """Return it as `version.json` holds it."""
        return asdict(self)

    def describe(self) -> str:
        """Describe what was cut; "" where nothing was.

        >>> Kept(0.01, 50, 16, 120, 80, 0.0078125).describe().partition("; ")[2]
        'the others, 80 of 200, are all under 0.0079 and count as 0'
        """
        if self.is_exact:
            return ""
        rounded = ", in half precision" if self.precision == HALF else ""
        if not self.num_cut:
            return f"predictions are stored{rounded.replace(',', '')}; no decision changed"
        parts = ["of true labels"]
        if self.floor is not None:
            parts.append(f"from {self.floor:g} on")
        if self.top_k is not None:
            parts.append(f"among the {self.top_k} most probable of a project")
        rule = f"{', '.join(parts)} or reaching their threshold"
        total = self.num_kept + self.num_cut
        return (
            f"predictions are stored cut: probabilities {rule}{rounded}; "
            f"the others, {self.num_cut:,} of {total:,}, are all under "
            f"{np.ceil(self.largest_cut * 10_000 + 1e-9) / 10_000:g} and count as 0"
        )


def cut_predictions(
    predictions: Predictions, thresholds: Mapping[str, float], storage: Storage
) -> tuple[Predictions, Kept]:
    """Leave out and round probabilities as asked; no decision at the thresholds changes.

    Parameters
    ----------
    predictions : Predictions
        Dense or CSR.
    thresholds : mapping
        By tag, the probability from which it is predicted; 0.5 where there is none.
    storage : Storage
        What is asked for.

    Returns
    -------
    predictions, kept
        What is to be stored, and how. They are dense or CSR, whichever takes less memory.
    """
    given = {tag: thresholds.get(tag, DEFAULT_THRESHOLD) for tag in predictions.tags}
    cuts = threshold_array(predictions.tags, given)
    before = predictions.y_prob
    num_given = int(np.count_nonzero(before.data if is_sparse(before) else before))
    storage = storage.decide(num_given)
    exact = not storage.floor and storage.floor is not None
    precision = storage.precision or SINGLE
    if exact and precision == SINGLE:
        return predictions, Kept(storage.floor, None, precision, num_given, 0, 0.0)
    true, prob = as_csr(predictions.y_true), as_csr(before)
    keep = prob.data > 0
    if not exact:
        keep &= _wanted(true, prob, cuts, storage)
    left_out = prob.data[~keep]
    num_cut = int(np.count_nonzero(left_out))
    values, columns = prob.data[keep], prob.indices[keep]
    ends = np.concatenate([[0], np.cumsum(keep)])[prob.indptr]
    if precision == HALF:
        values = round_to_half(values, cuts[columns])
    found = _matrix(values, columns, ends, predictions)
    kept = Kept(
        None if exact else storage.floor,
        None if exact else storage.top_k,
        precision,
        len(values),
        num_cut,
        float(left_out.max(initial=0)),
    )
    return found, kept


def round_to_half(prob: Array, cuts: Array) -> Array:
    """Round probabilities to half precision, each on its own side of its threshold.

    >>> cut = np.float32(0.30005)
    >>> found = round_to_half(np.array([0.30004, 0.30005], np.float32), np.array([cut, cut]))
    >>> (found >= cut).tolist(), found.dtype.name
    ([False, True], 'float32')
    """
    prob, cuts = np.asarray(prob, np.float32), np.asarray(cuts, np.float32)
    half = prob.astype(np.float16)
    # What has a probability keeps one.
    half = np.where((half == 0) & (prob > 0), np.nextafter(np.float16(0), np.float16(1)), half)
    reached, now = decide(prob, cuts), decide(half, cuts)
    half = np.where(reached & ~now, np.nextafter(half, np.float16(1)), half)
    half = np.where(~reached & now, np.nextafter(half, np.float16(0)), half)
    return half.astype(np.float32)


def _wanted(true: Stored, prob: Stored, cuts: Array, storage: Storage) -> Booleans:
    """Return which stored probabilities are kept, (n_stored,)."""
    wanted = np.asarray(decide(prob.data, cuts[prob.indices]))
    if storage.floor is not None:
        wanted |= decide(prob.data, storage.floor)
    if len(prob.data):
        keys, carried = stored_keys(prob), stored_keys(true)
        place = np.minimum(np.searchsorted(keys, carried), len(keys) - 1)
        wanted[place[keys[place] == carried]] = True
    if storage.top_k is not None:
        wanted |= _in_top(prob, storage.top_k)
    return wanted


def _in_top(prob: Stored, k: int) -> Booleans:
    """Return which stored probabilities are among the k highest of their row, (n_stored,)."""
    found = np.zeros(len(prob.data), bool)
    lengths = np.diff(prob.indptr)
    for rows in row_blocks(prob.shape[0], int(lengths.max(initial=1))):
        part = prob[rows]
        _, values = pad_rows(part, k)
        top = select_top_k(values, k)
        chosen = np.zeros(values.shape, bool)
        np.put_along_axis(chosen, top, True, axis=1)
        filled = np.arange(values.shape[1]) < np.diff(part.indptr)[:, None]
        found[prob.indptr[rows.start] : prob.indptr[rows.stop]] = chosen[filled]
    return found


def _matrix(values: Array, columns: Array, ends: Array, predictions: Predictions) -> Predictions:
    from scipy import sparse

    n, t = predictions.y_prob.shape
    prob = sparse.csr_array((values, columns, ends), shape=(n, t))
    prob.eliminate_zeros()
    true = as_csr(predictions.y_true)
    if fits_dense(n, t, prob.nnz, true.nnz):
        return replace(predictions, y_true=as_dense(true), y_prob=as_dense(prob))
    return replace(predictions, y_true=true, y_prob=prob)


def describe_cut(found: object) -> str:
    """Describe what `version.json` says of a cut, whoever wrote it; "" for none or nonsense."""
    if not isinstance(found, Mapping):
        return ""
    try:
        kept = Kept(**{str(name): value for name, value in found.items()})
        return kept.describe()
    except (TypeError, ValueError):
        return ""
