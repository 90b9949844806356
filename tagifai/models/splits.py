"""Split projects into train, val and test, or into folds, with each tag spread over all of them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from tagifai.arrays import Floats
from tagifai.errors import TagifaiError

FEWEST_PROJECTS = 10


def split_projects(
    y_true: npt.NDArray[np.generic],
    train_size: float,
    val_size: float,
    seed: int,
    groups: Sequence[str] | None = None,
) -> npt.NDArray[np.str_]:
    """Return the split of each project; the same seed gives the same split.

    Parameters
    ----------
    y_true : array of shape (n_projects, n_tags)
        1 where a project carries a tag, else 0.
    train_size, val_size : float
        Shares of the projects, 0 to 1; what they leave is test.
    seed : int
        Decides between equals.
    groups : sequence of n_projects str, optional
        Projects of one group go to the same split.

    Returns
    -------
    array of str, shape (n_projects,)
        "train", "val" or "test".

    Raises
    ------
    TagifaiError
        There are too few projects, or too few groups, for three parts.
    """
    n = len(y_true)
    if n < FEWEST_PROJECTS:
        raise TagifaiError(f"{n} projects are too few to split; at least 10 are needed")
    shares = {"train": train_size, "val": val_size, "test": 1 - train_size - val_size}
    # A part that would not get one project stays empty.
    shares = {name: share for name, share in shares.items() if round(share * n) >= 1}
    total = sum(shares.values())
    part = assign_groups(y_true, groups, [share / total for share in shares.values()], seed)
    split = np.array(list(shares), dtype="U5")[part]
    missing = set(shares) - set(split.tolist())
    if missing:
        raise TagifaiError(
            f"{len(set(groups or ()))} groups are too few to split: none is left for "
            f"{' and '.join(sorted(missing))}"
        )
    return split


def complete_split(
    y_true: npt.NDArray[np.generic],
    stated: Sequence[str | None],
    train_size: float,
    val_size: float,
    seed: int,
    groups: Sequence[str] | None = None,
) -> npt.NDArray[np.str_]:
    """Return the split of each project, as stated where test projects are stated.

    The projects without a stated split are then divided into train and val. Where no test
    project is stated, all projects are split.

    Parameters
    ----------
    y_true, train_size, val_size, seed, groups
        As for `split_projects`.
    stated : sequence of n_projects str or None
        "train", "val", "test", or None.
    """
    if "test" not in stated:
        return split_projects(y_true, train_size, val_size, seed, groups)
    split = np.array([name or "" for name in stated], dtype="U5")
    free = np.flatnonzero(split == "")
    if len(free):
        share = val_size / (train_size + val_size)
        chosen = None if groups is None else [groups[row] for row in free.tolist()]
        part = assign_groups(y_true[free], chosen, [1 - share, share], seed)
        split[free] = np.where(part == 0, "train", "val")
    return split


def stratify_folds(
    y_true: npt.NDArray[np.generic], folds: int, seed: int, groups: Sequence[str] | None = None
) -> list[npt.NDArray[np.int64]]:
    """Return the rows of each fold, each tag spread over all; a group stays in one fold.

    Raises
    ------
    TagifaiError
        There are fewer groups than folds.
    """
    part = assign_groups(y_true, groups, [1 / folds] * folds, seed)
    rows = [np.flatnonzero(part == fold) for fold in range(folds)]
    if not all(len(fold) for fold in rows):
        raise TagifaiError(f"too few projects or groups for {folds} folds: one of them is empty")
    return rows


def assign_groups(
    y_true: npt.NDArray[np.generic],
    groups: Sequence[str] | None,
    shares: Sequence[float],
    seed: int,
) -> npt.NDArray[np.int64]:
    """Assign each project to a part; projects of one group go to the same part.

    Iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011, "On the stratification of
    multi-label data") with groups in place of single examples: the rarest tag goes first, and of
    each tag its largest group, each to the part that lacks most of this tag. Groups without a tag
    fill up the parts.

    Parameters
    ----------
    y_true : array of shape (n_projects, n_tags)
        1 where a project carries a tag, else 0.
    groups : sequence of n_projects str, or None
        The group of each project; None: each is a group of its own.
    shares : sequence of float
        The share of the projects that each part should get; they sum to 1.
    seed : int
        Decides between equals.

    Returns
    -------
    array of int64, shape (n_projects,)
        The part of each project, from 0.

    Examples
    --------
    >>> y = np.array([[1], [1], [0], [0]])
    >>> part = assign_groups(y, ["a", "a", "b", "c"], [0.5, 0.5], seed=0)
    >>> bool(part[0] == part[1] and part[2] == part[3] != part[0])
    True
    """
    alone = np.arange(y_true.shape[0]) if groups is None else np.asarray(groups, dtype=np.str_)
    names, group_of = np.unique(alone, return_inverse=True)
    # Between equals, the first in a random order goes first.
    order = np.random.default_rng(seed).permutation(len(names))
    members = (np.ones(len(group_of)), (group_of, np.arange(len(group_of))))
    belongs = sparse.csr_matrix(members, shape=(len(names), len(group_of)))
    counts = sparse.csr_matrix(belongs @ sparse.csr_matrix(y_true, dtype=np.float64))[order]
    sizes = np.bincount(group_of, minlength=len(names))[order].astype(np.float64)
    part_of = np.empty(len(names), np.int64)
    part_of[order] = _Stratification(counts, sizes, shares).assign_all()
    return part_of[group_of]


class _Stratification:
    """Groups on their way to parts: how much of its size and of each tag a part still lacks.

    `counts` are the projects with each tag, (n_groups, n_tags); `sizes` all projects, (n_groups,).
    """

    def __init__(self, counts: sparse.csr_matrix, sizes: Floats, shares: Sequence[float]) -> None:
        wanted = np.asarray(shares, dtype=np.float64)
        self.counts = counts
        self.sizes = sizes
        # Plain lists: of one number at a time they are a dozen times faster than arrays.
        self.lacks_size = (wanted * sizes.sum()).tolist()
        self.lacks_tag = np.outer(np.asarray(counts.sum(axis=0)).ravel(), wanted).tolist()
        self.part = [-1] * len(sizes)
        self._starts = counts.indptr.tolist()
        self._tags, self._held = counts.indices.tolist(), counts.data.tolist()
        self._sizes = sizes.tolist()

    def assign_all(self) -> npt.NDArray[np.int64]:
        """Return the part of each group: first those with tags, the rarest tag first."""
        by_tag = self.counts.tocsc()
        for tag in np.argsort(by_tag.getnnz(axis=0), kind="stable").tolist():
            column = slice(by_tag.indptr[tag], by_tag.indptr[tag + 1])
            holders, held = by_tag.indices[column], by_tag.data[column]
            for group in holders[np.lexsort((-self.sizes[holders], -held))].tolist():
                self._assign(group, self.lacks_tag[tag])
        for group in np.argsort(-self.sizes, kind="stable").tolist():
            self._assign(group, self.lacks_size)
        return np.array(self.part, np.int64)

    def _assign(self, group: int, lacks: list[float]) -> None:
        """Assign a group that has no part yet to the one that lacks most, or else is smallest."""
        if self.part[group] >= 0:
            return
        # Of equals the first: `max` keeps it.
        chosen = max(range(len(lacks)), key=lambda part: (lacks[part], self.lacks_size[part]))
        self.part[group] = chosen
        for place in range(self._starts[group], self._starts[group + 1]):
            self.lacks_tag[self._tags[place]][chosen] -= self._held[place]
        self.lacks_size[chosen] -= self._sizes[group]
