"""Search, sort and page the projects; only one page ever leaves for the screen."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tagifai.data import Project
from tagifai.data.names import fold_text
from tagifai.errors import one_of
from tagifai.selection import paged

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
    """The projects, with their texts folded for search and their orders, made when needed."""

    def __init__(self, projects: Sequence[Project]) -> None:
        self._projects = projects
        self._folded: list[str] | None = None
        self._orders: dict[str, list[int]] = {}

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

    def find(self, query: str = "", sort: str = "", descending: bool = False) -> list[int]:
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
        found = self._order(sort)
        for word in fold_text(query).split():
            folded = self._searched()
            found = [row for row in found if word in folded[row]]
        return found[::-1] if descending else found

    def _searched(self) -> list[str]:
        if self._folded is None:
            self._folded = [
                fold_text("\n".join((p.id, p.title, p.description, *p.tags)))
                for p in self._projects
            ]
        return self._folded

    def _order(self, sort: str) -> list[int]:
        if sort not in self._orders:
            rows = list(range(len(self._projects)))
            if sort:
                key = SORTS[sort]
                rows.sort(key=lambda row: key(self._projects[row]))  # type: ignore[arg-type, return-value]
            self._orders[sort] = rows
        return self._orders[sort]


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
