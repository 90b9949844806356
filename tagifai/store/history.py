"""The figures of many versions beside each other, read again only where a file changed."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeGuard

import numpy as np
from msgspec import Struct

from tagifai.errors import TagifaiError
from tagifai.metrics import COVERED
from tagifai.store.fast_reader import COUNTS, FigureReader, Figures, Key
from tagifai.store.versions import VersionSource, parse_performance

KEY_METRICS: Mapping[str, Key] = MappingProxyType(
    {
        "overall f1": ("overall", "weighted", "f1"),
        "overall precision": ("overall", "weighted", "precision"),
        "overall recall": ("overall", "weighted", "recall"),
        "slices f1": ("slices", "overall", "f1"),
        "slices precision": ("slices", "overall", "precision"),
        "slices recall": ("slices", "overall", "recall"),
    }
)
# Most behavioral tests are passed by whoever knows the names of tags: chosen, not key.
BEHAVIORAL_METRICS: Mapping[str, Key] = MappingProxyType(
    {"behavioral score": ("behavioral", "all", "score")}
)
_FILE = "performance.json"
_NO_FIGURES = Figures({}, np.empty(0))


def label_of(key: Key) -> str:
    """Return a figure's key in words.

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


def flatten_performance(performance: Mapping[str, object]) -> dict[Key, float]:
    """List every figure of a parsed performance.json by (group, name, metric).

    What stands in "overall" itself has the name "weighted", the behavioral tests together
    "all". Counts and undefined figures are left out.

    >>> flatten_performance({"overall": {"f1": 0.5, "num_samples": 9}, "class": {"cv": {"f1": 1}}})
    {('overall', 'weighted', 'f1'): 0.5, ('class', 'cv', 'f1'): 1.0}
    """
    return {
        (group, name, metric): float(value)
        for group, name, row in _rows(performance)
        for metric, value in row.items()
        if _is_figure(value) and metric not in COUNTS
    }


def list_figures(performance: Mapping[str, object]) -> dict[Key, float | None]:
    """List every figure as `flatten_performance` does, with the undefined ones as None.

    >>> list_figures({"class": {"cv": {"f1": None, "num_samples": 0}}})
    {('class', 'cv', 'f1'): None}
    """
    return {
        (group, name, metric): float(value) if _is_figure(value) else None
        for group, name, row in _rows(performance)
        for metric, value in row.items()
        if (value is None or _is_figure(value)) and metric not in COUNTS
    }


def count_covered(performance: Mapping[str, object]) -> dict[Key, tuple[int, str]]:
    """List by figure how many tags, projects or slices an average covers, where it is stated.

    >>> count_covered({"overall": {"macro": {"f1": 1, "num_tags": {"f1": 4}}}})
    {('overall', 'macro', 'f1'): (4, 'tags')}
    """
    return {
        (group, name, metric): (int(number), kind.removeprefix("num_"))
        for group, name, row in _rows(performance)
        for kind in COVERED
        for metric, number in _mapping(row.get(kind)).items()
        if _is_figure(number)
    }


def count_samples(performance: Mapping[str, object]) -> dict[tuple[str, str], int]:
    """List by (group, name) how many samples its figures rest on, where it is said.

    >>> count_samples({"class": {"cv": {"f1": 1, "num_samples": 9.0}, "nlp": {"f1": 1}}})
    {('class', 'cv'): 9}
    """
    return {
        (group, name): int(number)
        for group, name, row in _rows(performance)
        if _is_figure(number := row.get("num_samples"))
    }


class HistoryRow(Struct, frozen=True):
    """A version's figures by label; where it cannot be read, `error` says why and all are None."""

    version: str
    error: str | None
    figures: dict[str, float | None]

    def to_dict(self) -> dict[str, str | float | None]:
        """Return a flat record, as JSON has it.

        >>> HistoryRow("v1", None, {"overall f1": 0.5}).to_dict()
        {'version': 'v1', 'error': None, 'overall f1': 0.5}
        """
        return {"version": self.version, "error": self.error, **self.figures}


class _Entry(Struct, frozen=True, eq=False):
    stamp: Hashable
    known: Figures
    error: str | None
    note: str = ""


class PerformanceIndex:
    """The figures of a source's versions, cached in memory and checked by stamp."""

    def __init__(self, source: VersionSource) -> None:
        self.source = source
        self._entries: dict[str, _Entry] = {}
        self._reader = FigureReader(_read_exactly)
        self._rows: dict[Hashable, dict[str, tuple[_Entry, HistoryRow]]] = {}

    def figures(self, name: str) -> dict[Key, float]:
        """Return every figure of a version.

        Raises
        ------
        TagifaiError
            There is no such version, or its performance.json is missing or malformed.
        """
        entry = self._entry(name, self.source.stamp(name, _FILE))
        if entry.error is not None:
            raise TagifaiError(entry.error)
        return entry.known.as_dict()

    def known_figures(self) -> list[Key]:
        """List what any version has a figure for, as read so far by `history`."""
        groups: dict[int, list[Figures]] = defaultdict(list)
        for entry in self._entries.values():
            groups[id(entry.known.places)].append(entry.known)
        known: dict[Key, None] = {}
        for group in groups.values():
            defined = np.fmax.reduce([one.values for one in group])
            known |= dict.fromkeys(Figures(group[0].places, defined).as_dict())
        return list(known)

    def notes(self) -> dict[str, str]:
        """Return the "note" of each performance that has one, as read so far by `history`."""
        return {name: entry.note for name, entry in self._entries.items() if entry.note}

    def history(self, metrics: Mapping[str, Key] = KEY_METRICS) -> list[HistoryRow]:
        """Tabulate all versions in version order, the workspace last.

        A version that cannot be read has a row with an `error`; the others are read all the same.
        """
        query, keys = tuple(metrics.items()), tuple(metrics.values())
        names = self.source.names()
        if len(self._entries) > len(names):
            self._entries = {name: self._entries[name] for name in names if name in self._entries}
            self._rows = {}
        rows = self._rows.setdefault(query, {})
        if len(self._rows) > 20:
            self._rows = {query: rows}
        stamp_of, table = self.source.stamp, []
        for name in names:
            stamp, known = stamp_of(name, _FILE), rows.get(name)
            if known is None or stamp is None or known[0].stamp != stamp:
                entry = self._entry(name, stamp)
                figures = dict(zip(metrics, entry.known.choose(keys), strict=True))
                known = rows[name] = (entry, HistoryRow(name, entry.error, figures))
            table.append(known[1])
        return table

    def _entry(self, name: str, stamp: Hashable) -> _Entry:
        known = self._entries.get(name)
        if known is not None and known.stamp == stamp and stamp is not None:
            return known
        error, figures, note = None, _NO_FIGURES, ""
        try:
            content = self.source.read(name, _FILE)
            if content is None:
                raise TagifaiError(f"version {name!r} has no {_FILE}")
            figures = self._reader.read(content, f"{name}/{_FILE}")
            if b'"note"' in content:
                note = parse_performance(content, f"{name}/{_FILE}").get("note", "")
        except TagifaiError as problem:
            error = str(problem)
        entry = self._entries[name] = _Entry(stamp, figures, error, note)
        return entry


def _read_exactly(content: bytes, where: str) -> dict[Key, float]:
    return flatten_performance(parse_performance(content, where))


def _rows(performance: Mapping[str, object]) -> Iterator[tuple[str, str, Mapping[str, object]]]:
    overall = _mapping(performance.get("overall"))
    yield "overall", "weighted", overall
    for name, row in _mappings(overall):
        if name not in COUNTS:
            yield "overall", name, row
    for tag, row in _mappings(performance.get("class")):
        yield "class", tag, row
    slices = _mapping(performance.get("slices"))
    yield "slices", "overall", _mapping(slices.get("overall"))
    for name, row in _mappings(slices.get("class")):
        yield "slices", name if name != "overall" else "overall (slice)", row
    behavioral = _mapping(performance.get("behavioral"))
    yield "behavioral", "all", behavioral
    for kind in ("by_part", "by_type", "by_group"):
        for name, row in _mappings(behavioral.get(kind)):
            yield "behavioral", name, row


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: object) -> Iterator[tuple[str, Mapping[str, object]]]:
    return ((name, row) for name, row in _mapping(value).items() if isinstance(row, Mapping))


def _is_figure(value: object) -> TypeGuard[float]:
    return isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool))
