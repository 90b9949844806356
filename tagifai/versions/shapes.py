"""Figures of files that differ in their figures alone, by the places they have in the first.

Checking and naming one by one takes several times as long as decoding, and the versions of a
project nearly all have the same tags and metrics.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from math import isnan, nan
from types import NoneType
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from tagifai.errors import TagifaiError

Key = tuple[str, str, str]
"""Group ("overall", "class", "slices" or "behavioral"), name in it, and metric."""

COUNTS = ("num_samples", "skipped")
_FRACTIONS = ("precision", "recall", "f1", "score")
_NUMBERS = frozenset({float, int, NoneType})
# Versions that have no shape in common would fill the memory with what is never met again.
_MOST_SHAPES = 100

_Row = dict[str, Any]
_Shape = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class Figures:
    """The figures of a version: `values[places[key]]`, NaN where one is undefined.

    >>> f1, recall = ("class", "cv", "f1"), ("class", "cv", "recall")
    >>> known = Figures({f1: 0, recall: 1}, np.array([0.5, np.nan]))
    >>> known.as_dict(), known.choose([recall, f1])
    ({('class', 'cv', 'f1'): 0.5}, [None, 0.5])
    """

    places: Mapping[Key, int]
    values: NDArray[np.float64]

    def as_dict(self) -> dict[Key, float]:
        """List those that are defined."""
        listed = zip(self.places, self.values.tolist(), strict=True)
        return {key: value for key, value in listed if not isnan(value)}

    def choose(self, keys: Iterable[Key]) -> list[float | None]:
        """Return the value of each key, None where it is undefined or not there."""
        places = [self.places.get(key) for key in keys]
        found = [nan if place is None else self.values.item(place) for place in places]
        return [None if isnan(value) else value for value in found]


@dataclass(frozen=True, eq=False)
class _Plan:
    places: Mapping[Key, int]
    kept: NDArray[np.intp]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]


class FigureReader:
    """Reads figures as `exact` does, which is asked once a shape and for all that is unusual.

    Files of one shape have the same groups, names and metrics, each with a number or null.
    """

    def __init__(self, exact: Callable[[bytes, str], Mapping[Key, float]]) -> None:
        self._exact = exact
        self._plans: dict[_Shape, _Plan | None] = {}
        self._places: dict[tuple[Key, ...], Mapping[Key, int]] = {}

    def read(self, content: bytes, where: str) -> Figures:
        """Read the figures of a performance.json.

        Raises:
            TagifaiError: `exact` refuses `content`; the message starts with `where`.
        """
        known = self._by_shape(content)
        if known is not None:
            return known
        figures = self._exact(content, where)
        values = np.fromiter(figures.values(), float, len(figures))
        return Figures(self._shared(tuple(figures)), values)

    def _by_shape(self, content: bytes) -> Figures | None:
        try:
            found = orjson.loads(content)
            outline, rows = _outline(found)
            numbers = [_numbers(rows[0]), _numbers(rows[1]), *rows[2:]]
            listed = list(chain.from_iterable(map(dict.values, numbers)))
        except (KeyError, AttributeError, TypeError, ValueError):
            return None
        if not _NUMBERS.issuperset(map(type, listed)):
            return None
        shape = (*outline, *map(tuple, rows[:2]), *map(tuple, numbers))
        if shape not in self._plans and len(self._plans) < _MOST_SHAPES:
            self._plans[shape] = self._plan(found, rows, numbers)
        plan = self._plans.get(shape)
        if plan is None:
            return None
        values = np.array(listed, float)
        if (values < plan.lowest).any() or (values > plan.highest).any():
            return None
        return Figures(plan.places, values[plan.kept])

    def _plan(self, found: _Row, rows: list[_Row], numbers: list[_Row]) -> _Plan | None:
        # `exact` shows what becomes of each number, if all of them tell their places.
        metrics = [metric for row in numbers for metric in row]
        marks = [(place + 1) / (len(metrics) + 1) for place in range(len(metrics))]
        marked = iter(marks)
        for row, names in zip(rows, map(tuple, numbers), strict=True):
            row.update((name, next(marked)) for name in names)
        try:
            figures = self._exact(orjson.dumps(found), "")
        except TagifaiError:
            return None
        counted = [metric in COUNTS for metric in metrics]
        place_of = {mark: place for place, mark in enumerate(marks) if not counted[place]}
        # One that is computed, or hides another of the same name, is in no place.
        if sorted(figures.values()) != sorted(place_of):
            return None
        fraction = np.isin(metrics, _FRACTIONS)
        return _Plan(
            places=self._shared(tuple(figures)),
            kept=np.array([place_of[mark] for mark in figures.values()], np.intp),
            lowest=np.where(fraction | counted, 0.0, -np.inf),
            highest=np.select([fraction, counted], [1.0, np.finfo(float).max], np.inf),
        )

    def _shared(self, keys: tuple[Key, ...]) -> Mapping[Key, int]:
        # A thousand versions of the same tags share one index of them.
        places = self._places.get(keys)
        if places is None:
            places = self._places[keys] = {key: place for place, key in enumerate(keys)}
        return places


def _outline(found: _Row) -> tuple[_Shape, list[_Row]]:
    # What `exact` could find elsewhere, as in files of old, is left to it.
    overall, slices, behavioral = found["overall"], found["slices"], found.get("behavioral", {})
    results = behavioral.get("results", {})
    listed = (results.get("passed", []), results.get("failed", []))
    if "behavioral_report" in found or set(map(type, listed)) != {list}:
        raise KeyError
    tables = (
        {name: row for name, row in overall.items() if type(row) is dict},
        found["class"],
        slices["class"],
        behavioral.get("by_type", {}),
        behavioral.get("by_group", {}),
    )
    rows = [overall, behavioral, slices["overall"]]
    for table in tables:
        rows += table.values()
    return tuple(map(tuple, tables)), rows


def _numbers(row: _Row) -> _Row:
    return {name: value for name, value in row.items() if type(value) in _NUMBERS}
