"""The figures of many versions beside each other, read again only where a file changed."""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagifai.errors import TagifaiError
from tagifai.versions import VersionSource, parse_performance

Key = tuple[str, str, str]
"""Group ("overall", "class", "slices" or "behavioral"), name in it, and metric."""

KEY_METRICS: Mapping[str, Key] = MappingProxyType(
    {
        "overall f1": ("overall", "weighted", "f1"),
        "overall precision": ("overall", "weighted", "precision"),
        "overall recall": ("overall", "weighted", "recall"),
        "behavioral score": ("behavioral", "all", "score"),
        "slices f1": ("slices", "overall", "f1"),
        "slices precision": ("slices", "overall", "precision"),
        "slices recall": ("slices", "overall", "recall"),
    }
)
_COUNTS = ("num_samples", "skipped")


def label_of(key: Key) -> str:
    """Say a figure's key in words.

    >>> label_of(("overall", "weighted", "f1")), label_of(("class", "cv", "recall"))
    ('overall f1', 'tag cv: recall')
    >>> label_of(("behavioral", "all", "score")), label_of(("slices", "short_text", "f1"))
    ('behavioral score', 'slice short_text: f1')
    """
    group, name, metric = key
    metric = metric.replace("_", " ")
    if (group, name) in (("overall", "weighted"), ("behavioral", "all"), ("slices", "overall")):
        return f"{group} {metric}"
    if group == "overall":
        return f"overall {metric} ({name})"
    kind = {"class": "tag", "slices": "slice"}.get(group, group)
    return f"{kind} {name}: {metric}"


def flatten_performance(performance: Mapping[str, Any]) -> dict[Key, float]:
    """List every figure of a parsed performance.json by (group, name, metric).

    What stands in "overall" itself has the name "weighted", the behavioral tests together
    "all". Counts and undefined figures are left out.

    >>> flatten_performance({"overall": {"f1": 0.5, "num_samples": 9}, "class": {"cv": {"f1": 1}}})
    {('overall', 'weighted', 'f1'): 0.5, ('class', 'cv', 'f1'): 1.0}
    """
    figures = {}
    for group, name, row in _rows(performance):
        for metric, value in row.items():
            if metric in _COUNTS:
                continue
            if type(value) is float:
                figures[group, name, metric] = value
            elif _is_figure(value):
                figures[group, name, metric] = float(value)
    return figures


def count_samples(performance: Mapping[str, Any]) -> dict[tuple[str, str], int]:
    """List by (group, name) how many samples its figures rest on, where it is said.

    >>> count_samples({"class": {"cv": {"f1": 1, "num_samples": 9.0}, "nlp": {"f1": 1}}})
    {('class', 'cv'): 9}
    """
    return {
        (group, name): int(row["num_samples"])
        for group, name, row in _rows(performance)
        if _is_figure(row.get("num_samples"))
    }


def history(
    figures: Mapping[str, Mapping[Key, float]], metrics: Mapping[str, Key] = KEY_METRICS
) -> list[dict[str, Any]]:
    """Tabulate versions by metrics: records {"version", and a value or None by label}.

    >>> history({"v1": {("overall", "weighted", "f1"): 0.5}}, {"f1": KEY_METRICS["overall f1"]})
    [{'version': 'v1', 'f1': 0.5}]
    """
    return [
        {"version": version, **{label: known.get(key) for label, key in metrics.items()}}
        for version, known in figures.items()
    ]


@dataclass(frozen=True, eq=False)
class _Entry:
    stamp: Hashable
    places: Mapping[Key, int]
    values: NDArray[np.float64]
    error: str | None

    def figures(self) -> dict[Key, float]:
        return dict(zip(self.places, self.values.tolist(), strict=True))

    def choose(self, keys: tuple[Key, ...]) -> tuple[float | None, ...]:
        places = [self.places.get(key) for key in keys]
        return tuple(None if place is None else float(self.values[place]) for place in places)


class PerformanceIndex:
    """The figures of a source's versions, kept small in memory and checked by stamp."""

    def __init__(self, source: VersionSource) -> None:
        self.source = source
        self._entries: dict[str, _Entry] = {}
        self._places: dict[tuple[Key, ...], Mapping[Key, int]] = {}
        self._rows: dict[Hashable, dict[str, tuple[_Entry, dict[str, Any]]]] = {}

    def figures(self, name: str) -> dict[Key, float]:
        """Return every figure of a version.

        Raises:
            TagifaiError: no such version, or its performance.json is missing or malformed.
        """
        entry = self._entry(name)
        if entry.error is not None:
            raise TagifaiError(entry.error)
        return entry.figures()

    def known_figures(self) -> list[Key]:
        """List what any version has a figure for, as read so far by `history`."""
        known = dict.fromkeys(key for places in self._shared() for key in places)
        return list(known)

    def history(self, metrics: Mapping[str, Key] = KEY_METRICS) -> list[dict[str, Any]]:
        """Tabulate all versions in natural order, the workspace last.

        Records {"version", "error", and a value or None by label}; "error" is None, or says
        why a version cannot be read, while the others go on.
        """
        asked, keys = tuple(metrics.items()), tuple(metrics.values())
        names = self.source.names()
        if len(self._entries) > len(names):
            self._entries = {name: self._entries[name] for name in names if name in self._entries}
            self._rows = {}
        rows = self._rows.setdefault(asked, {})
        if len(self._rows) > 20:
            self._rows = {asked: rows}
        table = []
        for name in names:
            entry = self._entry(name)
            known = rows.get(name)
            if known is None or known[0] is not entry:
                chosen = dict(zip(metrics, entry.choose(keys), strict=True))
                known = rows[name] = (entry, {"version": name, "error": entry.error, **chosen})
            table.append(known[1].copy())
        return table

    def _shared(self) -> Iterable[Mapping[Key, int]]:
        return {id(entry.places): entry.places for entry in self._entries.values()}.values()

    def _entry(self, name: str) -> _Entry:
        stamp = self.source.stamp(name, "performance.json")
        known = self._entries.get(name)
        if known is not None and known.stamp == stamp and stamp is not None:
            return known
        error, figures = None, {}
        try:
            content = self.source.read(name, "performance.json")
            if content is None:
                raise TagifaiError(f"version {name!r} has no performance.json")
            figures = flatten_performance(parse_performance(content, f"{name}/performance.json"))
        except TagifaiError as problem:
            error = str(problem)
        keys = tuple(figures)
        # A thousand versions of the same tags share one index of them.
        places = self._places.get(keys)
        if places is None:
            places = self._places[keys] = {key: place for place, key in enumerate(keys)}
        entry = _Entry(stamp, places, np.fromiter(figures.values(), float, len(keys)), error)
        self._entries[name] = entry
        return entry


def _rows(performance: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    overall = performance.get("overall", {})
    yield "overall", "weighted", overall
    for name, row in overall.items():
        if isinstance(row, Mapping):
            yield "overall", name, row
    for tag, row in performance.get("class", {}).items():
        yield "class", tag, row
    slices = performance.get("slices", {})
    yield "slices", "overall", slices.get("overall", {})
    for name, row in slices.get("class", {}).items():
        yield "slices", name if name != "overall" else "overall (slice)", row
    behavioral = performance.get("behavioral", {})
    yield "behavioral", "all", behavioral
    for kind in ("by_type", "by_group"):
        rows = behavioral.get(kind, {})
        if isinstance(rows, Mapping):
            for name, row in rows.items():
                if isinstance(row, Mapping):
                    yield "behavioral", name, row


def _is_figure(value: object) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool))
