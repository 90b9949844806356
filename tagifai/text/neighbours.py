"""Find each row's most similar earlier rows, exactly, without comparing every pair."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from scipy import sparse

BLOCK = 256
CHECKED_AT_ONCE = 200_000
PRODUCTS_AT_ONCE = 5_000_000
# So many candidates a row are quicker multiplied as one block than picked pair by pair.
MANY = 1_000


class Neighbour(NamedTuple):
    """A row, an earlier row, and the cosine between them."""

    row: int
    earlier: int
    cosine: float


def nearest_earlier(
    rows: sparse.csr_matrix,
    at_least: float,
    *,
    keep: int = 1,
    advance: Callable[[float], None] | None = None,
) -> list[Neighbour]:
    """List, row by row, up to `keep` earlier rows of cosine `at_least` or more, nearest first.

    `rows` (n, n_features) is not negative, each row of length 1 or empty; `at_least` lies
    above 0, up to 1. `advance` receives the share done. Pairs whose rarest features differ
    cannot be that similar and are never multiplied (prefix filtering; Bayardo, Ma and
    Srikant 2007, "Scaling up all pairs similarity search").

    >>> two = sparse.csr_matrix([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    >>> nearest_earlier(two, 0.7)
    [Neighbour(row=2, earlier=1, cosine=0.8)]
    """
    rows = _rarest_first(sparse.csr_matrix(rows, dtype=np.float64))
    heads = _heads(rows, at_least)
    by_feature, all_by_feature = heads.T.tocsr(), rows.T.tocsr()
    found: list[Neighbour] = []
    for start, stop in _blocks(heads, by_feature, 0):
        shared = (heads[start:stop] @ by_feature).tocoo()
        row, earlier = shared.row + start, shared.col
        before = earlier < row
        row, earlier = row[before], earlier[before]
        if len(row) > MANY * (stop - start):
            block = (rows[start:stop] @ all_by_feature).toarray()
            cosine = block[row - start, earlier]
        else:
            cosine = _cosines(rows, row, earlier)
        found.extend(_nearest(row, earlier, cosine, at_least, keep))
        if advance is not None:
            advance(stop / rows.shape[0])
    return found


def similar_among(
    rows: sparse.csr_matrix, others: sparse.csr_matrix, at_least: float
) -> np.ndarray:
    """Check whether each row has one among `others` of cosine `at_least` or more.

    Parameters
    ----------
    rows, others : csr_matrix of shape (n, n_features), (m, n_features)
        Not negative, each row of length 1 or empty.
    at_least : float
        Above 0, up to 1.

    Returns
    -------
    array of bool, shape (n,)

    Examples
    --------
    >>> others = sparse.csr_matrix([[1.0, 0.0], [0.0, 1.0]])
    >>> similar_among(sparse.csr_matrix([[0.6, 0.8], [0.5, 0.5]]), others, 0.7).tolist()
    [True, False]
    """
    both = _rarest_first(sparse.csr_matrix(sparse.vstack([others, rows]), dtype=np.float64))
    heads = _heads(both, at_least)
    num_others = others.shape[0]
    by_feature = sparse.csr_matrix(heads[:num_others].T)
    found = np.zeros(rows.shape[0], bool)
    for start, stop in _blocks(heads, by_feature, num_others):
        shared = (heads[start:stop] @ by_feature).tocoo()
        row, other = shared.row + start, shared.col
        near = _cosines(both, row, other) >= at_least - 1e-9
        found[row[near] - num_others] = True
    return found


def _blocks(
    heads: sparse.csr_matrix, by_feature: sparse.csr_matrix, start: int
) -> Iterator[tuple[int, int]]:
    """Yield blocks of rows from `start` on whose products with all others are not too many.

    Rows of common features alone have thousands each: of those, fewer are taken at once.
    """
    shared = heads.astype(bool).astype(np.int64) @ np.diff(by_feature.indptr)
    total = np.cumsum(shared)
    num_rows = heads.shape[0]
    while start < num_rows:
        before = total[start - 1] if start else 0
        stop = int(np.searchsorted(total, before + PRODUCTS_AT_ONCE, side="right"))
        stop = min(max(stop, start + 1), start + BLOCK, num_rows)
        yield start, stop
        start = stop


def _rarest_first(rows: sparse.csr_matrix) -> sparse.csr_matrix:
    order = np.argsort(rows.getnnz(axis=0), kind="stable")
    ordered = sparse.csr_matrix(rows[:, order])
    ordered.sort_indices()
    return ordered


def _heads(rows: sparse.csr_matrix, at_least: float) -> sparse.csr_matrix:
    """Keep of each row its rarest features, up to where the rest is shorter than `at_least`.

    The rest alone cannot reach that cosine with any row, so a pair that does shares a
    feature of both heads: the rarest that they share.
    """
    squares = np.concatenate([[0.0], np.cumsum(rows.data**2)])
    ends = np.repeat(squares[rows.indptr[1:]], np.diff(rows.indptr))
    rest = ends - squares[:-1]
    heads = rows.copy()
    heads.data = np.where(rest >= at_least**2 - 1e-6, rows.data, 0.0)
    heads.eliminate_zeros()
    return heads


def _cosines(rows: sparse.csr_matrix, row: np.ndarray, earlier: np.ndarray) -> np.ndarray:
    cosine = np.empty(len(row))
    for start in range(0, len(row), CHECKED_AT_ONCE):
        part = slice(start, start + CHECKED_AT_ONCE)
        products = rows[row[part]].multiply(rows[earlier[part]])
        cosine[part] = np.asarray(products.sum(axis=1)).ravel()
    return cosine


def _nearest(
    row: np.ndarray, earlier: np.ndarray, cosine: np.ndarray, at_least: float, keep: int
) -> Iterator[Neighbour]:
    near = np.flatnonzero(cosine >= at_least - 1e-9)
    ranked = near[np.lexsort((earlier[near], -cosine[near], row[near]))]
    starts = np.searchsorted(row[ranked], row[ranked], side="left")
    for k in ranked[np.arange(len(ranked)) - starts < keep]:
        yield Neighbour(int(row[k]), int(earlier[k]), round(float(cosine[k]), 6))
