"""Read the tags in one cell, in the forms in which people's files hold them."""

import ast
import csv
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Literal

from tagifai.data.assignment import is_blank
from tagifai.data.validation import Record
from tagifai.errors import shorten

NONE = "none"
ANGLE = "<>"
# What could separate two tags, or be part of the name of one.
DOUBTFUL = re.compile(r"[;|,\s]|<[^<>]+>")
_ANGLES = re.compile(r"(?:\s*<[^<>]+>)+\s*")
_ITEM = re.compile(
    r"""\s*(?:(?P<string>[uUbBrR]?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"))"""
    r"""|(?P<number>[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?))(?P<gap>\s*,?\s*)""",
    re.S,
)
_ARRAY = re.compile(r"array\((?P<list>\[.*\])\s*(?:,\s*dtype=[^)]*)?\)", re.S)
_BRACKETS = {"[": "]", "(": ")", "{": "}"}
# A tag given as an object, as in [{"id": 28, "name": "Action"}].
_NAME_KEYS = ("name", "label", "tag", "title", "value", "text")
_LONGEST_LITERAL = 100_000

Names = Mapping[int, str] | Literal["none"] | None
# How programs write that a value is missing.
MISSING = frozenset({"nan", "na", "n/a", "<na>", "null", "none"})
BINARY: Mapping[str, int] = {
    **dict.fromkeys(("1", "1.0", "1.", "true", "t", "yes", "y", "x"), 1),
    **dict.fromkeys(("0", "0.0", "0.", "false", "f", "no", "n"), 0),
    **dict.fromkeys(("-1", "-1.0", "-1."), -1),
}


class UnlabelledError(Exception):
    """Nobody has labelled this project: -1 is in the place of its tags."""


def read_binary(value: object) -> int | None:
    """Read a one-hot cell: 1, 0, -1 for one that nobody labelled, None for a blank one.

    >>> [read_binary(cell) for cell in ("True", 0.0, "-1", "", "NA", "x")]
    [1, 0, -1, None, None, 1]

    Raises
    ------
    ValueError
        Something else.
    """
    if isinstance(value, str) and value in BINARY:
        return BINARY[value]
    if is_blank(value):
        return None
    if isinstance(value, str):
        if value.strip().lower() in MISSING:
            return None
        found = BINARY.get(value.strip().lower())
    else:
        found = int(value) if isinstance(value, int | float) and value in (0, 1, -1) else None
    if found is None:
        raise ValueError(f"0 or 1 is needed, got {shorten(repr(value))}")
    return found


def parse_list(cell: str) -> list[object] | Record | None:
    """Parse a list or an object in a cell; nothing in it is executed.

    JSON, Python (lists, tuples, sets), NumPy (`['a' 'b']`, no commas), and lists without quotes.

    >>> parse_list('["a", "b"]'), parse_list("['a' 'b']"), parse_list("{a, b}")
    (['a', 'b'], ['a', 'b'], ['a', 'b'])

    Returns
    -------
    list, dict or None
        None where the cell holds no list, or one that could mean two things.
    """
    cell = cell.strip()
    if whole := _ARRAY.fullmatch(cell):
        cell = whole["list"]
    if len(cell) < 2 or _BRACKETS.get(cell[0]) != cell[-1]:
        return None
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):
        pass
    else:
        return found if isinstance(found, list | dict) else None
    inner = cell[1:-1].strip()
    items = _items(inner)
    if items is None and (":" in inner or "{" in inner):
        return _literal(cell)
    if items is None and cell[0] != "(":
        items = _unquoted(inner)
    return items


def _items(inner: str) -> list[object] | None:
    """Read quoted strings and numbers, all with commas between them or all without."""
    items: list[object] = []
    gaps = set()
    end = 0
    while end < len(inner):
        found = _ITEM.match(inner, end)
        if found is None:
            return None
        end = found.end()
        if found["string"] is not None:
            try:
                item = ast.literal_eval(found["string"])
                items.append(item.decode("utf-8") if isinstance(item, bytes) else item)
            except (ValueError, SyntaxError):
                return None
        else:
            number = float(found["number"])
            items.append(int(number) if number.is_integer() else number)
        if end < len(inner):
            gaps.add(found["gap"].strip())
            if not found["gap"]:
                return None
    # 'a' 'b', 'c' is Python for two items, not for three.
    return items if len(gaps) < 2 else None


def _literal(cell: str) -> list[object] | Record | None:
    if len(cell) > _LONGEST_LITERAL:
        return None
    try:
        found = ast.literal_eval(cell)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None
    if isinstance(found, dict):
        return found
    return list(found) if isinstance(found, list | tuple | set) else None


def _unquoted(inner: str) -> list[object] | None:
    if re.search(r"[\[\]{}()':]|\.\.\.", inner):
        return None
    try:
        (items,) = csv.reader([inner], skipinitialspace=True, strict=True)
    except (csv.Error, ValueError):
        return [] if not inner else None
    if len(items) == 1 and re.search(r"\s", items[0].strip()):
        return None  # [a b]: one or two
    return [item.strip() for item in items]


def read_tags(
    value: object, separator: str = "", names: Names = None, *, multi_hot: bool = False
) -> list[str]:
    """Read the tags of one cell, in its order, each once.

    Parameters
    ----------
    value : object
        A list, an object {tag: 0 or 1}, a number, a string, or nothing.
    separator : str
        What separates the tags of a string. "" takes lists and single words alone,
        "none" takes the whole string as one tag, "<>" reads `<a><b>`.
    names : mapping of int to str, "none" or None
        The names of numbers; "none" takes the numbers as names.
    multi_hot : bool
        A list holds 0 or 1 for each of `names`, in their order.

    >>> read_tags("b; a; b", ";"), read_tags("['a', 'b']")
    (['b', 'a'], ['a', 'b'])
    >>> read_tags([1, 0], names={0: "x", 1: "y"})
    ['y', 'x']

    Raises
    ------
    ValueError
        No tags, or what could be read in two ways; the message says why.
    UnlabelledError
        -1 is in the place of the tags.
    """
    items = _cell_items(value, separator)
    if isinstance(items, dict):
        return clean_tags(_held(items))
    if multi_hot:
        items = _named(items, names)
    elif names is not None:
        items = [_name_of(item, names) for item in items]
    return clean_tags([_text_of(item) for item in items])


def _cell_items(value: object, separator: str) -> Sequence[object] | Record:
    if is_blank(value):
        return []
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, dict):
        return value
    if isinstance(value, list | tuple):
        if value and all(isinstance(item, tuple) and len(item) == 2 for item in value):
            return dict(value)  # a map, as Arrow gives it
        return value
    if not isinstance(value, str):
        return [value]
    cell = value.strip()
    if separator == NONE:
        return [cell]
    bracketed = _BRACKETS.get(cell[0]) == cell[-1] or cell.startswith("array(")
    listed = parse_list(cell) if bracketed else None
    if separator == ANGLE:
        if not _ANGLES.fullmatch(cell):
            raise ValueError(f"<a><b> is needed, got {shorten(repr(cell))}")
        return re.findall(r"<([^<>]+)>", cell)
    if separator:
        if listed is not None and re.search("['\"]", cell):
            raise ValueError(
                f"a list stands in the cell, {shorten(repr(cell))}: leave the separator out"
            )
        return [item for item in cell.split(separator) if item.strip()]
    if listed is not None:
        return listed
    if bracketed:
        raise ValueError(f"no list that can be read, {shorten(repr(cell))}")
    if DOUBTFUL.search(cell):
        raise ValueError(
            f"{shorten(repr(cell))} is one tag or several: `separator` says what stands between "
            'them ("none": the cell is one tag)'
        )
    return [cell]


def _held(items: Mapping[str, object]) -> list[str]:
    """List the keys of {tag: 0 or 1} that have 1."""
    found = {str(tag): read_binary(value) for tag, value in items.items()}
    unlabelled = [tag for tag, value in found.items() if value in (-1, None)]
    if found and len(unlabelled) == len(found):
        raise UnlabelledError
    if unlabelled:
        raise ValueError(f"neither 0 nor 1 for {shorten(', '.join(unlabelled))}")
    return [tag for tag, value in found.items() if value == 1]


def _named(items: Sequence[object], names: Names) -> list[str]:
    if not isinstance(names, Mapping):
        raise ValueError("a list of 0 and 1 needs `names`, one for each place")
    if items and all(read_binary(item) == -1 for item in items):
        raise UnlabelledError
    if items and len(items) != len(names):
        raise ValueError(f"{len(items)} numbers for {len(names)} names")
    cells = [read_binary(item) for item in items]
    if not set(cells) <= {0, 1}:
        raise ValueError(f"0 or 1 is needed in each place, got {shorten(repr(list(items)))}")
    return [names[key] for key, cell in zip(sorted(names), cells, strict=False) if cell]


def whole_number(item: object) -> int | None:
    """Return the whole number that a value is or spells; None where it is none.

    >>> whole_number(3.0), whole_number("27"), whole_number("a"), whole_number(True)
    (3, 27, None, None)
    """
    if isinstance(item, bool):
        return None
    if isinstance(item, str):
        return int(item) if re.fullmatch(r"\s*-?\d{1,18}\s*", item, re.ASCII) else None
    if isinstance(item, float):
        return int(item) if math.isfinite(item) and item.is_integer() else None
    return item if isinstance(item, int) else None


def _name_of(item: object, names: Mapping[int, str] | Literal["none"]) -> object:
    number = whole_number(item)
    if number is None:
        if names == NONE:
            return item
        raise ValueError(f"a number that `names` names is needed, got {shorten(repr(item))}")
    if not isinstance(names, Mapping):
        return str(number)
    if number in names:
        return names[number]
    if number == -1:
        raise UnlabelledError
    listed = shorten(", ".join(f"{key} {name}" for key, name in sorted(names.items())))
    raise ValueError(f"{number} has no name; the names are {listed}")


def _text_of(item: object) -> str:
    if isinstance(item, str):
        return item
    if isinstance(item, bytes):
        return item.decode("utf-8", "replace")
    if isinstance(item, dict):
        for key in _NAME_KEYS:
            if isinstance(item.get(key), str):
                return str(item[key])
    if whole_number(item) is not None:
        raise ValueError(
            f'{item!r} is a number: `names` says what it stands for ("none": keep numbers as names)'
        )
    raise ValueError(f"a tag is text, got {shorten(repr(item))}")


def clean_tags(tags: Sequence[str]) -> list[str]:
    """Return tags without blanks around them, each once.

    Raises
    ------
    ValueError
        A tag is blank or has a NUL character.
    """
    found = [tag.strip() for tag in tags]
    if found == [""]:
        return []  # what "".split(",") leaves
    for tag in found:
        if not tag:
            raise ValueError("a blank tag; each tag needs a name")
        if "\0" in tag:
            raise ValueError(f"no NUL character is allowed, got {shorten(repr(tag))}")
    return list(dict.fromkeys(found))
