"""Matrices of projects × tags, dense or CSR: what both kinds need, written once.

A CSR matrix leaves out pairs that are 0: neither true nor of any probability. Functions that go
through the pairs of a tag take those that are stored, and how many pairs are left out
(`TagPairs`), so that one definition of a figure holds for both.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeGuard, Union

import numpy as np
import numpy.typing as npt

from tagifai.arrays import Array, Booleans, Floats, Integers

# Imported in functions: small data are dense, and need not wait for scipy.
if TYPE_CHECKING:
    from scipy.sparse import csr_array

Matrix: TypeAlias = Union[Array, "csr_array"]
"""Dense, or scipy.sparse.csr_array: (n_projects, n_tags)."""
Stored: TypeAlias = "csr_array"
"""A matrix that is surely CSR."""
DENSE_PAIRS = 20_000_000
"""Of more pairs than these, a matrix is CSR where that takes less memory."""
_BYTES_DENSE, _BYTES_STORED, _BYTES_TRUE, _BYTES_ROW = 5, 8, 5, 16
_BLOCK_CELLS = 4_000_000


def is_sparse(matrix: object) -> "TypeGuard[csr_array]":
    """Check whether a matrix is one of scipy's sparse ones.

    >>> is_sparse(np.zeros((1, 2)))
    False
    """
    return hasattr(matrix, "tocsr")


def fits_dense(num_rows: int, num_tags: int, num_stored: int, num_true: int) -> bool:
    """Check whether predictions of this size are kept dense: small ones, and those without gaps.

    >>> fits_dense(2_000, 60, 120_000, 8_000), fits_dense(1_000_000, 5_000, 50_000_000, 4_000_000)
    (True, False)
    """
    pairs = num_rows * num_tags
    return pairs <= DENSE_PAIRS or _BYTES_DENSE * pairs <= sparse_bytes(num_stored, num_true)


def sparse_bytes(num_stored: int, num_true: int) -> int:
    """Return what probabilities and labels take in memory where they are CSR."""
    return _BYTES_STORED * num_stored + _BYTES_TRUE * num_true


def memory_bytes(num_rows: int, num_tags: int, num_stored: int, num_true: int) -> int:
    """Return what predictions of this size take in memory, dense or CSR as `fits_dense` says."""
    if fits_dense(num_rows, num_tags, num_stored, num_true):
        return _BYTES_DENSE * num_rows * num_tags
    return sparse_bytes(num_stored, num_true) + _BYTES_ROW * num_rows


def as_matrix(values: object) -> Matrix:
    """Return an array as it is, and any of scipy's sparse matrices as a canonical CSR array.

    Raises
    ------
    ValueError
        It has another number of dimensions than two.
    """
    if not is_sparse(values):
        return np.asarray(values)
    from scipy import sparse

    found = sparse.csr_array(values)
    if found.ndim != 2:
        raise ValueError(f"a matrix (n_projects, n_tags) is needed, got {found.shape}")
    if not found.has_canonical_format:
        found = found.copy()
        found.sum_duplicates()
    return found


def as_dense(matrix: Matrix) -> Array:
    """Return a matrix as an array; a CSR one takes its whole size."""
    return np.asarray(matrix.toarray() if is_sparse(matrix) else matrix)


def columns_of(matrix: Matrix, columns: npt.ArrayLike) -> Array:
    """Return some columns as an array, (n, n_columns)."""
    chosen = np.asarray(columns, np.intp)
    return as_dense(matrix[:, chosen])


def as_csr(matrix: Matrix) -> Stored:
    """Return a matrix as CSR, without the zeros of a dense one."""
    from scipy import sparse

    found = as_matrix(matrix)
    return found if is_sparse(found) else sparse.csr_array(found)


def column_of(matrix: Matrix, column: int, rows: Integers | None = None) -> Array:
    """Return one column of a dense, CSR or CSC matrix, in these rows or in all, (n,)."""
    if not is_sparse(matrix):
        return np.asarray(matrix[:, column] if rows is None else matrix[rows, column])
    found = np.zeros(matrix.shape[0], matrix.dtype)
    if matrix.format == "csc":
        own = slice(matrix.indptr[column], matrix.indptr[column + 1])
        found[matrix.indices[own]] = matrix.data[own]
    else:
        places = np.flatnonzero(matrix.indices == column)
        found[np.searchsorted(matrix.indptr, places, side="right") - 1] = matrix.data[places]
    return found if rows is None else found[rows]


def row_of(matrix: Matrix, row: int) -> Array:
    """Return one row, (n_tags,)."""
    return as_dense(matrix[[row]]).ravel()


def values_at(matrix: Matrix, rows: npt.ArrayLike, columns: npt.ArrayLike) -> Array:
    """Return the values of pairs of rows and columns, (n_pairs,)."""
    rows, columns = np.asarray(rows, np.intp), np.asarray(columns, np.intp)
    if not is_sparse(matrix):
        return np.asarray(matrix[rows, columns])
    num_tags = matrix.shape[1]
    keys = stored_keys(matrix)
    wanted = rows * num_tags + columns
    place = np.searchsorted(keys, wanted)
    place[place == len(keys)] = 0
    if not len(keys):
        return np.zeros(wanted.shape, matrix.dtype)
    return np.where(keys[place] == wanted, matrix.data[place], matrix.dtype.type(0))


def stored_keys(matrix: Stored) -> Integers:
    """Return row · n_tags + column of each stored pair, ascending."""
    lengths = np.diff(matrix.indptr)
    keys = np.repeat(np.arange(matrix.shape[0], dtype=np.intp) * matrix.shape[1], lengths)
    keys += matrix.indices
    return keys


def with_values(matrix: Matrix, cells: Mapping[tuple[int, int], int]) -> Matrix:
    """Return a copy in which some pairs, by row and column, have other values.

    >>> with_values(np.array([[1, 0]]), {(0, 1): 1}).tolist()
    [[1, 1]]
    """
    changed = matrix.tolil(copy=True) if is_sparse(matrix) else np.array(matrix)
    for cell, value in cells.items():
        changed[cell] = value
    return as_matrix(changed)


def column_sums(matrix: Matrix) -> Floats:
    """Sum each column, in 64 bits, (n_tags,)."""
    return np.asarray(matrix.sum(axis=0, dtype=np.float64)).ravel()


def where_stored(matrix: Stored, chosen: Booleans) -> Stored:
    """Return CSR of True at those of the stored pairs that are chosen, (n_stored,)."""
    from scipy import sparse

    ends = np.concatenate([[0], np.cumsum(chosen)])[matrix.indptr]
    return sparse.csr_array(
        (np.ones(int(ends[-1]), bool), matrix.indices[chosen], ends), shape=matrix.shape
    )


def row_blocks(num_rows: int, num_tags: int, cells: int = _BLOCK_CELLS) -> Iterator[slice]:
    """Yield blocks of rows that hold so many cells."""
    height = max(1, cells // max(num_tags, 1))
    for start in range(0, num_rows, height):
        yield slice(start, min(start + height, num_rows))


@dataclass(frozen=True, slots=True, eq=False)
class TagPairs:
    """Pairs of project and tag: truth and probability of each, and how many more are all 0.

    Attributes
    ----------
    true : array of shape (n_pairs,)
        Labels, 0 or 1, or shares of them.
    prob : array of shape (n_pairs,)
        Probabilities.
    rest : int
        The number of other pairs, which are not true and have the probability 0.
    rows : int array of shape (n_pairs,), optional
        The project of each pair, where it is known.
    """

    true: Array
    prob: Array
    rest: int = 0
    rows: Integers | None = None

    @property
    def size(self) -> int:
        """Return the number of all pairs."""
        return len(self.prob) + self.rest


@dataclass(frozen=True, slots=True, eq=False)
class DensePairs:
    """Truth and probabilities of all pairs, (n_projects, n_tags) each."""

    true: Array
    prob: Array

    @property
    def pooled(self) -> TagPairs:
        """Return the pairs of all tags together."""
        n, t = self.prob.shape
        return TagPairs(np.ravel(self.true), np.ravel(self.prob), 0, np.repeat(np.arange(n), t))

    def __iter__(self) -> Iterator[TagPairs]:
        rows = np.arange(len(self.prob))
        for column in range(self.prob.shape[1]):
            yield TagPairs(self.true[:, column], self.prob[:, column], 0, rows)


@dataclass(frozen=True, slots=True, eq=False)
class StoredPairs:
    """Truth and probabilities of the pairs that are stored, tag by tag.

    Attributes
    ----------
    num_rows : int
        The number of projects.
    ends : int array of shape (n_tags + 1,)
        Where the pairs of each tag begin and end.
    true, prob : arrays of shape (n_pairs,)
        The label and the probability of each pair.
    rows : int array of shape (n_pairs,)
        The project of each pair.
    """

    num_rows: int
    ends: Integers
    true: Array
    prob: Array
    rows: Integers

    @property
    def rest(self) -> Integers:
        """Return how many pairs of each tag are left out, (n_tags,)."""
        return np.asarray(self.num_rows - np.diff(self.ends))

    @property
    def pooled(self) -> TagPairs:
        """Return the pairs of all tags together."""
        return TagPairs(self.true, self.prob, int(self.rest.sum()), self.rows)

    def __iter__(self) -> Iterator[TagPairs]:
        for start, end in zip(self.ends[:-1].tolist(), self.ends[1:].tolist(), strict=True):
            own = slice(start, end)
            rest = self.num_rows - (end - start)
            yield TagPairs(self.true[own], self.prob[own], rest, self.rows[own])


JoinedPairs: TypeAlias = "DensePairs | StoredPairs"


def join_pairs(y_true: Matrix, y_prob: Matrix) -> JoinedPairs:
    """Bring truth and probabilities together, tag by tag: all pairs, or those that are stored.

    Raises
    ------
    ValueError
        They are not two matrices of one shape.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> found = join_pairs(csr_array([[0, 1], [0, 0]]), csr_array([[0.5, 0], [0, 0]]))
    >>> [(one.true.tolist(), one.prob.tolist(), one.rest) for one in found]
    [([0], [0.5], 1), ([1], [0.0], 1)]
    """
    true, prob = as_matrix(y_true), as_matrix(y_prob)
    if true.shape != prob.shape or true.ndim != 2:
        raise ValueError(
            f"two matrices (n_projects, n_tags) needed, got {true.shape}, {prob.shape}"
        )
    if not (is_sparse(true) or is_sparse(prob)):
        return DensePairs(true, prob)
    return _join_stored(as_csr(true), as_csr(prob))


def _join_stored(true: Stored, prob: Stored) -> StoredPairs:
    from scipy import sparse

    keys, carried = stored_keys(prob), stored_keys(true)
    place = np.searchsorted(keys, carried)
    found = np.zeros(len(carried), bool)
    inside = place < len(keys)
    found[inside] = keys[place[inside]] == carried[inside]
    labels = np.zeros(len(keys), true.dtype)
    labels[place[found]] = true.data[found]
    values = prob.data
    if not found.all():
        new = ~found
        keys = np.insert(keys, place[new], carried[new])
        labels = np.insert(labels, place[new], true.data[new])
        values = np.insert(values, place[new], 0)
    n, t = prob.shape
    ends = np.searchsorted(keys, np.arange(n + 1) * t)
    columns = (keys % t).astype(np.int32)
    del keys, place, found
    kind = np.int32 if len(columns) < 2**31 else np.int64
    order = sparse.csr_array((np.arange(len(columns), dtype=kind), columns, ends), shape=(n, t))
    order = order.tocsc()
    places = order.data
    return StoredPairs(
        n, np.asarray(order.indptr), labels[places], values[places], np.asarray(order.indices)
    )


def parts_of(matrix: Matrix) -> tuple[Array, ...]:
    """Return the arrays that a matrix is made of."""
    if is_sparse(matrix):
        return matrix.data, matrix.indices, matrix.indptr
    return (np.asarray(matrix),)


def pair_values(matrix: Matrix) -> Array:
    """Return what a matrix stores: every value of a dense one, (n_stored,)."""
    return np.asarray(parts_of(matrix)[0]).ravel()
