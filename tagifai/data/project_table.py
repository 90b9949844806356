"""Projects in Arrow's columns: a million of them, and no Python object for each."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from tagifai.arrays import Integers
from tagifai.data.carried_tags import CarriedTags
from tagifai.data.project import Project

if TYPE_CHECKING:
    from pyarrow import ChunkedArray, RecordBatch

TEXTS = ("id", "title", "description")
_AT_ONCE = 2_048


class ProjectTable(Sequence[Project]):
    """Projects whose texts stay in Arrow's columns; each `Project` is made when it is asked for.

    Parameters
    ----------
    batches : sequence of pyarrow.RecordBatch
        Id, title and description as strings, and the other columns as the files have them.
    carried : CarriedTags
        Their tags.
    written : mapping of int to tuple of str
        By row, the tags as the file has them, where one of them is in another Unicode form.
    """

    def __init__(
        self,
        batches: Sequence["RecordBatch"],
        carried: CarriedTags,
        written: Mapping[int, tuple[str, ...]],
    ) -> None:
        self.carried = carried
        self._batches = batches
        self._written = written
        self._starts = [0]
        for batch in batches:
            self._starts.append(self._starts[-1] + batch.num_rows)

    def __len__(self) -> int:
        return self._starts[-1]

    @overload
    def __getitem__(self, at: int) -> Project: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Project]: ...

    def __getitem__(self, at: int | slice) -> Project | Sequence[Project]:
        if isinstance(at, slice):
            return [self[row] for row in range(*at.indices(len(self)))]
        row = at + len(self) if at < 0 else at
        if not 0 <= row < len(self):
            raise IndexError(at)
        number = bisect_right(self._starts, row) - 1
        within = row - self._starts[number]
        return next(self._projects(number, within, within + 1))

    def __iter__(self) -> Iterator[Project]:
        for number, batch in enumerate(self._batches):
            for start in range(0, batch.num_rows, _AT_ONCE):
                yield from self._projects(number, start, min(start + _AT_ONCE, batch.num_rows))

    def _projects(self, number: int, start: int, stop: int) -> Iterator[Project]:
        part = self._batches[number].slice(start, stop - start)
        ids, titles, descriptions = (part.column(name).to_pylist() for name in TEXTS)
        others = part.select(self.columns).to_pylist() if self.columns else [{}] * len(ids)
        first = self._starts[number] + start
        for row, fields in enumerate(zip(ids, titles, descriptions, others, strict=True), first):
            yield Project(
                *fields[:3], self.carried.of_row(row), fields[3], self._written.get(row, ())
            )

    @cached_property
    def columns(self) -> list[str]:
        """The names of the other columns, in their order."""
        names = self._batches[0].schema.names if self._batches else []
        return [name for name in names if name not in TEXTS]

    def column(self, name: str) -> "ChunkedArray":
        """Return a column of all projects."""
        import pyarrow as pa

        return pa.chunked_array([batch.column(name) for batch in self._batches])

    def count_values(self, name: str, most: int, longest: int) -> list[tuple[object, int]]:
        """Return the commonest values of a column, and how often each is.

        Of equally common ones, those first that are first as texts. Lists and structures, and
        texts of more than `longest` characters, are left out.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        column = self.column(name)
        if pa.types.is_nested(column.type):
            return []
        if pa.types.is_string(column.type):
            column = column.filter(pc.less_equal(pc.utf8_length(column), longest))
        counted = pc.value_counts(column)
        table = pa.table({"value": counted.field("values"), "count": counted.field("counts")})
        if pa.types.is_string(column.type) or pa.types.is_integer(column.type):
            table = table.append_column("text", table["value"].cast(pa.string()))
            order = [("count", "descending"), ("text", "ascending")]
            table = table.take(pc.select_k_unstable(table, most, sort_keys=order))
        return list(zip(table["value"].to_pylist(), table["count"].to_pylist(), strict=True))

    def batches(self) -> Iterator[tuple[int, "RecordBatch"]]:
        """Yield the number of the first row, and the columns, of parts of the table."""
        yield from zip(self._starts, self._batches, strict=False)

    @cached_property
    def by_id(self) -> "ProjectsById":
        """The projects by their ids."""
        return ProjectsById(self)

    def ids(self) -> Iterator[str]:
        """Yield the id of each project."""
        for batch in self._batches:
            yield from batch.column("id").to_pylist()

    def take(self, rows: Integers) -> "ProjectTable":
        """Return a table of some projects, in the order of `rows`, which rise."""
        parts = np.split(rows, np.searchsorted(rows, self._starts[1:-1]))
        batches = [
            batch.take(part - start)
            for batch, part, start in zip(self._batches, parts, self._starts, strict=False)
        ]
        place = {int(row): new for new, row in enumerate(rows)} if self._written else {}
        written = {place[row]: tags for row, tags in self._written.items() if row in place}
        return ProjectTable(batches, self.carried.take(rows), written)


class ProjectsById(Mapping[str, Project]):
    """The projects of a table by id, found by the sorted hashes of the ids."""

    def __init__(self, table: ProjectTable) -> None:
        self._table = table
        hashes = np.fromiter(map(hash, table.ids()), np.int64, len(table))
        order = np.argsort(hashes, kind="stable")
        self._rows = order.astype(np.int32)
        self._hashes = hashes[order]

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[str]:
        return self._table.ids()

    def __getitem__(self, one: str) -> Project:
        row = self.row_of(one)
        if row is None:
            raise KeyError(one)
        return self._table[row]

    def __contains__(self, one: object) -> bool:
        return self.row_of(one) is not None

    def row_of(self, one: object) -> int | None:
        """Return the row of an id, None where no project has it."""
        if not isinstance(one, str):
            return None
        first, last = np.searchsorted(self._hashes, [hash(one), hash(one) + 1])
        return next((row for row in self._rows[first:last].tolist() if self._id(row) == one), None)

    def _id(self, row: int) -> Any:
        starts = self._table._starts
        number = bisect_right(starts, row) - 1
        return self._table._batches[number].column("id")[row - starts[number]].as_py()

    def twice(self) -> tuple[int, int] | None:
        """Return the first row whose id an earlier row has, and that row; None where none has."""
        same = np.flatnonzero(self._hashes[1:] == self._hashes[:-1])
        found: list[tuple[int, int]] = []
        for place in same.tolist():
            group = self._rows[np.searchsorted(self._hashes, self._hashes[place]) : place + 2]
            later = int(group[-1])
            found += [
                (later, row) for row in group[:-1].tolist() if self._id(row) == self._id(later)
            ][:1]
        return min(found, default=None)


def carried_tags(projects: Sequence[Project]) -> CarriedTags:
    """Return the tags of projects; those of a table are there already."""
    if isinstance(projects, ProjectTable):
        return projects.carried
    return CarriedTags.from_rows(project.tags for project in projects)


def projects_by_id(projects: Sequence[Project]) -> Mapping[str, Project]:
    """Return the projects by their ids; those of a table are made when they are asked for."""
    if isinstance(projects, ProjectTable):
        return projects.by_id
    return {project.id: project for project in projects}
