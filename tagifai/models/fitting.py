"""Fit the linear models of folds, block by block of tags: tasks that any process can do.

A task is given a fold and the numbers of some tags. In one process the fold lies in memory; other
processes, on this machine or another, read it from the files of a folder. Each tag is fitted by
itself, so that blocks of any size give the same models to the last bit.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
from scipy import sparse
from sklearn import config_context
from sklearn.multiclass import OneVsRestClassifier
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from tagifai.arrays import Array, Floats
from tagifai.errors import TagifaiError
from tagifai.models.linear import fit_tag

TAGS_A_BLOCK = 16
# liblinear draws from one generator a process: two fits at once would take each other's numbers.
_ONE_FIT = threading.Lock()
_ARRAYS = ("data", "indices", "indptr")


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """What the models of a fold learn from, and what they score.

    Attributes
    ----------
    X : csr_matrix of shape (n_used, n_features)
        Features, float64.
    y_true : uint8 array of shape (n_used, n_tags)
        1 where a text has a tag, else 0.
    held_out : csr_matrix of shape (n_held_out, n_features) or None
        Features of the texts to score; None where the models themselves are wanted.
    """

    X: sparse.csr_matrix
    y_true: Array
    held_out: sparse.csr_matrix | None

    @property
    def num_tags(self) -> int:
        """The number of tags."""
        return int(self.y_true.shape[1])

    def save(self, folder: Path) -> "SavedFold":
        """Write the fold to a new folder.

        Raises
        ------
        TagifaiError
            It cannot be written.
        """
        try:
            folder.mkdir()
            np.save(folder / "y_true.npy", self.y_true)
            for name, matrix in (("X", self.X), ("held_out", self.held_out)):
                if matrix is not None:
                    np.save(folder / f"{name}-shape.npy", np.array(matrix.shape))
                    for array in _ARRAYS:
                        np.save(folder / f"{name}-{array}.npy", getattr(matrix, array))
        except OSError as error:
            raise TagifaiError(f"{folder}: cannot be written ({error.strerror or error})") from None
        return SavedFold(folder)


@dataclass(frozen=True, slots=True)
class SavedFold:
    """A fold in the files of a folder."""

    folder: Path

    def load(self) -> Fold:
        """Return the fold, opened once for all of its blocks that come to this process."""
        return _open(self)

    def open(self) -> Fold:
        """Open the files; what is not looked at is not read.

        Raises
        ------
        TagifaiError
            It cannot be read here.
        """
        try:
            y_true = np.load(self.folder / "y_true.npy", mmap_mode="r")
            X = self._matrix("X")
            assert X is not None
            return Fold(X, y_true, self._matrix("held_out"))
        except (OSError, ValueError) as error:
            raise TagifaiError(
                f"{self.folder}: cannot be read by a worker ({error}); all machines of a cluster "
                f"need one folder that they share: --cluster-folder"
            ) from None

    def _matrix(self, name: str) -> sparse.csr_matrix | None:
        if not (self.folder / f"{name}-shape.npy").is_file():
            return None
        shape = np.load(self.folder / f"{name}-shape.npy")
        parts = [np.load(self.folder / f"{name}-{array}.npy", mmap_mode="r") for array in _ARRAYS]
        return sparse.csr_matrix(tuple(parts), shape=tuple(shape), copy=False)


@dataclass(frozen=True, slots=True, eq=False)
class FoldInMemory:
    """A fold in this process."""

    load: Callable[[], Fold]


FoldSource: TypeAlias = FoldInMemory | SavedFold


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """What a task found out about some tags.

    Attributes
    ----------
    scores : float32 array of shape (n_members, n_held_out, n_tags), or None
        The scores of the texts held out.
    layers : list of (csc_matrix of shape (n_features, n_tags), array of shape (n_tags,))
        Each member's weights and intercepts, where no text is held out.
    """

    scores: Array | None
    layers: list[tuple[sparse.csc_matrix, Floats]]


def tag_blocks(num_tags: int) -> list[tuple[int, int]]:
    """Divide tags into blocks of nearly equal size: (first, one after the last) of each.

    >>> tag_blocks(20), tag_blocks(3)
    ([(0, 10), (10, 20)], [(0, 3)])
    """
    num_blocks = max(1, -(-num_tags // TAGS_A_BLOCK))
    edges = np.linspace(0, num_tags, num_blocks + 1).round().astype(int).tolist()
    return list(pairwise(edges))


def fit_block(
    source: FoldSource,
    members: Sequence[OneVsRestClassifier],
    start: int,
    stop: int,
    prune: float,
) -> Block:
    """Fit the models of the tags from `start` to `stop`, without the latter."""
    fold = source.load()
    num_rows = 0 if fold.held_out is None else fold.held_out.shape[0]
    scores = np.empty((len(members), num_rows, stop - start), np.float32)
    weights: list[list[sparse.csc_matrix]] = [[] for _ in members]
    intercepts = np.zeros((len(members), stop - start))
    # One thread a process: sums in another order would change the last bits. What scikit-learn
    # would check for each tag is known.
    with (
        _ONE_FIT,
        threadpool_limits(limits=1),
        config_context(assume_finite=True, skip_parameter_validation=True),
    ):
        for place, tag in enumerate(range(start, stop)):
            for number, member in enumerate(members):
                found, bias = fit_tag(member, fold.X, fold.y_true[:, tag], prune)
                if fold.held_out is None:
                    weights[number].append(sparse.csc_matrix(found[:, None]))
                    intercepts[number, place] = bias
                else:
                    scores[number, :, place] = fold.held_out @ found + bias
    if fold.held_out is not None:
        return Block(scores, [])
    layers = [
        (sparse.csc_matrix(sparse.hstack(columns, format="csc")), bias)
        for columns, bias in zip(weights, intercepts, strict=True)
    ]
    return Block(None, layers)


@lru_cache(maxsize=1)
def _open(source: SavedFold) -> Fold:
    return source.open()
