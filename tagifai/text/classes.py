"""Classes of characters that Python's `re` has no name for, as ranges that it understands."""

import re
import unicodedata
from functools import lru_cache
from itertools import groupby

from tagifai.errors import one_of

# Marks, punctuation, symbols, separators and digits all stand here; beyond are ideographs.
_LOOKED_AT = (*range(0x20000), *range(0xE0100, 0xE01F0))
_LAST = 0x10FFFF
# What Unicode shows as an emoji by default, and those among the miscellaneous symbols and
# dingbats that become one beside U+FE0F, such as ☀ and ❤. Planes are listed by their blocks, so
# that emoji newer than this list are in it.
_EMOJI = (
    "231A-231B 23E9-23EC 23F0 23F3 25FD-25FE 2600-2604 260E 2611 2614-2615 2618 261D 2620 "
    "2622-2623 2626 262A 262E-262F 2638-263A 2640 2642 2648-2653 265F-2660 2663 2665-2666 2668 "
    "267B 267E-267F 2692-2697 2699 269B-269C 26A0-26A1 26A7 26AA-26AB 26B0-26B1 26BD-26BE "
    "26C4-26C5 26C8 26CE-26CF 26D1 26D3-26D4 26E9-26EA 26F0-26F5 26F7-26FA 26FD 2702 2705 "
    "2708-270D 270F 2712 2714 2716 271D 2721 2728 2733-2734 2744 2747 274C 274E 2753-2755 2757 "
    "2763-2764 2795-2797 27A1 27B0 27BF 2B1B-2B1C 2B50 2B55 1F004 1F0CF 1F18E 1F191-1F19A "
    "1F1E6-1F1FF 1F201 1F21A 1F22F 1F232-1F236 1F238-1F23A 1F250-1F251 1F300-1F64F 1F680-1F6FF "
    "1F7E0-1F7F0 1F900-1F9FF 1FA70-1FAFF"
)
_OUTSIDE = re.compile(r"\\([pP])\{([^{}]*)\}|\\.|(\[\^?\]?)|.", re.DOTALL)
_INSIDE = re.compile(r"\\([pP])\{([^{}]*)\}|\\.|(\])|.", re.DOTALL)

Ranges = tuple[tuple[int, int], ...]


@lru_cache(maxsize=64)
def char_class(*names: str) -> str:
    r"""Return classes as the inside of a set of `re`, such as `\u0300-\u036f…`.

    A name is a general category of Unicode that starts with M, N, P, S or Z, in one letter or
    two, or "Emoji": emoji that are pictures, hence not the digits, `#`, `*`, `©`, `®` and `™`
    that Unicode counts among them.

    Raises
    ------
    TagifaiError
        A name is not known.

    Examples
    --------
    >>> bool(re.fullmatch(f"[{char_class('P')}]+", "!?،。")), char_class("Zl")
    (True, '\\u2028')
    """
    return _written(sorted(span for name in names for span in _ranges(name)))


def expand_classes(pattern: str) -> str:
    r"""Write `\p{…}` and `\P{…}`, which `re` lacks, as the ranges of `char_class`.

    Both may stand inside a set or outside.

    Raises
    ------
    TagifaiError
        A class is not known.

    Examples
    --------
    >>> expand_classes(r"a\p{Zl}[b\p{Zp}]\\p{x}")
    'a[\\u2028][b\\u2029]\\\\p{x}'
    """
    if r"\p{" not in pattern and r"\P{" not in pattern:
        return pattern
    written: list[str] = []
    at, inside = 0, False
    while at < len(pattern):
        found = (_INSIDE if inside else _OUTSIDE).match(pattern, at)
        assert found is not None  # a dot takes whatever is left
        kind, name, bracket = found.groups()
        if kind:
            ranges = _written(_others(_ranges(name)) if kind == "P" else _ranges(name))
            written.append(ranges if inside else f"[{ranges}]")
        else:
            inside = inside != bool(bracket)
            written.append(found[0])
        at = found.end()
    return "".join(written)


@lru_cache(maxsize=64)
def _ranges(name: str) -> Ranges:
    if name == "Emoji":
        spans = (span.split("-") for span in _EMOJI.split())
        return tuple((int(span[0], 16), int(span[-1], 16)) for span in spans)
    known = _categories()
    found = [span for category, own in known.items() if category.startswith(name) for span in own]
    if not name or not found:
        allowed = sorted({*known, *(category[0] for category in known), "Emoji"})
        raise one_of(r"class \p{…}", name, allowed)
    return tuple(sorted(found))


@lru_cache(maxsize=1)
def _categories() -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    at = 0
    for category, group in groupby(unicodedata.category(chr(code)) for code in _LOOKED_AT):
        length = sum(1 for _ in group)
        if category[0] in "MNPSZ":
            span = (_LOOKED_AT[at], _LOOKED_AT[at + length - 1])
            found.setdefault(category, []).append(span)
        at += length
    return found


def _others(ranges: Ranges) -> Ranges:
    """List the ranges between these."""
    edges = [-1, *(edge for span in ranges for edge in span), _LAST + 1]
    gaps = zip(edges[::2], edges[1::2], strict=True)
    return tuple((low + 1, high - 1) for low, high in gaps if high - low > 1)


def _written(ranges: "Ranges | list[tuple[int, int]]") -> str:
    return "".join(
        _escaped(low) if low == high else f"{_escaped(low)}-{_escaped(high)}"
        for low, high in ranges
    )


def _escaped(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
