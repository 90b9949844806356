"""Which tags each project carries, as numbers in two arrays instead of tuples of names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tagifai.arrays import Array, Integers


@dataclass(frozen=True, eq=False)
class CarriedTags:
    """The tags of a sequence of projects, in compressed rows.

    Attributes
    ----------
    names : tuple of str
        Every tag that a project carries, and others perhaps.
    starts : array of shape (n_projects + 1,)
        Where each project's tags begin in `codes`.
    codes : array of shape (n_labels,)
        Positions in `names`, each once a project, in the order of the project.

    Examples
    --------
    >>> carried = CarriedTags.from_rows([("b", "a"), ("b",)])
    >>> carried.counts, carried.rows_of("b").tolist(), carried.numbers.tolist()
    ({'b': 2, 'a': 1}, [0, 1], [2, 1])
    """

    names: tuple[str, ...]
    starts: Integers
    codes: Array

    @classmethod
    def from_rows(cls, rows: Iterable[Sequence[str]]) -> "CarriedTags":
        """Number the names of each row."""
        place: dict[str, int] = {}
        codes: list[int] = []
        starts = [0]
        for names in rows:
            for name in names:
                codes.append(place.setdefault(name, len(place)))
            starts.append(len(codes))
        return cls(tuple(place), np.array(starts, np.int64), np.array(codes, np.int32))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def of_row(self, row: int) -> tuple[str, ...]:
        """Return the tags of one project."""
        codes = self.codes[self.starts[row] : self.starts[row + 1]]
        return tuple(self.names[code] for code in codes.tolist())

    @property
    def numbers(self) -> Integers:
        """The number of tags of each project, (n_projects,)."""
        return np.diff(self.starts)

    @cached_property
    def counts(self) -> dict[str, int]:
        """The projects of each tag, the most common first, ties in alphabetical order."""
        counts = np.bincount(self.codes, minlength=len(self.names)).tolist()
        found = ((name, count) for name, count in zip(self.names, counts, strict=True) if count)
        return dict(sorted(found, key=lambda item: (-item[1], item[0])))

    @cached_property
    def place(self) -> dict[str, int]:
        """The position of each tag in `names`."""
        return {name: code for code, name in enumerate(self.names)}

    def rows_of(self, tag: str) -> Array:
        """Return the projects that carry a tag, rising."""
        code = self.place.get(tag, -1)
        return self._by_tag[1][slice(*self._by_tag[0][code : code + 2])] if code >= 0 else _NONE

    @cached_property
    def _by_tag(self) -> tuple[Integers, Array]:
        """Where each tag's projects begin, and the projects, tag by tag."""
        rows = np.repeat(np.arange(len(self), dtype=np.int32), self.numbers)
        order = np.argsort(self.codes, kind="stable")
        counts = np.bincount(self.codes, minlength=len(self.names))
        return np.concatenate([[0], np.cumsum(counts)]), rows[order]

    def take(self, rows: Integers) -> "CarriedTags":
        """Return the tags of some projects, in the order of `rows`."""
        lengths = self.numbers[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        within = np.arange(starts[-1]) - np.repeat(starts[:-1], lengths)
        return CarriedTags(
            self.names, starts, self.codes[np.repeat(self.starts[:-1][rows], lengths) + within]
        )


_NONE = np.zeros(0, np.int32)
