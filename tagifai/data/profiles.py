"""Count what the cells of each column are, before anything is made of them."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tagifai.data.assignment import is_blank
from tagifai.data.tag_cells import BINARY, MISSING, parse_list, whole_number

SEPARATORS = {";": "semicolons", "|": "vertical bars", "\n": "line ends", "\t": "tabs"}
"""What may separate the tags of a cell, beside commas, and what it is called."""
COMMA = ","
_MOST_DISTINCT = 5_000
_LONG = 300
_LONGEST_LIST = 100_000
_WORDS_OF_PROSE = 4


@dataclass(slots=True)
class Profile:
    """What the cells of one column are, counted as they go by.

    Attributes
    ----------
    seen, blank : int
        Cells in all, and empty ones.
    kinds : Counter of str
        Cells by kind: "text", "list", "truth", "number", "object", "bytes", "other".
    prose, lists, angles, spaced, numbers, floats : int
        Texts of four words or more, that are lists, that read `<a><b>`, with a blank inside; whole
        numbers, as numbers or texts; floats.
    bracketed : str
        A text in brackets that cannot be read as a list; "" for none.
    separated : Counter of str
        Texts by what may separate tags in them.
    distinct : Counter of str
        Texts, up to 5,000 different ones.
    items : Counter of str
        Items of lists by kind.
    lengths : set of int
        Lengths of lists.
    zeros_and_ones : bool
        Whether lists hold 0, 1 and -1 alone.
    binary : set of str or None
        How 0, 1 and -1 are written; None where a cell holds something else.
    lowest, highest : int or None
        Of the whole numbers.
    in_order : bool
        Whether the cells number the rows.
    maps : bool
        Whether each object maps names to 0 and 1.
    again : dict
        How often each short cell has come again since it was counted: most columns have few
        different ones.
    """

    seen: int = 0
    blank: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    prose: int = 0
    lists: int = 0
    bracketed: str = ""
    angles: int = 0
    spaced: int = 0
    separated: Counter[str] = field(default_factory=Counter)
    distinct: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)
    lengths: set[int] = field(default_factory=set)
    zeros_and_ones: bool = True
    binary: set[str] | None = field(default_factory=set)
    numbers: int = 0
    lowest: int | None = None
    highest: int | None = None
    in_order: bool = True
    floats: int = 0
    maps: bool = True
    again: dict[str | tuple[type, int], int] = field(default_factory=dict)

    def add(self, value: object, number: int) -> None:
        """Count a cell of row `number`; `finish` counts those that have come again."""
        self.seen += 1
        if (isinstance(value, str) and len(value) <= _LONG) or isinstance(value, int):
            # 1 and True are equal, and no strings.
            key = value if isinstance(value, str) else (type(value), value)
            before = self.again.get(key)
            if before is not None:
                self.again[key] = before + 1
                return
            if len(self.again) < _MOST_DISTINCT:
                self.again[key] = 0
        if self.in_order:
            self.in_order = whole_number(value) in (number - 1, number)
        self._count(value, 1)

    def finish(self) -> None:
        """Count the cells that have come again, each as often as it has."""
        for key, times in self.again.items():
            if times:
                value = key[1] if isinstance(key, tuple) else key
                self.in_order = False
                self._count(value, times)
        self.again.clear()

    def _count(self, value: object, times: int) -> None:
        if isinstance(value, str):
            self._add_text(value.strip(), times)
        elif is_blank(value):
            self.blank += times
        elif isinstance(value, list | tuple):
            self.kinds["list"] += times
            self.binary = None
            self._add_items(value)
        else:
            self._add_other(value, times)

    def _add_text(self, cell: str, times: int) -> None:
        if not cell:
            self.blank += times
            return
        self.kinds["text"] += times
        if self.binary is not None:
            self._add_binary(cell.lower())
        if cell[0] in "[({a" and len(cell) <= _LONGEST_LIST:
            found = parse_list(cell)
            if found is not None:
                self.lists += times
                self._add_items(list(found) if isinstance(found, dict) else found)
                return
            if cell[0] == "[" and cell[-1] == "]" and not self.bracketed:
                self.bracketed = cell[:_LONG]
        if cell.count(" ") >= _WORDS_OF_PROSE - 1:
            self.prose += times
        if len(self.distinct) < _MOST_DISTINCT or cell in self.distinct:
            self.distinct[cell if len(cell) <= _LONG else cell[:_LONG]] += times
        if len(cell) > _LONG:
            return
        self._add_number(whole_number(cell), times)
        if cell[0] == "<" and re.fullmatch(r"(?:\s*<[^<>]+>)+", cell):
            self.angles += times
        for sign in (*SEPARATORS, COMMA):
            if sign in cell:
                self.separated[sign] += times
        self.spaced += " " in cell

    def _add_binary(self, cell: str) -> None:
        assert self.binary is not None
        # A single letter may be anything: it counts as yes or no only where the user says so.
        if cell in BINARY and not (len(cell) == 1 and cell.isalpha()):
            self.binary.add("word" if cell.isalpha() else "float" if "." in cell else "whole")
        elif cell not in MISSING:
            self.binary = None

    def _add_items(self, items: Sequence[object]) -> None:
        self.lengths.add(len(items))
        whole = [whole_number(item) for item in items]
        self.zeros_and_ones = self.zeros_and_ones and set(whole) <= {0, 1, -1}
        for item, number in zip(items, whole, strict=True):
            if number is not None:
                self.items["number"] += 1
                self.widen(number)
            else:
                kind = "text" if isinstance(item, str | bytes) else "other"
                self.items["object" if isinstance(item, dict) else kind] += 1

    def _add_other(self, value: object, times: int) -> None:
        self.maps = self.maps and isinstance(value, dict) and _maps_to_binary(value)
        if isinstance(value, bool):
            kind, binary = "truth", "truth"
        elif isinstance(value, int | float):
            kind, binary = "number", "float" if isinstance(value, float) else "whole"
        else:
            kind, binary = "object" if isinstance(value, dict) else "other", ""
            if isinstance(value, bytes) or (
                isinstance(value, dict) and any(isinstance(part, bytes) for part in value.values())
            ):
                kind = "bytes"
        self.kinds[kind] += times
        if self.binary is not None:
            if binary and value in (0, 1, -1):
                self.binary.add(binary)
            else:
                self.binary = None
        self.floats += isinstance(value, float)
        self._add_number(whole_number(value), times)

    def _add_number(self, value: int | None, times: int) -> None:
        if value is not None:
            self.numbers += times
            self.widen(value)

    def widen(self, value: int) -> None:
        """Note a whole number among the least and the greatest."""
        self.lowest = value if self.lowest is None else min(self.lowest, value)
        self.highest = value if self.highest is None else max(self.highest, value)

    @property
    def filled(self) -> int:
        """The number of cells that are not blank."""
        return self.seen - self.blank

    @property
    def is_prose(self) -> bool:
        """Whether most cells are sentences, and many of them different."""
        few = min(self.filled, _MOST_DISTINCT)
        return (
            self.kinds["text"] == self.filled > 0
            and not self.bracketed
            and self.prose >= self.filled / 2
            and len(self.distinct) >= few / 2
        )

    @property
    def is_text(self) -> bool:
        """Whether the cells are strings that are neither lists nor numbers."""
        return self.kinds["text"] == self.filled and self.lists + self.numbers < max(1, self.filled)

    @property
    def is_map(self) -> bool:
        """Whether each cell is an object of 0 and 1, as in {"toxic": 1, "obscene": 0}."""
        return self.maps and self.kinds["object"] == self.filled > 0

    @property
    def is_binary(self) -> bool:
        """Whether each cell is 0, 1 or -1, and not all are blank."""
        return bool(self.binary)


def _maps_to_binary(value: Mapping[object, object]) -> bool:
    return bool(value) and all(
        isinstance(part, int | float) and part in (0, 1, -1) for part in value.values()
    )


def profile_rows(rows: Iterable[tuple[int, Mapping[str, object]]]) -> dict[str, Profile]:
    """Count what the cells of each column are, in the order of the columns."""
    found: dict[str, Profile] = {}
    for number, record in rows:
        for name, value in record.items():
            profile = found.get(name)
            if profile is None:
                profile = found[name] = Profile()
            profile.add(value, number)
    for profile in found.values():
        profile.finish()
    return found
