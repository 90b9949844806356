"""The markup of many pages that differ little, sent once: the page puts each together itself."""

import re
from collections.abc import Callable, Sequence

import orjson

MAX_BYTES = 1_000_000
_MARKS = re.compile(r"(?=<(?:tr|g)>)")
# Joins the parts of the first page whose bound is not passed. All parts stay as they are where
# nothing was sent, or other steps.
JOIN = """
(value, steps, ...parts) => {
  const same = window.tagifaiSteps?.text === steps;
  if (steps && !same) window.tagifaiSteps = {text: steps, ...JSON.parse(steps)};
  const {bounds, pages, pieces, low, high} = window.tagifaiSteps ?? {};
  if (!steps || value < low || value > (high ?? value)) {
    return parts.map(() => ({__type__: 'update'}));
  }
  const found = bounds.findIndex((bound) => value <= bound);
  const page = pages[found < 0 ? bounds.length : found];
  return page.map((numbers) => numbers.map((number) => pieces[number]).join(''));
}
"""


def write_shared(
    bounds: Sequence[int],
    show: Callable[[int], Sequence[str]],
    low: int = 0,
    high: int | None = None,
) -> str:
    """Write, as JSON for `JOIN`, what each step shows, with each piece of markup once.

    Parameters
    ----------
    bounds : sequence of int
        Rising. Steps between two of them show what the greater one does, and steps past the last
        one show what the step after it does.
    show : callable
        Returns the parts of a step's page.
    low, high : int, optional
        The first and the last step that `bounds` are of, where others are sent another time; then
        the last bound is `high`, and nothing is written for steps past it.

    Returns
    -------
    str
        "" where that would be more than `MAX_BYTES`.

    Examples
    --------
    >>> write_shared([3], lambda step: [f"<p>{step}</p><tr>a", "<tr>a"])
    '{"bounds":[3],"pages":[[[0,1],[1]],[[2,1],[1]]],"pieces":["<p>3</p>","<tr>a","<p>4</p>"],\
"low":0,"high":null}'
    """
    steps = [*bounds] if high is not None else [*bounds, (bounds[-1] if bounds else 0) + 1]
    numbers: dict[str, int] = {}
    size = 0
    pages = []
    for step in steps:
        page = []
        for part in show(step):
            pieces = [piece for piece in _MARKS.split(part) if piece]
            size += sum(8 if piece in numbers else 8 + len(piece) for piece in pieces)
            page.append([numbers.setdefault(piece, len(numbers)) for piece in pieces])
        if size > MAX_BYTES:
            return ""
        pages.append(page)
    shared = {"bounds": [*bounds], "pages": pages, "pieces": [*numbers], "low": low, "high": high}
    return orjson.dumps(shared).decode()
