"""Collect the rows of a file of predictions, each checked against the data as it comes."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tagifai.arrays import Array, Floats, Integers
from tagifai.data import identify
from tagifai.data.assignment import is_blank, name_split
from tagifai.data.names import refuse_unknown_tags
from tagifai.errors import TagifaiError, counted, one_of, shorten
from tagifai.limits import Limits

MISSING = ("refuse", "zero")
ID, SPLIT, TAGS, PROBABILITIES = "id", "split", "tags", "probabilities"
# Rounding to 32 bits may take a probability this far out of [0, 1].
_ROUNDING = 1e-6
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
    limits : Limits
        How large the file and its arrays may be.
    """

    known_tags: Sequence[str]
    splits: Mapping[str, str | None]
    tags: Sequence[str] | None = None
    missing: str = "refuse"
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
        The split of each, of "train", "val" and "test".
    tags : list of str
        Tags of the data, in alphabetical order.
    y_prob : array of shape (n_projects, n_tags)
        Probabilities in [0, 1], float32.
    """

    ids: list[str]
    split: list[str]
    tags: list[str]
    y_prob: Numbers


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
        # Columns and values of rows that leave tags out.
        self._sparse: list[tuple[Integers, Numbers]] = []

    @property
    def fills(self) -> bool:
        """Whether a tag that a row leaves out has the probability 0."""
        return self.expected.missing == "zero"

    def place(self, row: int, where: str = "") -> str:
        """Return how messages name a row, and a field of it."""
        return f"{self.path}: row {row}{', ' + where if where else ''}"

    def name_columns(self, tags: Sequence[str], where: str) -> None:
        """Set the tags of all rows.

        Raises
        ------
        TagifaiError
            There is none, or one comes twice or is not a tag of the data.
        """
        if not tags:
            raise TagifaiError(f"{where}: no tag; at least one is needed")
        if len(set(tags)) < len(tags):
            twice = next(tag for number, tag in enumerate(tags) if tag in tags[:number])
            raise TagifaiError(f"{where}: {shorten(repr(twice))} comes twice")
        refuse_unknown_tags(tags, self.expected.known_tags, where)
        self.column = {tag: number for number, tag in enumerate(tags)}
        if not self.fills:
            self._dense = np.empty((len(self.expected.splits), len(tags)), np.float32)

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
        if is_blank(split):
            if stated is None:
                raise TagifaiError(
                    f"{self.place(row, SPLIT)}: train, val or test is needed; the data does not "
                    f"state the split of this project"
                )
            split = stated
        else:
            split = name_split(split, self.place(row, SPLIT))
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
        if self.fills:
            self._add_sparse(row, names, values)
            return
        if not self.column:
            self.name_columns(list(names), self.place(row, PROBABILITIES))
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

    def _add_sparse(self, row: int, names: Sequence[str], values: Sequence[object]) -> None:
        new = [name for name in names if name not in self.column]
        if new:
            refuse_unknown_tags(new, self.expected.known_tags, self.place(row, PROBABILITIES))
            for name in new:
                self.column[name] = len(self.column)
        if len(set(names)) < len(names):
            raise TagifaiError(f"{self.place(row, PROBABILITIES)}: a tag comes twice")
        columns = np.array([self.column[name] for name in names], np.intp)
        self._sparse.append((columns, self.read_numbers(row, names, values)))

    def add_block(self, first: int, values: Array) -> None:
        """Add the probabilities of many rows whose projects were added, (n_rows, n_tags).

        Raises
        ------
        TagifaiError
            A value is not a probability.
        """
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
            every = np.arange(len(self.column))
            self._sparse.extend((every, row) for row in clipped.astype(np.float32))
        else:
            self._dense[start : start + len(values)] = clipped

    def read_numbers(self, row: int, names: Sequence[str], values: Sequence[object]) -> Numbers:
        """Read probabilities, (n_tags,).

        Raises
        ------
        TagifaiError
            One is not a number from 0 to 1.
        """
        numbers = self._to_array(row, names, values)
        if len(numbers) and not (numbers.min() >= -_ROUNDING and numbers.max() <= 1 + _ROUNDING):
            wrong = np.flatnonzero(~((numbers >= -_ROUNDING) & (numbers <= 1 + _ROUNDING)))[0]
            value = float(numbers[wrong]) if self.of_texts else values[wrong]
            raise self.no_probability(row, names[wrong], value)
        return np.clip(numbers, 0, 1).astype(np.float32)

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
                    return 0.0
        elif isinstance(value, float | int) and not isinstance(value, bool):
            with suppress(OverflowError):
                return float(value)
        elif value is None and self.fills:
            return 0.0
        raise self.no_probability(row, tag, value)

    def no_probability(self, row: int, tag: str, value: object) -> TagifaiError:
        """Return the error for a value that is not a probability."""
        where = self.place(row, f"{PROBABILITIES}.{shorten(tag)}")
        return TagifaiError(f"{where}: a number from 0 to 1 is needed, got {shorten(repr(value))}")

    def _check_size(self) -> None:
        pairs = len(self.split) * len(self.column)
        # A pair takes five bytes; ids and names are not counted before all rows are there.
        if 5 * pairs > self.expected.limits.unpacked.num_bytes:
            self.refuse_size(5 * pairs)

    def check_rows(self, num_rows: int) -> None:
        """Refuse a file whose predictions would be too large to be read back."""
        size = 5 * num_rows * len(self.column)
        if size > self.expected.limits.unpacked.num_bytes:
            self.refuse_size(size, num_rows)

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
            There is no row, no tag, or none of the test split.
        """
        if "test" not in self.split:
            raise TagifaiError(f"{self.path}: no row of the split 'test', so nothing can be scored")
        if not self.column:
            raise TagifaiError(f"{self.path}: no tag in it; at least one is needed")
        if self.fills:
            self._dense = np.zeros((len(self.split), len(self.column)), np.float32)
            for row, (columns, values) in enumerate(self._sparse):
                self._dense[row, columns] = values
            self._sparse = []
        tags = sorted(self.column)
        order = [self.column[tag] for tag in tags]
        found = self._dense[: len(self.split)]
        if order != list(range(len(order))):
            for start in range(0, len(found), 1_000):  # in parts: it may fill half the memory
                found[start : start + 1_000] = found[start : start + 1_000, order]
        return Gathered(list(self.ids), self.split, tags, found)
