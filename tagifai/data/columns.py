"""Which column holds what: the table `[columns]` of `data.toml`, read, checked and written."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from tagifai.data.csv_files import Dialect, Quoting
from tagifai.data.tag_cells import (
    NONE,
    Names,
)
from tagifai.errors import TagifaiError, one_of, shorten

# What projects have themselves: another column of such a name becomes original_….
OWN = ("id", "title", "description", "tags", "split")
ORIGINAL = "original_"
Unlabelled = Literal["", "leave-out", "negative", "whole"]


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds what, in the files of people who do not name them as we do.

    Attributes
    ----------
    file : tuple of str
        The files, by their names within the data folder; empty for those of fixed names.
    id, title, text, split : str
        Names of columns; "" where nothing is known, "none" where there is none (ids are then the
        numbers of the rows, titles are empty).
    tags : tuple of str
        Columns with tags in their cells.
    separator : str
        What separates the tags of a cell; "none" for one tag per cell, "<>" for `<a><b>`.
    one_hot : tuple of str
        Columns that are tags themselves, with 0 and 1 in their cells.
    names : mapping of int to str, "none" or None
        The names of the numbers in `tags`; "none" takes the numbers as names.
    multi_hot : bool
        Each cell of `tags` holds a list of 0 and 1, one for each of `names`.
    unlabelled : {"", "leave-out", "negative", "whole"}
        What a project is whose tags nobody decided on (-1, or a blank one-hot cell): left out, or
        a negative. "whole" leaves out those with -1 throughout and refuses others; "" refuses all.
    leave_out : tuple of str
        Columns that are left out.
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
        """How files of text are written, as far as that is known."""
        return Dialect(self.encoding, self.delimiter, self.quoting, self.header)


def _listed(value: object) -> object:
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
        """Return the settings as a record.

        Raises
        ------
        TagifaiError
            Two settings contradict each other; the message starts with `where`.
        """
        names: Names = None
        if isinstance(self.names, list):
            names = dict(enumerate(self.names))
        elif isinstance(self.names, dict):
            names = number_names(self.names, f"{where}, names")
        else:
            names = self.names
        found = Columns(
            file=tuple(self.file),
            id=self.id,
            title=self.title,
            text=self.text,
            tags=tuple(self.tags),
            separator=self.separator,
            one_hot=tuple(self.one_hot),
            names=names,
            multi_hot=self.multi_hot,
            split=self.split,
            unlabelled=self.unlabelled or "",
            leave_out=tuple(self.leave_out),
            encoding=self.encoding,
            delimiter=self.delimiter,
            quoting=self.quoting or "",
            header=tuple(self.header),
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


def number_names(found: Mapping[int, object] | Mapping[str, object], where: str) -> dict[int, str]:
    """Read names of numbers: {number: name}, or {name: number}.

    >>> number_names({"neg": 0, "pos": 1}, ""), number_names({"1": "World"}, "")
    ({0: 'neg', 1: 'pos'}, {1: 'World'})

    Raises
    ------
    TagifaiError
        It is neither, or a number or name comes twice.
    """
    names: dict[int, str] = {}
    for key, value in found.items():
        given, name = (value, key) if isinstance(value, int) else (key, value)
        try:
            number = int(given)
        except ValueError:
            raise TagifaiError(
                f"{where}: a whole number is needed for each name, got {shorten(repr(given))}"
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
    """Fill in our own names of columns, where none are given and the file has them.

    Parameters
    ----------
    columns : Columns
        What is given.
    found : sequence of str
        The columns of the file.
    where : str
        Named in messages.
    class_names : mapping of str to sequence of str, optional
        The names of the numbers in a column, where the file has them.

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


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    # A string of JSON is one of TOML, but for DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
