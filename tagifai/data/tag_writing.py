"""Write changed tags into one cell, in the form that the cell has."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tagifai.data.edits import ItemList, JsonStyle, Retag, edit_items, edit_list
from tagifai.data.edits import parse_list as parse_json_list
from tagifai.data.names import normalise_name, normalise_names
from tagifai.data.tag_cells import (
    ANGLE,
    NONE,
    Names,
    UnlabelledError,
    is_blank,
    parse_list,
    read_binary,
    read_tags,
)
from tagifai.data.validation import replace_surrogates
from tagifai.errors import TagifaiError, shorten

_QUOTED = re.compile(
    r"""[uUbBrR]?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
    r"""|[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?(?![^\s,])""",
    re.S,
)
_BARE = re.compile(r"[^,\s](?:[^,]*[^,\s])?")
_ANGLED = re.compile(r"<[^<>]+>")
_OPENS = re.compile(r"\s*(?:array\(\s*)?[\[({]")
_CLOSES = {"[": "]", "(": ")", "{": "}"}
# How 0 and 1 are written in the cells of one-hot columns.
_ONES = {
    "1": "0",
    "1.0": "0.0",
    "1.": "0.",
    "true": "false",
    "t": "f",
    "yes": "no",
    "y": "n",
}
_ZEROS = {zero: one for one, zero in _ONES.items()}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What changes of one project: names removed, and names added, which come last."""

    removed: frozenset[str] = frozenset()
    added: tuple[str, ...] = ()

    def of(self, values: Iterable[str]) -> Retag:
        """Return which tags, as they are written, stay, and what is added."""
        removed = {name_of(tag) for tag in self.removed}
        return Retag(tuple(name_of(value) not in removed for value in values), self.added)


def name_of(value: str) -> str:
    """Return the name that is read where a tag is written so."""
    return normalise_name(replace_surrogates(value))


@dataclass(frozen=True, slots=True)
class CellForm:
    """How the cells of a column hold tags.

    Parameters
    ----------
    separator, names, multi_hot
        As `Columns` says.
    style : JsonStyle
        How JSON is written.
    example : ItemList or None
        The most common list of the column, where cells hold lists in brackets.
    between : str
        What most often separates two tags; "" where no cell has two.
    """

    separator: str = ""
    names: Names = None
    multi_hot: bool = False
    style: JsonStyle = field(default_factory=JsonStyle)
    example: ItemList | None = None
    between: str = ""


def form_of(
    cells: Iterable[str],
    style: JsonStyle,
    separator: str = "",
    names: Names = None,
    *,
    multi_hot: bool = False,
) -> CellForm:
    """Detect how a column writes tags, by all of its cells."""
    lists: Counter[ItemList] = Counter()
    gaps: Counter[str] = Counter()
    for cell in cells:
        if is_blank(cell):
            continue
        try:
            found = take_apart(cell, separator)
        except TagifaiError:
            continue
        gaps.update(gap for gap in found.separators if "\n" not in gap)
        if found.opening.strip():
            first = tuple(item[:1] for item in found.items[:1])
            lists[replace(found, items=first, values=(), separators=())] += 1
    between = gaps.most_common(1)[0][0] if gaps else ""
    example = max(lists, key=lambda one: (bool(one.items), lists[one])) if lists else None
    return CellForm(separator, names, multi_hot, style, example, between)


def take_apart(cell: str, separator: str = "") -> ItemList:
    """Split a cell into the tags that are written in it, and all that is around them.

    >>> found = take_apart("a; b ;c", ";")
    >>> found.items, found.separators
    (('a', 'b', 'c'), ('; ', ' ;'))
    >>> found = take_apart("['a' 'b']")
    >>> found.values, found.opening, found.separators
    (('a', 'b'), '[', (' ',))

    Raises
    ------
    TagifaiError
        It is unclear where each tag begins and ends.
    """
    start, stop = len(cell) - len(cell.lstrip()), len(cell.rstrip())
    spans: list[tuple[int, int]] = []
    values: list[object] = []
    if separator == ANGLE:
        spans = [found.span() for found in _ANGLED.finditer(cell)]
        values = [cell[one + 1 : end - 1] for one, end in spans]
    elif separator and separator != NONE:
        at = 0
        for piece in cell.split(separator):
            if core := piece.strip():
                begins = at + piece.index(core)
                spans.append((begins, begins + len(core)))
                values.append(core)
            at += len(piece) + len(separator)
    elif not separator and (opens := _OPENS.match(cell)):
        listed = parse_list(cell)
        values = listed if isinstance(listed, list) else [listed]
        start, stop = opens.end(), cell.rfind(_CLOSES[opens[0][-1]])
        placed = _spans(cell, start, stop, values)
        if placed is None or not all(isinstance(value, str | int) for value in values):
            raise TagifaiError(f"no list of tags that can be changed in place: {shorten(cell)!r}")
        spans = placed
    else:
        spans, values = [(start, stop)], [cell[start:stop]]
    if not spans:
        return ItemList(opening=cell[:start], closing=cell[stop:])
    if not _OPENS.match(cell) or separator:
        start, stop = 0, len(cell)
    ends = [end for _, end in spans]
    return ItemList(
        tuple(cell[one:end] for one, end in spans),
        tuple(str(value) for value in values),
        tuple(cell[end:one] for end, (one, _) in zip(ends, spans[1:], strict=False)),
        cell[start : spans[0][0]],
        cell[ends[-1] : stop],
        cell[:start],
        cell[stop:],
    )


def _spans(
    cell: str, start: int, stop: int, listed: Sequence[object]
) -> list[tuple[int, int]] | None:
    """Find the places of the items of a list in brackets; None where they are unclear."""
    for pattern in (_QUOTED, _BARE):
        found = [one.span() for one in pattern.finditer(cell, start, stop)]
        edges = [start, *(place for span in found for place in span), stop]
        gaps = [cell[edges[n] : edges[n + 1]] for n in range(0, len(edges), 2)]
        if len(found) == len(listed) and not any(gap.strip(", \t\r\n") for gap in gaps):
            return found
    return None


def edit_cell(cell: str, wanted: Wanted, form: CellForm) -> str:
    """Write changed tags into a cell; what stays is as it was, what is new comes last.

    >>> edit_cell("a; b; c", Wanted(frozenset("a"), ("d",)), CellForm(";"))
    'b; c; d'

    Raises
    ------
    TagifaiError
        The form of the cell cannot hold the new tags.
    """
    try:
        own = _read(cell, form)
    except UnlabelledError:
        cell, own = "", []
    except ValueError as error:
        raise TagifaiError(str(error)) from None
    removed = {name_of(tag) for tag in wanted.removed}
    rest = [tag for tag in own if tag not in removed]
    expected = list(normalise_names([*rest, *wanted.added]))
    written = _write(cell, wanted, form)
    try:
        same = (
            set(_read(written, form)) == set(expected)
            if form.multi_hot
            else (_read(written, form) == expected)
        )
    except (ValueError, UnlabelledError):
        same = False
    if not same:
        raise TagifaiError(
            f"the cell {shorten(cell)!r} is written in a form that cannot hold "
            f"{shorten(', '.join(map(repr, expected)) or 'no tag')}"
        )
    return written


def _read(cell: str, form: CellForm) -> list[str]:
    return list(
        normalise_names(read_tags(cell, form.separator, form.names, multi_hot=form.multi_hot))
    )


def _write(cell: str, wanted: Wanted, form: CellForm) -> str:
    if is_blank(cell):
        return _fill(wanted, form) if wanted.added else cell
    if form.multi_hot:
        return _flip_places(cell, wanted, form)
    if not form.separator and form.names is None:
        try:
            found = parse_json_list(cell)
        except TagifaiError:
            pass
        else:
            # An empty list is one of Python, too.
            items = form.example.items if form.example else ()
            if found.items or not items or items[0].startswith('"'):
                return edit_list(found, wanted.of(found.values), form.style)
    found = take_apart(cell, form.separator)
    keep = wanted.of([tag for value in found.values for tag in _named(value, form)]).keep
    single = form.separator == NONE or not (form.separator or found.opening.strip())
    if len(keep) != len(found.items) or (single and sum(keep) + len(wanted.added) > 1):
        raise TagifaiError(
            f"the cell {shorten(cell)!r} holds one tag, and no separator says how to add another"
        )
    model = found if found.items else (form.example or found)
    added = [_token(tag, model, form) for tag in wanted.added]
    between = form.between or ("" if form.separator == ANGLE else form.separator or ", ")
    return edit_items(found, keep, added, f",{found.lead}" if "\n" in found.lead else between)


def _named(value: str, form: CellForm) -> list[str]:
    try:
        return read_tags([value], "", form.names)
    except (ValueError, UnlabelledError) as error:
        raise TagifaiError(str(error) or f"{value!r} is no tag") from None


def _fill(wanted: Wanted, form: CellForm) -> str:
    """Write tags into an empty cell, as the other cells of the column hold theirs."""
    if not form.separator and (form.example is not None or len(wanted.added) > 1):
        model = form.example or ItemList(items=('"',))
    else:
        model = ItemList(opening="", closing="")
    between = form.between or ("" if form.separator == ANGLE else form.separator or ", ")
    items = [_token(tag, model, form) for tag in wanted.added]
    return edit_items(replace(model, items=()), (), items, between)


def _token(tag: str, model: ItemList, form: CellForm) -> str:
    """Write a tag as the items of a list are written."""
    if isinstance(form.names, Mapping):
        number = next((key for key, name in form.names.items() if name_of(name) == tag), None)
        if number is None:
            raise TagifaiError(f"{shorten(tag)!r} has no number; name it in `names` first")
        tag = str(number)
    quote = next((sign for item in model.items for sign in item if sign in "'\""), "")
    if form.separator == ANGLE:
        return f"<{tag}>"
    if form.separator or not (model.opening.strip() and (quote or not model.items)):
        return tag
    if isinstance(form.names, Mapping) and not quote:
        return tag
    return repr(tag) if quote == "'" else form.style.quote(tag)


def _flip_places(cell: str, wanted: Wanted, form: CellForm) -> str:
    """Write 0 or 1 at the places of tags."""
    found = take_apart(cell, form.separator)
    names = form.names if isinstance(form.names, Mapping) else {}
    places = {name_of(names[key]): place for place, key in enumerate(sorted(names))}
    items = list(found.items)
    for tags, value in ((wanted.removed, 0), (wanted.added, 1)):
        for tag in tags:
            if name_of(tag) not in places:
                raise TagifaiError(f"{shorten(tag)!r} has no place; name it in `names` first")
            place = places[name_of(tag)]
            items[place] = flip(items[place], value, items)
    return edit_items(replace(found, items=tuple(items)), [True] * len(items), (), "")


def flip(cell: str, value: int, others: Iterable[str] = (), *, blank: bool = False) -> str:
    """Write 0 or 1 as a one-hot cell is written.

    >>> flip("0", 1), flip(" FALSE", 1), flip("1.0", 0), flip("", 1, ["", "x"]), flip("", 1)
    ('1', ' TRUE', '0.0', 'x', '1')

    Parameters
    ----------
    cell : str
        The cell as it is.
    value : int
        0 or 1.
    others : iterable of str
        Cells of the same column, which decide where the cell alone does not.
    blank : bool
        Whether a blank cell is a 0.
    """
    core = cell.strip()
    turned = (_ZEROS if value else _ONES).get(core.lower())
    if turned is None:
        written = Counter(other for other in others if _is_written(other, value, blank))
        return written.most_common(1)[0][0] if written else str(value)
    if core.isupper():
        turned = turned.upper()
    elif core[:1].isupper():
        turned = turned.capitalize()
    return cell.replace(core, turned)


def _is_written(cell: str, value: int, blank: bool) -> bool:
    try:
        found = read_binary(cell)
    except ValueError:
        return False
    return found == value or (blank and value == 0 and found is None)
