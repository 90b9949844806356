"""Change lists of tags inside a file's text, in place: every other character stays."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from tagifai.errors import TagifaiError, shorten

_BLANKS = re.compile(r"[ \t\r\n]*")
# Lines of nothing but spaces of any kind are skipped in JSON lines.
_BETWEEN_LINES = re.compile(r"\s*")
_DECODER = json.JSONDecoder()
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


class Span(NamedTuple):
    """A stretch of a text, `text[start:stop]`."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Retag:
    """A change of a record's list of tags: which of its items stay, and what is added."""

    keep: tuple[bool, ...]
    added: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Replacement:
    """A stretch of a text and what replaces it."""

    span: Span
    text: str


def replace_spans(text: str, replacements: Iterable[Replacement]) -> str:
    """Replace stretches of a text; what lies between them stays.

    >>> replace_spans("abcdef", [Replacement(Span(4, 5), "E"), Replacement(Span(0, 1), "")])
    'bcdEf'
    """
    parts, at = [], 0
    for one in sorted(replacements, key=lambda replacement: replacement.span):
        parts += [text[at : one.span.start], one.text]
        at = one.span.stop
    return "".join([*parts, text[at:]])


def find_members(text: str, lines: bool = False) -> Iterator[Mapping[str, Span]]:
    """Find the members of each record of a JSON text: {name: the place of its value}.

    Parameters
    ----------
    text : str
        A list of objects; with `lines`, objects one after another. It has been read before.
    lines : bool
        Whether it is JSON lines.

    Yields
    ------
    dict of str to Span
        Of a name that comes twice the last one, which is the one that a reader takes.
    """
    if lines:
        at = _after(_BETWEEN_LINES, text, 0)
        while at < len(text):
            members, at = _members(text, at)
            yield members
            at = _after(_BETWEEN_LINES, text, at)
        return
    for _, found in _objects(text):
        yield found


def _objects(text: str) -> Iterator[tuple[Span, Mapping[str, Span]]]:
    """Find the objects of a JSON list of them, each with its members."""
    at = _after_blanks(text, _after_blanks(text, 0) + 1)
    while text[at] != "]":
        members, stop = _members(text, at)
        yield Span(at, stop), members
        at = _after_blanks(text, stop)
        if text[at] == ",":
            at = _after_blanks(text, at + 1)


def _members(text: str, at: int) -> tuple[dict[str, Span], int]:
    """Read the object that begins at `at`: its members, and where it ends."""
    members: dict[str, Span] = {}
    at = _after_blanks(text, at + 1)
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        start = _after_blanks(text, _after_blanks(text, at) + 1)
        _, stop = _DECODER.raw_decode(text, start)
        members[name] = Span(start, stop)
        at = _after_blanks(text, stop)
        if text[at] == ",":
            at = _after_blanks(text, at + 1)
    return members, at + 1


def _after_blanks(text: str, at: int) -> int:
    return _after(_BLANKS, text, at)


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


@dataclass(frozen=True, slots=True)
class ItemList:
    """A list as it is written: its items, and what is before, between and after them.

    Parameters
    ----------
    items, values : tuple of str
        Each item as it is written, and what it means.
    separators : tuple of str
        What separates the items, one less than these.
    lead, tail : str
        Blanks before the first item and after the last.
    opening, closing : str
        What the whole begins and ends with.
    """

    items: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    separators: tuple[str, ...] = ()
    lead: str = ""
    tail: str = ""
    opening: str = "["
    closing: str = "]"


def parse_list(text: str) -> ItemList:
    """Parse a JSON list of strings, with all that is written between its items.

    >>> found = parse_list('[ "a","b"]')
    >>> found.items, found.values, found.lead, found.separators, found.tail
    (('"a"', '"b"'), ('a', 'b'), ' ', (',',), '')

    Raises
    ------
    TagifaiError
        It is no list of strings.
    """
    refused = TagifaiError(f"a JSON list of strings is needed, got {shorten(text)!r}")
    start = _after_blanks(text, 0)
    if text[start : start + 1] != "[":
        raise refused
    items: list[str] = []
    values: list[str] = []
    gaps: list[str] = []
    end = start + 1
    while True:
        at = _after_blanks(text, end)
        if text[at : at + 1] == ",":
            at = _after_blanks(text, at + 1)
        gaps.append(text[end:at])
        if text[at : at + 1] == "]":
            break
        try:
            value, end = _DECODER.raw_decode(text, at)
        except ValueError:
            raise refused from None
        if not isinstance(value, str):
            raise refused
        items.append(text[at:end])
        values.append(value)
    if not items:
        return ItemList()
    return ItemList(tuple(items), tuple(values), tuple(gaps[1:-1]), gaps[0], gaps[-1])


@dataclass(frozen=True, slots=True)
class JsonStyle:
    """How a file writes lists of strings, beyond what one list alone shows.

    Parameters
    ----------
    lead, tail : str
        What follows the opening and precedes the closing bracket.
    separator : str
        What separates the items of a list on one line.
    ascii_only, upper_case, slashes : bool
        Whether characters beyond ASCII are escaped, with capital digits, and whether slashes are.
    """

    lead: str = ""
    tail: str = ""
    separator: str = ", "
    ascii_only: bool = False
    upper_case: bool = False
    slashes: bool = False

    def quote(self, value: str) -> str:
        """Write a string as the file does."""
        written = json.dumps(value, ensure_ascii=self.ascii_only)
        try:
            written.encode("utf-8")
        except UnicodeEncodeError:  # half a pair, which an escape alone can hold
            written = json.dumps(value)
        if self.upper_case:
            written = _ESCAPED.sub(lambda found: "\\u" + found[1].upper(), written)
        return written.replace("/", "\\/") if self.slashes else written


def style_of(text: str, lists: Sequence[ItemList], *, ascii_only: bool | None = None) -> JsonStyle:
    """Detect how a text writes lists of strings.

    Parameters
    ----------
    text : str
        The file.
    lists : sequence of ItemList
        Its lists of tags.
    ascii_only : bool, optional
        Whether characters beyond ASCII are escaped; by default as the text does it.
    """
    around = Counter((one.lead, one.tail) for one in lists if one.items)
    lead, tail = around.most_common(1)[0][0] if around else ("", "")
    between = Counter(gap for one in lists for gap in one.separators if "\n" not in gap)
    compact = not re.search(r'"[ \t]*:[ \t]', text) and re.search(r'"[ \t]*:', text)
    separator = between.most_common(1)[0][0] if between else "," if compact else ", "
    escapes = [code for code in _ESCAPED.findall(text) if int(code, 16) > 127]
    if ascii_only is None:
        ascii_only = text.isascii()
    letters = "".join(escapes)
    return JsonStyle(
        lead,
        tail,
        separator,
        ascii_only,
        upper_case=letters != letters.lower(),
        slashes="\\/" in text and not re.search(r"(?<!\\)/", text),
    )


def edit_list(found: ItemList, change: Retag, style: JsonStyle) -> str:
    r"""Rewrite a JSON list of strings: what stays is as it was, what is new comes last.

    >>> found = parse_list('["a",  "\\u00e9"]')
    >>> print(edit_list(found, Retag((False, True), ("b",)), JsonStyle()))
    ["\u00e9",  "b"]
    """
    if found.items:
        separator = f",{found.lead}" if "\n" in found.lead else style.separator
        return edit_items(found, change.keep, [*map(style.quote, change.added)], separator)
    separator = f",{style.lead}" if "\n" in style.lead else style.separator
    empty = replace(found, lead=style.lead, tail=style.tail)
    return edit_items(empty, (), [*map(style.quote, change.added)], separator)


def edit_items(found: ItemList, keep: Sequence[bool], added: Sequence[str], separator: str) -> str:
    """Rewrite a list, with new items as they are given.

    `separator` precedes a new item where the list has fewer than two items of its own.
    """
    parts: list[str] = []
    for number, item in enumerate(found.items):
        if keep[number]:
            parts += [found.separators[number - 1], item] if parts else [item]
    separator = found.separators[-1] if found.separators else separator
    for item in added:
        parts += [separator, item] if parts else [item]
    if not parts:
        return found.opening + found.closing
    return f"{found.opening}{found.lead}{''.join(parts)}{found.tail}{found.closing}"


def append_record(text: str, name: str, value: str) -> str:
    r"""Add an object of one member to a JSON list of objects, written as the last one is.

    >>> append_record('[{"tag": "a"}]\n', "tag", "b")
    '[{"tag": "a"}, {"tag": "b"}]\n'
    """
    spans = [span for span, _ in _objects(text)]
    last = spans[-1]
    inner = _after_blanks(text, last.start + 1)
    _, end_of_name = _DECODER.raw_decode(text, inner)
    start = _after_blanks(text, _after_blanks(text, end_of_name) + 1)
    closing = len(text[: last.stop - 1].rstrip(" \t\r\n"))
    style = style_of(text, ())
    record = (
        "{"
        + text[last.start + 1 : inner]
        + style.quote(name)
        + text[end_of_name:start]
        + style.quote(value)
        + text[closing : last.stop]
    )
    opening = text[: spans[0].start]
    gap = opening[len(opening.rstrip(" \t\r\n")) :]
    if len(spans) > 1:
        separator = text[spans[-2].stop : last.start]
    else:
        separator = f",{gap}" if "\n" in gap else style.separator
    return text[: last.stop] + separator + record + text[last.stop :]
