"""Read the fields of a project from a row, by the columns that hold them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from tagifai.data.assignment import is_blank, name_split
from tagifai.data.columns import ORIGINAL, OWN, Columns, named_columns
from tagifai.data.tag_cells import NONE, UnlabelledError, clean_tags, read_binary, read_tags
from tagifai.data.validation import Record
from tagifai.errors import TagifaiError, shorten

_UNDECIDED = (
    ', so nobody decided: `unlabelled = "leave-out"` leaves such projects out, '
    '`unlabelled = "negative"` takes them as negatives'
)


@dataclass(slots=True)
class RowFields:
    """The fields of a project in one row, before they are validated.

    Attributes
    ----------
    id, title, description, tags
        What a project has. The id is as the cell holds it.
    split : str
        The split that the row or its file names; "" for none.
    others : dict
        The other columns, as JSON has them.
    """

    id: object
    title: str
    description: str
    tags: list[str]
    split: str
    others: Record

    def to_record(self) -> Record:
        """Return the row as a projects file holds it."""
        own: Record = {
            "id": self.id,
            "title": self.title,
            "description": self.description,
            "tags": self.tags,
        }
        return own | ({"split": self.split} if self.split else {}) | self.others


def read_fields(
    record: Mapping[str, object], columns: Columns, number: int, where: str, split: str = ""
) -> RowFields | None:
    """Read the fields of a project from a row.

    Parameters
    ----------
    record : mapping
        The row.
    columns : Columns
        Which column holds what, with nothing left open.
    number : int
        The id, where no column holds it.
    where : str
        The file and row, which messages start with.
    split : str
        The split of the file, where no column holds it; "" for none.

    Returns
    -------
    RowFields or None
        None for a row to leave out, since nobody decided on its tags.

    Raises
    ------
    TagifaiError
        A cell is missing, or holds something else; the message names row and column.
    """
    row = _Row(record)
    try:
        return _read_fields(row, columns, number, where, split)
    except ValueError as error:
        place = f"{where}, {shorten(row.column)}" if row.column else where
        raise TagifaiError(f"{place}: {error}") from None


class _Row:
    """A row, and the column that is being read: an error is one of its cell."""

    __slots__ = ("column", "record")

    def __init__(self, record: Mapping[str, object]) -> None:
        self.record = record
        self.column = ""

    def cell(self, column: str) -> object:
        """Return the cell of a column.

        Raises
        ------
        ValueError
            The row has no such column.
        """
        self.column = column
        if column not in self.record:
            listed = shorten(", ".join(map(str, self.record)), 200)
            raise ValueError(f"no such column; the row has {listed}")
        return self.record[column]


def _read_fields(
    row: _Row, columns: Columns, number: int, where: str, split: str
) -> RowFields | None:
    one: object = str(number)
    if columns.id != NONE:
        one = row.cell(columns.id)
        if is_blank(one):
            raise ValueError('no id; `id = "none"` numbers the rows')
    title = "" if columns.title == NONE else _text(row.cell(columns.title))
    description = _text(row.cell(columns.text))
    tags = _one_hot(row, columns) if columns.one_hot else _tags(row, columns)
    if tags is None:
        return None
    if columns.split == NONE:
        split = ""
    elif columns.split:
        value = row.cell(columns.split)
        place = f"{where}, {shorten(columns.split)}"
        split = "" if is_blank(value) else name_split(value, place)
    return RowFields(one, title, description, tags, split, _others(row.record, columns))


def _tags(row: _Row, columns: Columns) -> list[str] | None:
    """Read the tags in the cells of a row, each once; None for a row to leave out."""
    tags: dict[str, None] = {}
    for column in columns.tags:
        cell = row.cell(column)
        try:
            found = read_tags(cell, columns.separator, columns.names, multi_hot=columns.multi_hot)
        except UnlabelledError:
            if columns.unlabelled == "":
                raise ValueError(f"-1 in place of tags{_UNDECIDED}") from None
            if columns.unlabelled != "negative":
                return None
            continue
        tags |= dict.fromkeys(found)
    return list(tags)


def _one_hot(row: _Row, columns: Columns) -> list[str] | None:
    """Read the columns of 0 and 1 of a row as tags; None for a row to leave out."""
    found = {column: read_binary(row.cell(column)) for column in columns.one_hot}
    undecided = [column for column, value in found.items() if value in (-1, None)]
    if undecided and columns.unlabelled != "negative":
        if columns.unlabelled == "leave-out":
            return None
        if columns.unlabelled == "whole" and all(value == -1 for value in found.values()):
            return None
        row.column = undecided[0]
        seen = "-1" if found[undecided[0]] == -1 else "a blank cell"
        raise ValueError(f"{seen}{_UNDECIDED}")
    row.column = ""
    return clean_tags([column for column, value in found.items() if value == 1])


def _others(record: Mapping[str, object], columns: Columns) -> Record:
    """Return the columns without a part, as JSON has them."""
    used = {*named_columns(columns), *columns.leave_out}
    others: Record = {}
    for name, value in record.items():
        if name not in used:
            try:
                others[ORIGINAL + name if name in OWN else name] = plain(value)
            except TypeError:  # bytes: pictures and the like
                continue
    return others


def _text(value: object) -> str:
    if is_blank(value):
        return ""
    if isinstance(value, bytes):
        value = value.decode("utf-8")  # an error of it is a ValueError
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise ValueError(f"text is needed, got {shorten(repr(value))}")
    if "\0" in value:
        raise ValueError("a NUL character, which text does not have")
    return value


def plain(value: object) -> object:
    """Return a value as JSON has it: dates in ISO 8601, no NaN.

    >>> plain({"at": datetime(2020, 2, 20, 6, 43), "of": [math.nan, 1.5]})
    {'at': '2020-02-20T06:43:00', 'of': [None, 1.5]}

    Raises
    ------
    TypeError
        It holds bytes, which JSON cannot have.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, Decimal | timedelta):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
