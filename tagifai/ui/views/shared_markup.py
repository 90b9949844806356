"""Markup of many pages that differ little, told once: the page joins what a step shows itself."""

import re
from collections.abc import Callable, Sequence

import orjson

MAX_BYTES = 1_000_000
_MARKS = re.compile(r"(?=<(?:tr|g)>)")
# Joins the parts of the first page whose bound is not passed; where nothing was told, all stay.
JOIN = """
(value, told, ...parts) => {
  if (!told) return parts.map(() => ({__type__: 'update'}));
  if (window.tagifaiTold?.told !== told) window.tagifaiTold = {told, ...JSON.parse(told)};
  const {bounds, pages, pieces} = window.tagifaiTold;
  const found = bounds.findIndex((bound) => value <= bound);
  const page = pages[found < 0 ? bounds.length : found];
  return page.map((numbers) => numbers.map((number) => pieces[number]).join(''));
}
"""


def write_shared(bounds: Sequence[int], show: Callable[[int], Sequence[str]]) -> str:
    """Write, as JSON for `JOIN`, what each step shows, each piece of markup once.

    `show` gives the parts of a step's page; steps between two of the rising `bounds` show what
    the greater one does, and those past the last one what follows it. "" where that were more
    than `MAX_BYTES`.

    >>> write_shared([3], lambda step: [f"<p>{step}</p><tr>a", "<tr>a"])
    '{"bounds":[3],"pages":[[[0,1],[1]],[[2,1],[1]]],"pieces":["<p>3</p>","<tr>a","<p>4</p>"]}'
    """
    numbers: dict[str, int] = {}
    size = 0
    pages = []
    for step in (*bounds, (bounds[-1] if bounds else 0) + 1):
        page = []
        for part in show(step):
            pieces = [piece for piece in _MARKS.split(part) if piece]
            size += sum(8 if piece in numbers else 8 + len(piece) for piece in pieces)
            page.append([numbers.setdefault(piece, len(numbers)) for piece in pieces])
        if size > MAX_BYTES:
            return ""
        pages.append(page)
    return orjson.dumps({"bounds": [*bounds], "pages": pages, "pieces": [*numbers]}).decode()
