"""Split projects into train, val and test, so that each tag is spread over all three."""

import numpy as np
from iterstrat.ml_stratifiers import MultilabelStratifiedKFold, MultilabelStratifiedShuffleSplit

from tagifai.errors import TagifaiError


def split_projects(y_true: np.ndarray, train_size: float, val_size: float, seed: int) -> np.ndarray:
    """Name the split of each project, (n,) of "train", "val" and "test".

    Iterative stratification (Sechidis et al. 2011) on `y_true` of shape (n, n_tags), 0/1;
    what train and val leave is test. The same seed gives the same split.

    Raises:
        TagifaiError: too few projects for three parts.
    """
    n = len(y_true)
    if n < 10:
        raise TagifaiError(f"{n} projects are too few to split; at least 10 are needed")
    y_true = stratifiable(y_true)
    split = np.full(n, "train", dtype="U5")
    rest = np.arange(n)
    for name, size in (("test", 1 - train_size - val_size), ("val", val_size)):
        share = size * n / len(rest)
        if round(share * len(rest)) < 1:
            continue
        shuffle = MultilabelStratifiedShuffleSplit(1, test_size=share, random_state=seed)
        kept, taken = next(shuffle.split(np.zeros(len(rest)), y_true[rest]))
        split[rest[taken]] = name
        rest = rest[kept]
    return split


def stratify_folds(y_true: np.ndarray, folds: int, seed: int) -> list[np.ndarray]:
    """Part the rows of `y_true`, (n, n_tags), into folds that each tag is spread over."""
    parts = MultilabelStratifiedKFold(folds, shuffle=True, random_state=seed)
    return [held_out for _, held_out in parts.split(np.zeros(len(y_true)), stratifiable(y_true))]


def stratifiable(y_true: np.ndarray) -> np.ndarray:
    """Give a single tag its opposite as a second column: the library needs two.

    >>> stratifiable(np.array([[1], [0]])).tolist()
    [[1, 0], [0, 1]]
    """
    return np.hstack([y_true, 1 - y_true]) if y_true.shape[1] == 1 else y_true
