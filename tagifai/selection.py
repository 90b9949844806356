"""Select from predictions: the rows of a split, a tag's column, a page of a list."""

from collections.abc import Sequence
from typing import Generic, NamedTuple, Protocol, Self, TypeVar

import numpy as np

from tagifai import matrices
from tagifai.arrays import Array, Integers
from tagifai.errors import TagifaiError, one_of
from tagifai.predictions import SPLITS, Predictions

Rows = Integers

LEARNT = "train+val"
PARTS = (*SPLITS, LEARNT, "all")


class Sliceable(Protocol):
    """What pages are cut from: a list, a tuple, an array."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: slice, /) -> Self: ...


Item = TypeVar("Item")
Items = TypeVar("Items")
Others = TypeVar("Others")
Cut = TypeVar("Cut", bound=Sliceable)


class Paged(NamedTuple, Generic[Items]):
    """One page of a list: its items, its number from 1, the pages and the items in all."""

    items: Items
    number: int
    num_pages: int
    num_found: int

    def with_items(self, items: Others) -> "Paged[Others]":
        """Return the same page with its items described, or otherwise replaced."""
        return Paged(items, self.number, self.num_pages, self.num_found)


def spread(items: Sequence[Item], most: int) -> Sequence[Item]:
    """Return at most so many items, from the first to the last ones.

    >>> spread("abcdefg", 3), spread("ab", 3)
    (['a', 'd', 'g'], 'ab')
    """
    if len(items) <= most:
        return items
    step = -(-len(items) // most)
    return [items[place] for place in range(0, len(items), step)]


def require_predictions(predictions: Predictions | None, version: str) -> Predictions:
    """Return `predictions`.

    Raises
    ------
    TagifaiError
        There are none: the version was saved without them.
    """
    if predictions is None:
        raise TagifaiError(
            f"version {version!r} keeps no predictions, so its projects cannot be inspected; "
            f"train it again, or bring them with `python -m tagifai import-predictions`"
        )
    return predictions


def paged(items: Cut, number: int = 1, size: int = 20) -> Paged[Cut]:
    """Return page `number` (from 1) of a list; past the end, the last page.

    Raises
    ------
    TagifaiError
        `number` or `size` is not a whole number of 1 or more.

    Examples
    --------
    >>> paged("abcde", 2, size=2)
    Paged(items='cd', number=2, num_pages=3, num_found=5)
    """
    for what, value in (("page", number), ("page size", size)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise TagifaiError(f"a {what} is a whole number of 1 or more, got {value!r}")
    num_pages = max(1, -(-len(items) // size))
    number = min(number, num_pages)
    return Paged(items[(number - 1) * size : number * size], number, num_pages, len(items))


def rows_of(predictions: Predictions, split: str) -> Rows:
    """Return the rows of one of `PARTS`: a split, "train+val" (the learning data), or "all".

    Raises
    ------
    TagifaiError
        An unknown split.
    """
    if split not in PARTS:
        raise one_of("split", split, PARTS)
    if split == "all":
        return np.arange(len(predictions.ids))
    if split == LEARNT:
        return np.flatnonzero(predictions.split != "test")
    return predictions.rows_by_split[split]


def held_out_rows(predictions: Predictions, split: str) -> Rows:
    """Return the rows of one of `PARTS` that were predicted by a model that did not see them.

    Those of train are among them where they are known to be out of fold.

    Raises
    ------
    TagifaiError
        An unknown split, or one of which no row was held out.
    """
    rows = rows_of(predictions, split)
    found = rows[predictions.held_out[rows]]
    if len(rows) and not len(found):
        raise TagifaiError(f"split {split!r}: {describe_in_sample(predictions)}")
    return found


def chosen_by(predictions: Predictions) -> str:
    """Return the one of `PARTS` that thresholds are chosen on: not test, and held out."""
    return LEARNT if predictions.out_of_fold == "yes" else "val"


def describe_decisions(predictions: Predictions) -> str:
    """Explain what decisions without probabilities do not allow; "" where there are some.

    >>> p = Predictions.of(["7"], ["test"], ["cv"], [[1]], [[1]])
    >>> describe_decisions(p)
    ''
    """
    if not predictions.decisions_only:
        return ""
    return (
        "this version has decisions without probabilities: there is no threshold to move, nothing "
        "to calibrate, and no order by how sure it is"
    )


def describe_in_sample(predictions: Predictions) -> str:
    """Explain why probabilities of train projects are not used; "" where they are.

    >>> p = Predictions.of(["7"], ["train"], ["cv"], [[1]], [[0.9]])
    >>> describe_in_sample(p)
    ''
    """
    if predictions.out_of_fold == "yes" or not len(predictions.rows_by_split["train"]):
        return ""
    seen = "come" if predictions.out_of_fold == "no" else "may come"
    return (
        f"probabilities of train projects {seen} from a model that saw them "
        f"(out_of_fold: {predictions.out_of_fold}), so val and test alone are used"
    )


def column_of(predictions: Predictions, tag: str) -> int:
    """Return the number of a tag's column.

    Raises
    ------
    TagifaiError
        An unknown tag.
    """
    if tag not in predictions.tags:
        raise one_of("tag", tag, predictions.tags)
    return predictions.tags.index(tag)


def column_in(predictions: Predictions, tag: str, split: str) -> tuple[Array, Array]:
    """Return a tag's labels and probabilities, in the rows of one of `PARTS`.

    Raises
    ------
    TagifaiError
        An unknown tag or split.
    """
    column = column_of(predictions, tag)
    if split == "test":
        return predictions.test_column(column)
    rows = rows_of(predictions, split)
    return (
        matrices.column_of(predictions.y_true, column, rows),
        matrices.column_of(predictions.y_prob, column, rows),
    )
