"""Search, sort and page the projects; only one page ever leaves for the screen."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

import numpy as np

from tagifai.arrays import Integers
from tagifai.data import Project
from tagifai.data.names import fold_text
from tagifai.data.project_table import ProjectTable
from tagifai.data.word_index import WordIndex
from tagifai.errors import one_of
from tagifai.selection import paged

if TYPE_CHECKING:
    from pyarrow import ChunkedArray

PAGE_SIZE = 50
SORTS: dict[str, Callable[[Project], object]] = {
    "id": lambda project: (
        (0, int(project.id), "") if project.id.isdecimal() else (1, 0, project.id)
    ),
    "title": lambda project: fold_text(project.title),
    "description": lambda project: len(project.description),
    "tags": lambda project: len(project.tags),
}


@dataclass(frozen=True)
class Page:
    """One page of a selection of projects.

    Attributes
    ----------
    projects : tuple of Project
        The projects of the page.
    number, num_pages : int
        The page, from 1, and the pages in all.
    num_found, num_all : int
        Projects that match, and projects in all.
    """

    projects: tuple[Project, ...]
    number: int
    num_pages: int
    num_found: int
    num_all: int


class ProjectIndex:
    """The projects, with an index of their words and their orders, made when needed.

    Attributes
    ----------
    num_indexed : int
        How many projects' words are indexed so far.
    """

    def __init__(self, projects: Sequence[Project]) -> None:
        self.num_indexed = 0
        self._projects = projects
        self._words: WordIndex | None = None
        self._orders: dict[str, Integers] = {}
        self._indexing, self._sorting = threading.Lock(), threading.Lock()

    def page(
        self, query: str = "", sort: str = "", descending: bool = False, number: int = 1
    ) -> Page:
        """Return a page of what `find` finds; a number past the end means the last page.

        Raises
        ------
        TagifaiError
            The sort is unknown, or the number is not whole or below 1.
        """
        page = paged(self.find(query, sort, descending), number, PAGE_SIZE)
        projects = tuple(self._projects[row] for row in page.items)
        return Page(projects, page.number, page.num_pages, page.num_found, len(self._projects))

    def find(self, query: str = "", sort: str = "", descending: bool = False) -> Sequence[int]:
        """Return the rows of the projects that hold every word of a query, in order.

        Parameters
        ----------
        query : str
            Words to find in id, title, description and tags, whatever their case and Unicode form.
        sort : str
            One of `SORTS`, or "" for the order of the file. Descriptions and tags sort by length.
        descending : bool
            Whether the order is reversed.

        Raises
        ------
        TagifaiError
            The sort is unknown.
        """
        if sort and sort not in SORTS:
            raise one_of("column to sort by", sort, SORTS)
        words = fold_text(query).split()
        if not words and not sort:
            found: Sequence[int] = range(len(self._projects))
            return found[::-1] if descending else found
        rows = self._order(sort) if sort else np.arange(len(self._projects))
        if words:
            index = self.words
            held = np.logical_and.reduce([index.holding(word) for word in words])
            rows = rows[held[rows]] if sort else np.flatnonzero(held)
        return _Rows(rows[::-1] if descending else rows)

    @property
    def words(self) -> WordIndex:
        """The index of words, made at the first search."""
        with self._indexing:
            if self._words is None:
                self._words = WordIndex(self._projects, self._advance)
            return self._words

    def prepare(self) -> None:
        """Make the index of words, and the orders that take long."""
        _ = self.words
        for sort in SORTS:
            self._order(sort)

    def _advance(self, num_indexed: int) -> None:
        self.num_indexed = num_indexed

    def _order(self, sort: str) -> Integers:
        with self._sorting:
            if sort not in self._orders:
                self._orders[sort] = _sorted(self._projects, sort)
            return self._orders[sort]


class _Rows(Sequence[int]):
    """Rows of an array, as a sequence of Python's integers."""

    def __init__(self, rows: Integers) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, at: int) -> int: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[int]: ...

    def __getitem__(self, at: int | slice) -> int | Sequence[int]:
        return self._rows[at].tolist()


def _sorted(projects: Sequence[Project], sort: str) -> Integers:
    """Return the rows in an order, equal ones as in the file."""
    if isinstance(projects, ProjectTable):
        return _sorted_table(projects, sort)
    key = SORTS[sort]
    rows = list(range(len(projects)))
    rows.sort(key=lambda row: key(projects[row]))  # type: ignore[arg-type, return-value]
    return np.array(rows, np.intp)


def _sorted_table(table: ProjectTable, sort: str) -> Integers:
    """Return what `_sorted` would, by columns, in Arrow's threads instead of Python's."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if sort == "tags":
        return np.argsort(table.carried.numbers, kind="stable").astype(np.int32)
    column = table.column(sort).combine_chunks() if sort == "id" else table.column(sort)
    if sort == "description":
        lengths = pc.utf8_length(column).to_numpy()
        return np.argsort(lengths, kind="stable").astype(np.int32)
    if sort == "title":
        keys = {"text": _folded(column)}
    else:
        whole = pc.match_substring_regex(column, "^[0-9]+$")
        if not pc.all(pc.string_is_ascii(column)).as_py():
            whole = pa.array([one.isdecimal() for one in table.ids()])
            column = pa.array([str(int(one)) if one.isdecimal() else one for one in table.ids()])
        digits = pc.ascii_ltrim(column, "0")
        keys = {
            "other": pc.invert(whole),
            "length": pc.if_else(whole, pc.utf8_length(digits), 0),
            "text": pc.if_else(whole, digits, column),
        }
    order = pc.sort_indices(pa.table(keys), sort_keys=[(name, "ascending") for name in keys])
    return np.asarray(order.to_numpy(), np.int32)


def _folded(texts: "ChunkedArray") -> "ChunkedArray":
    """Return what `fold_text` makes of each text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    folded = []
    for chunk in texts.chunks:
        plain = pc.string_is_ascii(chunk).to_numpy(zero_copy_only=False)
        other = [fold_text(text) for text in chunk.filter(pa.array(~plain)).to_pylist()]
        lower = pc.ascii_lower(chunk)
        folded.append(pc.replace_with_mask(lower, pa.array(~plain), pa.array(other, pa.string())))
    return pa.chunked_array(folded, pa.string())


def count_words(
    projects: Iterable[Project], tag: str, preprocess: Callable[[str], str], most: int = 80
) -> tuple[tuple[str, int], ...]:
    """Count the `most` common words in the preprocessed texts of the projects with `tag`.

    A word counts once a project; words of a single character are left out.
    """
    counts = Counter(
        word
        for project in projects
        if tag in project.tags
        for word in set(preprocess(project.text).split())
        if len(word) > 1
    )
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most])
