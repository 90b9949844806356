"""Collect the rows of a file of predictions, each checked against the data as it comes."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tagifai.arrays import Array, Floats, Integers
from tagifai.data.assignment import is_blank, name_split
from tagifai.data.names import describe_unknown_tags
from tagifai.data.project import identify
from tagifai.errors import TagifaiError, counted, one_of, shorten
from tagifai.limits import Limits
from tagifai.matrices import Matrix, fits_dense, memory_bytes

MISSING = ("refuse", "zero")
ID, SPLIT, TAGS, PROBABILITIES = "id", "split", "tags", "probabilities"
MAP_HINT = (
    "--map FILE, a JSON object, gives each name its tag, or null, which leaves the column out"
)
# Rounding to 32 bits may take a probability this far out of [0, 1].
_ROUNDING = 1e-6
# No logit is as large.
_LARGE = 1e6
_JOINED_ROWS = 10_000
Numbers = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Expected:
    """What a file of predictions is checked against.

    Attributes
    ----------
    known_tags : sequence of str
        Every tag that the data has; another one is refused.
    splits : mapping of str to (str or None)
        By project id, the split that the data states, or None.
    tags : sequence of str or None
        Which tag each number is of, where a row is a list of numbers without names.
    missing : {"refuse", "zero"}
        What a tag that a row leaves out means: a mistake, or a probability of 0.
    logits : bool
        Whether values are logits, of which the sigmoid is taken before anything is checked.
    fixed_splits : bool
        Whether `splits` hold whatever the file says.
    draws_split : bool
        Whether a file may leave out all splits, since they are drawn afterwards.
    tag_map : mapping of str to (str or None)
        Tags by the names that the file has for them; None leaves a name out.
    limits : Limits
        How large the file and its arrays may be.
    """

    known_tags: Sequence[str]
    splits: Mapping[str, str | None]
    tags: Sequence[str] | None = None
    missing: str = "refuse"
    logits: bool = False
    fixed_splits: bool = False
    draws_split: bool = False
    tag_map: Mapping[str, str | None] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if self.missing not in MISSING:
            raise one_of("meaning of a missing tag", self.missing, MISSING)


@dataclass(frozen=True, eq=False)
class Gathered:
    """The content of a file: one row per project, in the file's order.

    Attributes
    ----------
    ids : list of str
        Ids of projects of the data, each once.
    split : list of str
        The split of each, of "train", "val" and "test"; all "" where they have to be drawn.
    tags : list of str
        Tags of the data, in alphabetical order.
    y_prob : array or scipy.sparse.csr_array of shape (n_projects, n_tags)
        Probabilities in [0, 1], float32; CSR where that takes less memory.
    decisions_only : bool
        Whether rows were lists of tags, so that each probability is 0 or 1.
    """

    ids: list[str]
    split: list[str]
    tags: list[str]
    y_prob: Matrix
    decisions_only: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ListBatch:
    """Rows of tags and probabilities, as columns.

    Attributes
    ----------
    first : int
        The number of the first row.
    ids, splits : sequence
        Of each row.
    names : sequence of str
        The names of tags that the rows have, in the order in which they come up.
    lengths : int array of shape (n_rows,)
        How many tags each row has.
    which, values : arrays of shape (n_pairs,)
        The place of each tag in `names`, and its value, row after row.
    """

    first: int
    ids: Sequence[object]
    splits: Sequence[object]
    names: Sequence[str]
    lengths: Integers
    which: Integers
    values: Array


class PredictionRows:
    """Probabilities by row, added one row or many at once; whatever is wrong is refused."""

    def __init__(self, path: Path, expected: Expected) -> None:
        self.path = path
        self.expected = expected
        self.ids: dict[str, int] = {}
        self.split: list[str] = []
        self.column: dict[str, int] = {}
        self._dense: Numbers = np.empty((0, 0), np.float32)
        # In CSV, numbers are texts.
        self.of_texts = False
        # Rows that leave tags out.
        self._sparse = _StoredRows()
        # Whether what is left out is 0, whatever was expected: a version's own predictions.
        self.has_zeros = False
        # Whether rows are lists of tags; None before the first one.
        self.decisions_only: bool | None = None
        # Which of a block's columns stay.
        self._kept: list[int] = []
        self._range = [np.inf, -np.inf]

    @property
    def fills(self) -> bool:
        """Whether a tag that a row leaves out has the probability 0."""
        return self.expected.missing == "zero" or bool(self.decisions_only) or self.has_zeros

    def rename(self, name: str) -> str | None:
        """Return the tag of a name of the file; None for one that is left out."""
        return self.expected.tag_map.get(name, name)

    def place(self, row: int, where: str = "") -> str:
        """Return how messages name a row, and a field of it."""
        return f"{self.path}: row {row}{', ' + where if where else ''}"

    def name_columns(self, names: Sequence[str], where: str) -> None:
        """Set the tags of all rows by the file's names for them.

        Raises
        ------
        TagifaiError
            There is none, or one comes twice or is not a tag of the data; or the map names a
            column that is not there.
        """
        for name in self.expected.tag_map:
            if name not in names:
                raise TagifaiError(f"{where}: --map: {one_of('name', name, names)}")
        renamed = [self.rename(name) for name in names]
        self._kept = [place for place, tag in enumerate(renamed) if tag is not None]
        self._set_columns([tag for tag in renamed if tag is not None], where)

    def _set_columns(self, tags: Sequence[str], where: str) -> None:
        if self.column and list(self.column) == list(tags):
            return  # of another part of the same table
        if not tags:
            raise TagifaiError(f"{where}: no tag; at least one is needed")
        if len(set(tags)) < len(tags):
            twice = next(tag for number, tag in enumerate(tags) if tag in tags[:number])
            raise TagifaiError(f"{where}: {shorten(repr(twice))} comes twice")
        self.refuse_unknown(tags, where)
        self.column = {tag: number for number, tag in enumerate(tags)}
        if not self.fills:
            self._dense = np.empty((len(self.expected.splits), len(tags)), np.float32)

    def refuse_unknown(self, tags: Sequence[str], where: str) -> None:
        """Refuse tags that the data does not have, each with the nearest one.

        Raises
        ------
        TagifaiError
            There is one.
        """
        message = describe_unknown_tags(tags, self.expected.known_tags)
        if message:
            raise TagifaiError(f"{where}: {message}; {MAP_HINT}")

    def add_project(self, row: int, one: object, split: object) -> None:
        """Add a row's id and split.

        Raises
        ------
        TagifaiError
            The data has no project of that id, the id came before, or the split is unknown.
        """
        try:
            name = identify(one)
        except ValueError as error:
            raise TagifaiError(f"{self.place(row, ID)}: {error}") from None
        if name not in self.expected.splits:
            raise TagifaiError(f"{self.place(row, ID)}: {shorten(name)!r} is not in the data")
        if name in self.ids:
            raise TagifaiError(
                f"{self.place(row, ID)}: {shorten(name)!r} comes twice; it is the id of row "
                f"{self.ids[name]} too"
            )
        stated = self.expected.splits[name]
        if is_blank(split) or self.expected.fixed_splits:
            if stated is None and self.expected.draws_split and not any(self.split):
                stated = ""
            if stated is None:
                raise TagifaiError(
                    f"{self.place(row, SPLIT)}: train, val or test is needed; the data does not "
                    f"state the split of this project"
                )
            split = stated
        else:
            split = name_split(split, self.place(row, SPLIT))
        if self.split and bool(split) != bool(self.split[-1]):
            raise TagifaiError(f"{self.place(row, SPLIT)}: the rows before have none")
        self.ids[name] = row
        self.split.append(split)
        self._check_size()

    def add_values(self, row: int, names: Sequence[str], values: Sequence[object]) -> None:
        """Add a row's probabilities: numbers, or texts of numbers in CSV.

        Raises
        ------
        TagifaiError
            Other tags than in the rows before, or a value that is not a probability.
        """
        self._expect(row, decisions=False)
        if self.expected.tag_map:
            if not (self.fills or self.column):
                self.name_columns(names, self.place(row, PROBABILITIES))
            pairs = zip(map(self.rename, names), values, strict=True)
            kept = [(tag, value) for tag, value in pairs if tag is not None]
            names, values = [tag for tag, _ in kept], [value for _, value in kept]
        if self.fills:
            self._add_sparse(row, names, values)
            return
        if not self.column:
            self._set_columns(names, self.place(row, PROBABILITIES))
        if len(names) != len(self.column) or any(name not in self.column for name in names):
            differing = sorted(set(names) ^ set(self.column))
            twice = "a tag comes twice" if not differing else shorten(", ".join(differing))
            raise TagifaiError(
                f"{self.place(row, PROBABILITIES)}: other tags than row 1's ({twice}); "
                f"--missing zero takes those that a row leaves out as 0"
            )
        numbers = self.read_numbers(row, names, values)
        order = [self.column[name] for name in names]
        self._dense[len(self.split) - 1, order] = numbers

    def add_decisions(self, row: int, names: Sequence[str]) -> None:
        """Add a row's tags, which say nothing of probabilities.

        Raises
        ------
        TagifaiError
            A tag that the data does not have, rows with probabilities before, or logits.
        """
        self._expect(row, decisions=True)
        where = self.place(row, TAGS)
        if self.expected.logits:
            raise TagifaiError(f"{where}: tags without numbers; --logits has nothing to read")
        if self.expected.tags is not None and not self.column:
            self._set_columns(self._renamed(self.expected.tags), "--tags")
        tags = self._renamed(names)
        if self.expected.tags is not None:
            strange = next((tag for tag in tags if tag not in self.column), None)
            if strange is not None:
                raise TagifaiError(f"{where}: {one_of('tag of --tags', strange, self.column)}")
        columns = self._columns_of(tags, where)
        self._sparse.add(columns, np.ones(len(tags), np.float32))

    def _renamed(self, names: Sequence[str]) -> list[str]:
        found = dict.fromkeys(map(self.rename, names))
        return [tag for tag in found if tag is not None]

    def _expect(self, row: int, *, decisions: bool) -> None:
        """Refuse a row of another form than those before."""
        if self.decisions_only is None:
            self.decisions_only = decisions
        elif self.decisions_only != decisions:
            forms = ("tags alone", "probabilities")
            this, before = forms if decisions else forms[::-1]
            raise TagifaiError(f"{self.place(row)}: {this}, where the rows before have {before}")

    def _columns_of(self, tags: Sequence[str], where: str) -> Integers:
        new = [tag for tag in tags if tag not in self.column]
        if new:
            self.refuse_unknown(new, where)
            for tag in new:
                self.column[tag] = len(self.column)
        return np.array([self.column[tag] for tag in tags], np.intp)

    def _add_sparse(self, row: int, names: Sequence[str], values: Sequence[object]) -> None:
        columns = self._columns_of(names, self.place(row, PROBABILITIES))
        if len(set(names)) < len(names):
            raise TagifaiError(f"{self.place(row, PROBABILITIES)}: a tag comes twice")
        self._sparse.add(columns, self.read_numbers(row, names, values))

    def add_block(self, first: int, values: Array) -> None:
        """Add the probabilities of many rows whose projects were added, (n_rows, n_columns).

        Raises
        ------
        TagifaiError
            A value is not a probability.
        """
        if self.decisions_only is None:
            self.decisions_only = False
        values = self._to_probabilities(values[:, self._kept])
        with np.errstate(invalid="ignore"):
            wrong = ~((values >= -_ROUNDING) & (values <= 1 + _ROUNDING))
        if self.fills:
            wrong &= ~np.isnan(values)
        if wrong.any():
            place, column = np.argwhere(wrong)[0].tolist()
            tag, value = list(self.column)[column], values[place, column]
            raise self.no_probability(first + place, tag, float(value))
        start = len(self.split) - len(values)
        clipped = np.clip(np.nan_to_num(values, nan=0.0), 0, 1)
        if self.fills:
            places, columns = np.nonzero(clipped)
            lengths = np.bincount(places, minlength=len(clipped))
            self._sparse.extend(lengths, columns, clipped[places, columns])
        else:
            self._dense[start : start + len(values)] = clipped

    def add_batch(self, batch: "ListBatch") -> bool:
        """Add many rows of tags and probabilities; return False where any of it is unusual.

        Then nothing was added, and `add_values` finds out row by row what is wrong.

        Raises
        ------
        TagifaiError
            As `add_project` does.
        """
        renamed = [self.rename(name) for name in batch.names]
        tags = [tag for tag in renamed if tag is not None]
        if self.decisions_only or len(set(tags)) < len(tags):
            return False
        if describe_unknown_tags(tags, self.expected.known_tags):
            return False
        if not self.fills and not self._is_whole(tags, batch):
            return False
        values = self._to_probabilities(np.asarray(batch.values, np.float64))
        with np.errstate(invalid="ignore"):
            if not ((values >= -_ROUNDING) & (values <= 1 + _ROUNDING)).all():
                return False
        rows = np.repeat(np.arange(len(batch.lengths)), batch.lengths)
        keys = np.sort(rows * len(renamed) + batch.which)
        if (keys[1:] == keys[:-1]).any():
            return False
        self.decisions_only = False
        for tag in tags if self.fills else ():
            self.column.setdefault(tag, len(self.column))
        if not self.column:
            self._set_columns(tags, "")
        places = np.array([-1 if tag is None else self.column[tag] for tag in renamed], np.intp)
        for number, (one, part) in enumerate(zip(batch.ids, batch.splits, strict=True)):
            self.add_project(batch.first + number, one, part)
        columns, values = places[batch.which], np.clip(values, 0, 1)
        if not self.fills:
            self._dense[len(self.split) - len(batch.lengths) + rows, columns] = values
            return True
        given = columns >= 0
        lengths = np.bincount(rows[given], minlength=len(batch.lengths))
        self._sparse.extend(lengths, columns[given], values[given])
        return True

    def _is_whole(self, tags: Sequence[str], batch: "ListBatch") -> bool:
        """Check whether every row of a batch has all tags."""
        known = self.column.keys() or set(tags)
        return (
            not self.expected.tag_map
            and known == set(tags)
            and bool((batch.lengths == len(tags)).all())
        )

    def read_numbers(self, row: int, names: Sequence[str], values: Sequence[object]) -> Numbers:
        """Read probabilities, (n_tags,).

        Raises
        ------
        TagifaiError
            One is not a number from 0 to 1.
        """
        numbers = self._to_probabilities(self._to_array(row, names, values))
        if len(numbers) and not (numbers.min() >= -_ROUNDING and numbers.max() <= 1 + _ROUNDING):
            wrong = np.flatnonzero(~((numbers >= -_ROUNDING) & (numbers <= 1 + _ROUNDING)))[0]
            value = float(numbers[wrong]) if self.of_texts else values[wrong]
            raise self.no_probability(row, names[wrong], value)
        return np.clip(numbers, 0, 1).astype(np.float32)

    def _to_probabilities(self, values: Array) -> Array:
        if not self.expected.logits or not values.size:
            return values
        finite = values[np.isfinite(values)]
        if finite.size:
            low, high = self._range
            self._range = [min(low, float(finite.min())), max(high, float(finite.max()))]
        from tagifai.models.adapters.loading import sigmoid  # here: only logits need it

        return sigmoid(np.asarray(values, np.float64))

    def _to_array(self, row: int, names: Sequence[str], values: Sequence[object]) -> Floats:
        if set(map(type, values)) <= {float, int}:
            with suppress(OverflowError):  # an integer of hundreds of digits
                return np.array(values, np.float64)
        pairs = zip(names, values, strict=True)
        return np.array([self._number(row, name, value) for name, value in pairs], np.float64)

    def _number(self, row: int, tag: str, value: object) -> float:
        if isinstance(value, str) and self.of_texts:
            try:
                return float(value.replace(",", "."))
            except ValueError:
                if self.fills and not value.strip():
                    return self._nothing
        elif isinstance(value, float | int) and not isinstance(value, bool):
            with suppress(OverflowError):
                return float(value)
        elif value is None and self.fills:
            return self._nothing
        raise self.no_probability(row, tag, value)

    @property
    def _nothing(self) -> float:
        """The value of a tag that is left out: a probability of 0, or the logit of that."""
        return -math.inf if self.expected.logits else 0.0

    def no_probability(self, row: int, tag: str, value: object) -> TagifaiError:
        """Return the error for a value that is not a probability."""
        where = self.place(row, f"{PROBABILITIES}.{shorten(tag)}")
        if self.expected.logits:
            return TagifaiError(f"{where}: a number is needed, got {shorten(repr(value))}")
        finite = isinstance(value, int | float) and -_LARGE < value < _LARGE
        hint = "; --logits takes logits" if finite and not isinstance(value, bool) else ""
        return TagifaiError(
            f"{where}: a number from 0 to 1 is needed, got {shorten(repr(value))}{hint}"
        )

    def _check_size(self) -> None:
        # Ids and names are not counted before all rows are there.
        size = self._size(len(self.split))
        if size > self.expected.limits.unpacked.num_bytes:
            self.refuse_size(size)

    def check_rows(self, num_rows: int) -> None:
        """Refuse a file whose predictions would be too large to be read back."""
        size = self._size(num_rows)
        if size > self.expected.limits.unpacked.num_bytes:
            self.refuse_size(size, num_rows)

    def _size(self, num_rows: int) -> int:
        """Return what predictions of so many rows take, as far as it is known."""
        stored = len(self._sparse) if self.fills else num_rows * len(self.column)
        return memory_bytes(num_rows, len(self.column), stored, 0)

    def refuse_size(self, size: int, num_rows: int = 0) -> None:
        """Refuse predictions that would be too large to be read back.

        Raises
        ------
        TagifaiError
            Always.
        """
        rows = num_rows or len(self.split)
        raise TagifaiError(
            f"{self.path}: predictions of {counted(rows, 'project')}{'' if num_rows else ' so far'}"
            f" × {counted(len(self.column), 'tag')} take {size:,} bytes once unpacked, and at most "
            f"{self.expected.limits.unpacked} are read"
        )

    def finish(self) -> Gathered:
        """Return the content of all rows.

        Raises
        ------
        TagifaiError
            There is no row, no tag, or none of the test split; or "logits" are probabilities.
        """
        low, high = self._range
        if 0 <= low <= high <= 1:
            raise TagifaiError(
                f"{self.path}: every value lies between {low:g} and {high:g}, as probabilities do; "
                f"leave --logits out"
            )
        if "test" not in self.split and (any(self.split) or not self.split):
            raise TagifaiError(f"{self.path}: no row of the split 'test', so nothing can be scored")
        if not self.column:
            raise TagifaiError(f"{self.path}: no tag in it; at least one is needed")
        tags = sorted(self.column)
        order = [self.column[tag] for tag in tags]
        found = self._fill(order) if self.fills else self._order(order)
        return Gathered(list(self.ids), self.split, tags, found, bool(self.decisions_only))

    def _order(self, order: Sequence[int]) -> Numbers:
        found = self._dense[: len(self.split)]
        if list(order) != list(range(len(order))):
            for start in range(0, len(found), 1_000):  # in parts: it may fill half the memory
                found[start : start + 1_000] = found[start : start + 1_000, order]
        return found

    def _fill(self, order: Sequence[int]) -> Matrix:
        place_of = np.empty(len(order), np.int32)
        place_of[order] = np.arange(len(order))
        lengths, columns, values = self._sparse.join()
        columns = place_of[columns]
        n, t = len(self.split), len(order)
        if fits_dense(n, t, len(values), 0):
            found = np.zeros((n, t), np.float32)
            found[np.repeat(np.arange(n), lengths), columns] = values
            return found
        from scipy import sparse

        ends = np.concatenate([[0], np.cumsum(lengths)])
        stored = sparse.csr_array((values, columns, ends), shape=(n, t))
        stored.sort_indices()
        return stored


class _StoredRows:
    """Rows of columns and values, joined now and then: a million arrays take their room."""

    def __init__(self) -> None:
        self._parts: list[tuple[Integers, Array, Numbers]] = []
        self._rows: list[tuple[Array, Numbers]] = []
        self._stored = 0

    def __len__(self) -> int:
        return self._stored

    def add(self, columns: Array, values: Numbers) -> None:
        """Add a row."""
        self._rows.append((columns, values))
        self._stored += len(values)
        if len(self._rows) >= _JOINED_ROWS:
            self._join_rows()

    def extend(self, lengths: Integers, columns: Array, values: Array) -> None:
        """Add many rows, one after the other."""
        self._join_rows()
        self._stored += len(values)
        self._parts.append((lengths, columns.astype(np.int32), values.astype(np.float32)))

    def join(self) -> tuple[Integers, Array, Numbers]:
        """Return the lengths of all rows, their columns and their values."""
        self._join_rows()
        nothing = np.zeros(0, np.intp), np.zeros(0, np.int32), np.zeros(0, np.float32)
        lengths, columns, values = (
            np.concatenate(part) for part in zip(nothing, *self._parts, strict=False)
        )
        self._parts = []
        return lengths, columns, values

    def _join_rows(self) -> None:
        if self._rows:
            lengths = np.array([len(values) for _, values in self._rows], np.intp)
            columns = np.concatenate([columns for columns, _ in self._rows]).astype(np.int32)
            values = np.concatenate([values for _, values in self._rows])
            self._parts.append((lengths, columns, values))
            self._rows = []
