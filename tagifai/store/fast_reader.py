"""Read the figures of a performance.json as `train` writes it, checked as they are decoded.

This is not a second validator: whatever is not as `train` writes it goes to the one in
`store.parsing`, which also words the messages. Checking field by field takes several times as
long as decoding, and the history reads a thousand versions.
"""

import math
import struct
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta, Struct, field
from msgspec.structs import astuple
from numpy.typing import NDArray

from tagifai.metrics import COVERED

Key = tuple[str, str, str]
"""Group ("overall", "class", "slices" or "behavioral"), name in it, and metric."""

COUNTS = (
    "num_samples",
    "num_predicted",
    "num_pairs",
    "num_pairs_above_0_05",
    "skipped",
    *COVERED,
)

_Number = float | None
_Fraction = Annotated[float, Meta(ge=0, le=1)] | None
_Count = Annotated[float, Meta(ge=0)] | None


class Figures(Struct, frozen=True, eq=False):
    """The figures of a version: `values[places[key]]`, NaN where one is undefined.

    >>> f1, recall = ("class", "cv", "f1"), ("class", "cv", "recall")
    >>> known = Figures({f1: 0, recall: 1}, np.array([0.5, np.nan]))
    >>> known.as_dict(), known.choose([recall, f1])
    ({('class', 'cv', 'f1'): 0.5}, [None, 0.5])
    """

    places: Mapping[Key, int]
    values: NDArray[np.float64]

    def as_dict(self) -> dict[Key, float]:
        """Return the figures that are defined."""
        values = self.values.tolist()
        found = ((key, values[place]) for key, place in self.places.items())
        return {key: value for key, value in found if value == value}  # NaN is not

    def choose(self, keys: Iterable[Key]) -> list[float | None]:
        """Return the value of each key, None where it is undefined or not there."""
        places, item = [self.places.get(key) for key in keys], self.values.item
        found = [math.nan if place is None else item(place) for place in places]
        return [value if value == value else None for value in found]


class FigureReader:
    """Reads figures fast where `train` wrote them, and through `exact` everywhere else."""

    def __init__(self, exact: Callable[[bytes, str], Mapping[Key, float]]) -> None:
        self._exact = exact
        self._decoder = msgspec.json.Decoder(_Performance)
        # A thousand versions of the same tags share one index of them.
        self._fast: dict[tuple[tuple[str, ...], ...], Mapping[Key, int]] = {}
        self._others: dict[tuple[Key, ...], Mapping[Key, int]] = {}

    def read(self, content: bytes, where: str) -> Figures:
        """Read the figures of a performance.json.

        Raises
        ------
        TagifaiError
            `exact` refuses `content`; the message starts with `where`.
        """
        known = self._read_fast(content)
        if known is not None:
            return known
        figures = self._exact(content, where)
        keys = tuple(figures)
        places = self._others.setdefault(keys, {key: place for place, key in enumerate(keys)})
        return Figures(places, np.fromiter(figures.values(), float, len(keys)))

    def _read_fast(self, content: bytes) -> Figures | None:
        try:
            found = self._decoder.decode(content)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None
        names = found.names()
        places = self._fast.get(names)
        if places is None:
            keys = found.keys()
            places = {key: place for place, key in enumerate(keys) if key[2] not in COUNTS}
            if len(places) < sum(metric not in COUNTS for _, _, metric in keys):
                return None  # two of the same name
            self._fast[names] = places
        # NumPy takes three times as long with a None in between.
        values = [math.nan if value is None else value for value in found.values()]
        return Figures(places, np.frombuffer(struct.pack(f"{len(values)}d", *values)))


class _Row(Struct, forbid_unknown_fields=True, gc=False):
    """Figures; one that is missing is undefined, as null is."""


class _Slice(_Row):
    precision: _Fraction = math.nan
    recall: _Fraction = math.nan
    f1: _Fraction = math.nan
    num_samples: _Count = math.nan

    def mark_undefined(self) -> None:
        """Replace each 0 that stands for 0 / 0, as `parse_performance` does."""
        if self.num_samples == 0:
            self._mark("precision", "recall", "f1")

    def _mark(self, *metrics: str) -> None:
        for metric in metrics:
            if getattr(self, metric) == 0:
                setattr(self, metric, None)


class _Average(_Slice):
    average_precision: _Number = math.nan


class _Tag(_Slice):
    num_predicted: _Number = math.nan
    average_precision: _Number = math.nan

    def mark_undefined(self) -> None:
        predicted = self.num_predicted
        if self.num_samples == 0:
            # NaN, where the count is missing, is true.
            known = predicted and predicted == predicted
            self._mark(*(("recall",) if known else ("precision", "recall", "f1")))
        elif predicted == 0:
            self._mark("precision")


class _Averaged(_Average):
    num_tags: object = None
    num_projects: object = None


class _AllSlices(_Slice):
    num_slices: object = None


class _Weighted(_Average):
    brier: _Number = math.nan
    ece: _Number = math.nan
    ece_above_0_05: _Number = math.nan
    num_pairs: _Number = math.nan
    num_pairs_above_0_05: _Number = math.nan


class _Score(_Row):
    score: _Fraction = math.nan
    num_samples: _Number = math.nan
    name_matcher: _Fraction = math.nan
    skipped: _Number = math.nan

    def mark_undefined(self) -> None:
        if self.num_samples == 0 and self.score == 0:
            self.score = None


class _Overall(_Weighted):
    macro: _Averaged = field(default_factory=_Averaged)
    micro: _Averaged = field(default_factory=_Averaged)
    samples: _Averaged = field(default_factory=_Averaged)
    num_tags: object = None


class _Slices(Struct, forbid_unknown_fields=True, gc=False):
    overall: _AllSlices
    by_name: dict[str, _Slice] = field(name="class")


class _Results(Struct, forbid_unknown_fields=True, gc=False):
    passed: list[object] = []
    failed: list[object] = []


class _Behavioral(_Score):
    by_part: dict[str, _Score] = {}
    by_type: dict[str, _Score] = {}
    by_group: dict[str, _Score] = {}
    results: _Results = field(default_factory=_Results)


class _Performance(Struct, forbid_unknown_fields=True, gc=False):
    overall: _Overall
    by_tag: dict[str, _Tag] = field(name="class")
    slices: _Slices
    behavioral: _Behavioral = field(default_factory=_Behavioral)
    note: str = ""

    def names(self) -> tuple[tuple[str, ...], ...]:
        tests = self.behavioral
        return (
            tuple(self.by_tag),
            tuple(self.slices.by_name),
            tuple(tests.by_part),
            tuple(tests.by_type),
            tuple(tests.by_group),
        )

    def values(self) -> list[float | None]:
        overall, slices, tests = self.overall, self.slices, self.behavioral
        averages = (overall.macro, overall.micro, overall.samples)
        rows = (*self.by_tag.values(), *slices.by_name.values())
        tested = (*tests.by_part.values(), *tests.by_type.values(), *tests.by_group.values())
        for row in (overall, *averages, *rows, slices.overall):
            row.mark_undefined()
        for one in (tests, *tested):
            one.mark_undefined()
        return [
            *_figures(overall, _Weighted),
            *chain.from_iterable(_figures(row, _Average) for row in averages),
            *chain.from_iterable(map(astuple, self.by_tag.values())),
            *_figures(slices.overall, _Slice),
            *chain.from_iterable(map(astuple, slices.by_name.values())),
            *_figures(tests, _Score),
            *chain.from_iterable(map(astuple, tested)),
        ]

    def keys(self) -> list[Key]:
        tests = self.behavioral
        by_name = [name if name != "overall" else "overall (slice)" for name in self.slices.by_name]
        rows: list[tuple[str, type[Struct], Iterable[str]]] = [
            ("overall", _Weighted, ("weighted",)),
            ("overall", _Average, ("macro", "micro", "samples")),
            ("class", _Tag, self.by_tag),
            ("slices", _Slice, ("overall", *by_name)),
            ("behavioral", _Score, ("all", *tests.by_part, *tests.by_type, *tests.by_group)),
        ]
        return [
            (group, name, metric)
            for group, row, names in rows
            for name in names
            for metric in row.__struct_fields__
        ]


def _figures(row: Struct, kind: type[Struct]) -> tuple[Any, ...]:
    """Return the fields that a row has as one of `kind`, which it extends."""
    return astuple(row)[: len(kind.__struct_fields__)]
