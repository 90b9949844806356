"""Slices as the page builds, measures, saves and finds them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Any

import numpy as np

from tagifai.errors import TagifaiError, one_of
from tagifai.permissions import Visit, WriteRules
from tagifai.selection import LEARNT, PARTS, describe_in_sample, rows_of
from tagifai.services.data import LoadedData
from tagifai.services.versions import VersionService
from tagifai.slices import Conditions, Slice, select_slices
from tagifai.slices.builder import SliceFigures, as_conditions, measure_slice, save_slice
from tagifai.slices.finder import FoundSlice, count_cells, find_slices
from tagifai.slices.search import DEFAULTS
from tagifai.store.memory_cache import MemoryCache

MOST_CELLS = 400
# Projects whose preprocessed texts are kept.
MOST_CLEANED = 100_000


@dataclass(frozen=True, slots=True)
class SliceChoices:
    """What a slice can ask for.

    Parameters
    ----------
    tags : tuple of str
        The tags of the data, in alphabetical order.
    cells : tuple of (str, str)
        Column and value of the other columns: the columns in the order of the data, the
        commonest values first.
    """

    tags: tuple[str, ...]
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class MeasuredSlice:
    """A slice's figures, and those of the projects outside of it.

    Parameters
    ----------
    num_projects, num_scored : int
        Projects of the data that are in the slice, and those of them with predictions.
    note : str
        What the version's figures leave out, see `VersionService.note`.
    in_sample : str
        Why training projects are left out, see `describe_in_sample`; "" where they are not.
    test : SliceFigures
        On the test projects in the slice.
    learned : SliceFigures
        On its train and validation projects that were held out.
    elsewhere : SliceFigures
        On the test projects outside of the slice.
    """

    num_projects: int
    num_scored: int
    note: str
    in_sample: str
    test: SliceFigures
    learned: SliceFigures
    elsewhere: SliceFigures


@dataclass(frozen=True, slots=True)
class SliceProposal:
    """A slice where a version is worse than elsewhere; the figures are those of `FoundSlice`.

    `conditions` are texts to read, `given` is what `Conditions.of` takes.
    """

    conditions: tuple[str, ...]
    given: Mapping[str, object]
    metric: str
    value: float | None
    elsewhere: float | None
    gap: float | None
    low: float | None
    high: float | None
    num_samples: int
    p_value: float
    q_value: float

    @classmethod
    def of(cls, found: FoundSlice) -> "SliceProposal":
        """Return a slice that was found in the form that the page shows."""
        return cls(
            conditions=tuple(str(condition) for condition in found.conditions),
            given=as_conditions(found.conditions).given(),
            metric=found.metric,
            value=found.value,
            elsewhere=found.elsewhere,
            gap=found.gap,
            low=found.low,
            high=found.high,
            num_samples=found.num_samples,
            p_value=found.p_value,
            q_value=found.q_value,
        )


@dataclass(frozen=True, slots=True)
class SliceProposals:
    """The slices that a search found, the surest first; the counts are those of `SliceSearch`.

    `in_sample` says why training projects are left out, "" where they are not.
    """

    slices: tuple[SliceProposal, ...]
    num_tested: int
    num_searched: int
    num_kept_back: int
    in_sample: str


class SliceService:
    """Build, measure, save and find slices of a version's projects; `rules` say who may save."""

    def __init__(self, versions: VersionService, rules: WriteRules | None = None) -> None:
        self.versions = versions
        self.rules = rules or WriteRules()
        self._cleaned = MemoryCache(1)
        self._measured = MemoryCache(16)

    def choices(self) -> SliceChoices:
        """List what a slice can ask for."""
        data = self.versions.data.get()
        cells = count_cells(data.dataset.projects, MOST_CELLS)
        columns = list(dict.fromkeys(column for column, _ in cells))
        listed = sorted(cells, key=lambda cell: (columns.index(cell[0]), -cells[cell], cell[1]))
        return SliceChoices(tuple(sorted(data.carried.counts)), tuple(listed[:MOST_CELLS]))

    def measure(self, version: str, conditions: Conditions) -> MeasuredSlice:
        """Score a slice: on test, out of fold (train and val), and the test projects outside it.

        Raises
        ------
        TagifaiError
            An unknown version, tag or column, or no predictions.
        """
        data, predictions = self.versions.data.get(), self.versions.predictions(version)
        conditions.check_names(data.tag_names, data.columns)
        members = self._members(data, conditions)
        inside = np.array([one in members for one in predictions.ids], bool)
        thresholds = self.versions.thresholds(version)
        test, learned = rows_of(predictions, "test"), rows_of(predictions, LEARNT)
        learned = learned[predictions.held_out[learned]]
        return MeasuredSlice(
            num_projects=len(members),
            num_scored=int(inside.sum()),
            note=self.versions.note(version),
            in_sample=describe_in_sample(predictions),
            test=measure_slice(predictions, thresholds, test[inside[test]]),
            learned=measure_slice(predictions, thresholds, learned[inside[learned]]),
            elsewhere=measure_slice(predictions, thresholds, test[~inside[test]]),
        )

    def members(self, conditions: Conditions) -> list[str]:
        """Return the ids of a slice's projects, in the order of the data.

        Raises
        ------
        TagifaiError
            An unknown tag or column.
        """
        data = self.versions.data.get()
        conditions.check_names(data.tag_names, data.columns)
        inside = self._members(data, conditions)
        return [project.id for project in data.dataset.projects if project.id in inside]

    def find(self, version: str, split: str = "all") -> SliceProposals:
        """Find the slices where a version is surely worse; answered from the cache.

        Raises
        ------
        TagifaiError
            An unknown version or split, or no predictions.
        """
        if split not in PARTS:
            raise one_of("split", split, PARTS)
        data, predictions = self.versions.data.get(), self.versions.predictions(version)
        key = (
            "find slices",
            self.versions.load(version).fingerprint,
            data.dataset.digest,
            split,
            predictions.out_of_fold,
            repr(astuple(DEFAULTS)),
        )

        def search() -> dict[str, object]:
            found = find_slices(
                predictions,
                self.versions.thresholds(version),
                data.by_id,
                split=split,
                preprocess=self._clean(data),
            )
            proposals = SliceProposals(
                tuple(map(SliceProposal.of, found.slices)),
                found.num_tested,
                found.num_searched,
                found.num_kept_back,
                describe_in_sample(predictions),
            )
            return asdict(proposals)

        return _read_proposals(self.versions.cache.remember(key, search))

    def save(self, visit: Visit, name: str, conditions: Conditions, description: str = "") -> None:
        """Add a slice to the data folder's `slices.json`, in a visitor's name.

        Raises
        ------
        TagifaiError
            The visitor may not write, the name is taken, nothing is asked, a tag or column is not
            in the data, or the file cannot be written.
        """
        self.rules.reviewer_of(visit)
        data = self.versions.data.get()
        conditions.check_names(data.tag_names, data.columns)
        save_slice(self.versions.data.folder, name, conditions, description)

    def why_not(self, visit: Visit) -> str:
        """Return why a visitor may not save slices, "" where they may."""
        try:
            self.rules.reader_of(visit)
        except TagifaiError as error:
            return str(error)
        return ""

    def saved(self) -> dict[str, Conditions]:
        """Return the conditions of the named slices, by name."""
        return {
            name: chosen.predicate
            for name, chosen in self.versions.slices().items()
            if isinstance(chosen.predicate, Conditions)
        }

    def _members(self, data: LoadedData, conditions: Conditions) -> set[str]:
        projects = data.dataset.projects
        slices = {"it": Slice("it", "", conditions)}
        inside = self._measured.get(
            repr(conditions),
            data.dataset.digest,
            lambda: select_slices(projects, self._clean(data), slices)["it"],
        )
        return {project.id for project, chosen in zip(projects, inside, strict=True) if chosen}

    def _clean(self, data: LoadedData) -> Callable[[str], str]:
        """Return what preprocesses a text; each text of the data is preprocessed once."""
        if len(data.dataset.projects) > MOST_CLEANED:
            return data.preprocess
        cleaned = self._cleaned.get(
            "texts",
            data.dataset.digest,
            lambda: {p.text: data.preprocess(p.text) for p in data.dataset.projects},
        )
        return lambda text: cleaned[text] if text in cleaned else data.preprocess(text)


def _read_proposals(found: Any) -> SliceProposals:
    """Build proposals from JSON, as the cache returns them."""
    slices = (
        SliceProposal(**{**one, "conditions": tuple(one["conditions"])}) for one in found["slices"]
    )
    return SliceProposals(**{**found, "slices": tuple(slices)})


def read_cells(cells: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Read conditions on columns as they are written on the page.

    >>> read_cells(["kind = tool", "kind = paper", "year = 2020"])
    {'kind': ('tool', 'paper'), 'year': ('2020',)}
    """
    columns: dict[str, tuple[str, ...]] = {}
    for cell in cells:
        column, _, value = cell.partition(" = ")
        columns[column] = (*columns.get(column, ()), value)
    return columns


def write_cells(columns: Mapping[str, Sequence[str]]) -> list[str]:
    """Write conditions on columns as the page shows them.

    >>> write_cells({"kind": ["tool", "paper"]})
    ['kind = tool', 'kind = paper']
    """
    return [f"{column} = {value}" for column, values in columns.items() for value in values]
