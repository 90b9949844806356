"""Say which column holds what, and make projects of rows by it."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from tagifai.data.assignment import is_blank, name_split
from tagifai.data.records import Dialect, Quoting
from tagifai.data.tag_cells import (
    NONE,
    Names,
    UnlabelledError,
    clean_tags,
    read_binary,
    read_tags,
)
from tagifai.errors import TagifaiError, one_of, shorten

# What projects have themselves: another column of such a name is kept as original_….
OWN = ("id", "title", "description", "tags", "split")
ORIGINAL = "original_"
_UNDECIDED = (
    ', so nobody decided: `unlabelled = "leave-out"` leaves such projects out, '
    '`unlabelled = "negative"` takes them as negatives'
)
Unlabelled = Literal["", "leave-out", "negative", "whole"]


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds what, in the files of people who do not name them as we do.

    Attributes
    ----------
    file : tuple of str
        The files, by their names within the data folder; empty for the usual ones.
    id, title, text, split : str
        Names of columns; "" where nothing is said, "none" where there is none (ids are then the
        numbers of the rows, titles are empty).
    tags : tuple of str
        Columns with tags in their cells.
    separator : str
        What stands between the tags of a cell; "none" for one tag a cell, "<>" for `<a><b>`.
    one_hot : tuple of str
        Columns that are tags themselves, with 0 and 1 in their cells.
    names : mapping of int to str, "none" or None
        What numbers in `tags` stand for; "none" keeps the numbers as names.
    multi_hot : bool
        Each cell of `tags` holds a list of 0 and 1, one for each of `names`.
    unlabelled : {"", "leave-out", "negative", "whole"}
        What a project is whose tags nobody decided on (-1, or a blank one-hot cell): left out, or
        a negative. "whole" leaves out those with -1 throughout and refuses others; "" refuses all.
    leave_out : tuple of str
        Columns that are not kept.
    encoding, delimiter, quoting, header
        How a file of text is written: see `Dialect`.
    """

    file: tuple[str, ...] = ()
    id: str = ""
    title: str = ""
    text: str = ""
    tags: tuple[str, ...] = ()
    separator: str = ""
    one_hot: tuple[str, ...] = ()
    names: Names = None
    multi_hot: bool = False
    split: str = ""
    unlabelled: Unlabelled = ""
    leave_out: tuple[str, ...] = ()
    encoding: str = ""
    delimiter: str = ""
    quoting: Quoting = ""
    header: tuple[str, ...] = ()

    @property
    def dialect(self) -> Dialect:
        """How files of text are written, as far as that is said."""
        return Dialect(self.encoding, self.delimiter, self.quoting, self.header)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


_Name = Annotated[str, Field(min_length=1, max_length=1000)]
_NameList = Annotated[list[Annotated[str, Field(max_length=1000)]], BeforeValidator(_listed)]


class ColumnsFile(BaseModel):
    """The table `[columns]` of `data.toml`."""

    model_config = ConfigDict(extra="forbid")

    file: _NameList = []
    id: str = ""
    title: str = ""
    text: str = ""
    tags: _NameList = []
    separator: str = ""
    one_hot: _NameList = []
    names: list[_Name] | dict[str, _Name] | Literal["none"] | None = None
    multi_hot: bool = False
    split: str = ""
    unlabelled: Literal["leave-out", "negative"] | None = None
    leave_out: _NameList = []
    encoding: str = ""
    delimiter: Annotated[str, Field(max_length=1)] = ""
    quoting: Literal["standard", "backslash", "none"] | None = None
    header: _NameList = []

    def to_columns(self, where: str) -> Columns:
        """Return the record of it.

        Raises
        ------
        TagifaiError
            What is said contradicts itself; the message starts with `where`.
        """
        names: Names = None
        if isinstance(self.names, list):
            names = dict(enumerate(self.names))
        elif isinstance(self.names, dict):
            names = number_names(self.names, f"{where}, names")
        else:
            names = self.names
        lists = ("file", "tags", "one_hot", "leave_out", "header")
        known: dict[str, Any] = {name: tuple(getattr(self, name)) for name in lists}
        found = Columns(
            id=self.id,
            title=self.title,
            text=self.text,
            separator=self.separator,
            names=names,
            multi_hot=self.multi_hot,
            split=self.split,
            unlabelled=self.unlabelled or "",
            encoding=self.encoding,
            delimiter=self.delimiter,
            quoting=self.quoting or "",
            **known,
        )
        check_columns(found, where)
        for name in found.file:
            parts = PurePath(name).parts
            if not parts or PurePath(name).is_absolute() or ".." in parts:
                raise TagifaiError(
                    f"{where}, file: a file within the data folder is needed, got "
                    f"{shorten(repr(name))}"
                )
        return found


def number_names(found: Mapping[Any, Any], where: str) -> dict[int, str]:
    """Read names of numbers: {number: name}, or {name: number}.

    >>> number_names({"neg": 0, "pos": 1}, ""), number_names({"1": "World"}, "")
    ({0: 'neg', 1: 'pos'}, {1: 'World'})

    Raises
    ------
    TagifaiError
        It is neither, or a number or name comes twice.
    """
    pairs = [
        (value, key) if isinstance(value, int) else (key, value) for key, value in found.items()
    ]
    names: dict[int, str] = {}
    for number, name in pairs:
        try:
            number = int(number)
        except (TypeError, ValueError):
            raise TagifaiError(
                f"{where}: a whole number is needed for each name, got {shorten(repr(number))}"
            ) from None
        if not isinstance(name, str) or not name.strip() or number in names:
            raise TagifaiError(f"{where}: {number} needs one name, got {shorten(repr(name))}")
        names[number] = name.strip()
    if len(set(names.values())) < len(names):
        raise TagifaiError(f"{where}: a name comes twice")
    return names


def check_columns(columns: Columns, where: str) -> None:
    """Raise TagifaiError where settings contradict each other."""
    if columns.tags and columns.one_hot:
        raise TagifaiError(f"{where}: tags or one_hot, not both")
    if columns.one_hot and (columns.separator or columns.names or columns.multi_hot):
        raise TagifaiError(f"{where}: one_hot columns take no separator, names or multi_hot")
    if columns.multi_hot and not isinstance(columns.names, Mapping):
        raise TagifaiError(f"{where}: multi_hot needs names, one for each place")
    seen: dict[str, str] = {}
    for role, names in (
        ("id", [columns.id]),
        ("title", [columns.title]),
        ("text", [columns.text]),
        ("split", [columns.split]),
        ("tags", columns.tags),
        ("one_hot", columns.one_hot),
    ):
        for name in names:
            if name in ("", NONE):
                continue
            if name in seen:
                raise TagifaiError(
                    f"{where}: {shorten(repr(name))} is both {seen[name]} and {role}"
                )
            seen[name] = role


def with_defaults(
    columns: Columns,
    found: Sequence[str],
    where: str,
    class_names: Mapping[str, Sequence[str]] | None = None,
) -> Columns:
    """Fill in our own names of columns, where nothing is said and the file has them.

    Parameters
    ----------
    columns : Columns
        What is said.
    found : sequence of str
        The columns of the file.
    where : str
        Named in messages.
    class_names : mapping of str to sequence of str, optional
        What the numbers of a column stand for, as the file itself says.

    Raises
    ------
    TagifaiError
        There is no column of texts or of tags, or one that is named is missing.
    """

    def pick(given: str, own: str, otherwise: str) -> str:
        return given or (own if own in found else otherwise)

    filled = replace(
        columns,
        id=pick(columns.id, "id", NONE),
        title=pick(columns.title, "title", NONE),
        text=pick(columns.text, "description", ""),
        split=pick(columns.split, "split", ""),
        tags=columns.tags or (() if columns.one_hot or "tags" not in found else ("tags",)),
    )
    known = [names for tag, names in (class_names or {}).items() if tag in filled.tags]
    if filled.names is None and known:
        filled = replace(filled, names=dict(enumerate(known[0])))
    for role in ("text", "tags"):
        if not getattr(filled, role) and not (role == "tags" and filled.one_hot):
            raise TagifaiError(
                f"{where}: which column holds the {'texts' if role == 'text' else role}? Say "
                f"`{role}` in [columns]; the columns are {shorten(', '.join(found), 300)}"
            )
    for name in named_columns(filled):
        if name not in found:
            raise TagifaiError(f"{where}: {one_of('column', name, found)}")
    return filled


def named_columns(columns: Columns) -> list[str]:
    """List the columns that have a part: id, title, text, split, tags."""
    single = (columns.id, columns.title, columns.text, columns.split)
    return [name for name in single if name not in ("", NONE)] + [*columns.tags, *columns.one_hot]


def column_names(columns: Columns) -> dict[str, str]:
    """Return what a file calls the fields of a project.

    >>> column_names(Columns(id="key", text="comment", tags=("labels",)))
    {'id': 'key', 'description': 'comment', 'tags': 'labels'}
    """
    found = {
        "id": columns.id,
        "title": columns.title,
        "description": columns.text,
        "tags": ", ".join(columns.tags or columns.one_hot),
    }
    return {field: name for field, name in found.items() if name not in ("", NONE)}


def fields_of(
    record: Mapping[str, Any], columns: Columns, number: int, where: str, split: str = ""
) -> dict[str, Any] | None:
    """Make the fields of a project out of a row: id, title, description, tags, and the rest.

    Parameters
    ----------
    record : mapping
        The row.
    columns : Columns
        Which column holds what, with nothing left open.
    number : int
        The id, where no column holds it.
    where : str
        The file and row, named in messages.
    split : str
        The split of the file, where no column holds it; "" for none.

    Returns
    -------
    dict or None
        None for a row to leave out, since nobody decided on its tags.

    Raises
    ------
    TagifaiError
        A cell is missing, or holds something else; the message names row and column.
    """
    column = ""
    try:
        fields: dict[str, Any] = {"id": str(number), "title": ""}
        if columns.id != NONE:
            column = columns.id
            fields["id"] = _cell(record, column)
            if is_blank(fields["id"]):
                raise ValueError('no id; `id = "none"` numbers the rows')
        if columns.title != NONE:
            column = columns.title
            fields["title"] = _text(_cell(record, column))
        column = columns.text
        fields["description"] = _text(_cell(record, column))
        fields["tags"] = tags = []
        for column in columns.tags:
            try:
                found = read_tags(
                    _cell(record, column),
                    columns.separator,
                    columns.names,
                    multi_hot=columns.multi_hot,
                )
            except UnlabelledError:
                if columns.unlabelled == "":
                    raise ValueError(f"-1 in place of tags{_UNDECIDED}") from None
                if columns.unlabelled != "negative":
                    return None
                continue
            tags += [tag for tag in found if tag not in tags]
        if columns.one_hot:
            column = ""
            held = _one_hot(record, columns, where)
            if held is None:
                return None
            fields["tags"] = held
        if columns.split not in ("", NONE):
            column = columns.split
            if not is_blank(value := _cell(record, column)):
                fields["split"] = name_split(value, f"{where}, {shorten(column)}")
        elif split and columns.split != NONE:
            fields["split"] = split
    except ValueError as error:
        place = f"{where}, {shorten(column)}" if column else where
        raise TagifaiError(f"{place}: {error}") from None
    used = {*named_columns(columns), *columns.leave_out}
    for name, value in record.items():
        if name not in used:
            try:
                fields[ORIGINAL + name if name in OWN else name] = plain(value)
            except TypeError:  # bytes: pictures and the like
                continue
    return fields


def _cell(record: Mapping[str, Any], column: str) -> Any:
    if column not in record:
        raise ValueError(f"no such column; the row has {shorten(', '.join(map(str, record)), 200)}")
    return record[column]


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


def _one_hot(record: Mapping[str, Any], columns: Columns, where: str) -> list[str] | None:
    found: dict[str, int | None] = {}
    for column in columns.one_hot:
        try:
            found[column] = read_binary(_cell(record, column))
        except ValueError as error:
            raise TagifaiError(f"{where}, {shorten(column)}: {error}") from None
    undecided = [column for column, value in found.items() if value in (-1, None)]
    if undecided and columns.unlabelled != "negative":
        if columns.unlabelled == "leave-out":
            return None
        if columns.unlabelled == "whole" and all(value == -1 for value in found.values()):
            return None
        seen = "-1" if found[undecided[0]] == -1 else "a blank cell"
        raise TagifaiError(f"{where}, {shorten(undecided[0])}: {seen}{_UNDECIDED}")
    return clean_tags([column for column, value in found.items() if value == 1])


def plain(value: Any) -> Any:
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


def to_toml(columns: Columns) -> str:
    """Write the table `[columns]` of `data.toml`.

    >>> print(to_toml(Columns(text="comment", tags=("labels",), separator=";")))
    [columns]
    text = "comment"
    tags = "labels"
    separator = ";"
    """
    lines = ["[columns]"]
    for name in ColumnsFile.model_fields:
        value = getattr(columns, name)
        if value in ("", (), None, False):
            continue
        if isinstance(value, Mapping):
            in_order = list(value) == list(range(len(value)))
            value = list(value.values()) if in_order else {str(k): v for k, v in value.items()}
        if name == "unlabelled" and value == "whole":
            value = "leave-out"
        if isinstance(value, tuple):
            value = value[0] if len(value) == 1 and value[0] else list(value)
        lines.append(f"{name} = {_toml(value)}")
    return "\n".join(lines)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    # A string of JSON is one of TOML, but for DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
