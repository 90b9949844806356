"""Compare versions and measure how sure their figures are; answers are cached by content."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tagifai.comparison import compare
from tagifai.comparison.diffs import check_different
from tagifai.comparison.flips import select_flips
from tagifai.comparison.intervals import Interval, measure_figures
from tagifai.comparison.results import Comparison, Flip
from tagifai.data.config import PRIMARY
from tagifai.errors import TagifaiError
from tagifai.services.versions import VersionService
from tagifai.store.history import Key, flatten_performance
from tagifai.store.memory_cache import MemoryCache

SAME = 1e-6
"""Figures that differ by less were computed in the same way."""


@dataclass(frozen=True, slots=True)
class FlippedProject:
    """A decision that either version gets wrong, with the project's text.

    `title` and `description` are "" where the project is no longer in the data.
    """

    flip: Flip
    title: str
    description: str


class ComparisonService:
    """Comparisons of two versions, and intervals of the figures of one."""

    def __init__(self, versions: VersionService) -> None:
        self.versions = versions
        self._answers = MemoryCache(64)

    def compare(self, a: str, b: str) -> Comparison:
        """Compare two versions: see `comparison.compare`; answered from the cache.

        Raises
        ------
        TagifaiError
            A version is unknown or damaged, or both are the same.
        """
        check_different(a, b)
        first, second = self.versions.load(a), self.versions.load(b)
        stamp, slices = self.versions.slice_members()
        primary = self.primary()
        key = ("compare", a, first.fingerprint, b, second.fingerprint, stamp, primary)

        def measure() -> Mapping[str, object]:
            return compare(
                first,
                second,
                self.versions.maybe_predictions(first),
                self.versions.maybe_predictions(second),
                slices=slices,
                primary=primary,
            ).to_dict()

        found: Comparison = self._answers.get(
            ("compare", a, b),
            key,
            lambda: Comparison.from_dict(self.versions.cache.remember(key, measure)),
        )
        return found

    def primary(self) -> str:
        """Return the overall figure that decides; the data's settings may name one."""
        try:
            return self.versions.data.get().dataset.config.primary
        except TagifaiError:
            return PRIMARY

    def flips(self, a: str, b: str, tag: str | None) -> list[FlippedProject]:
        """List the decisions that B fixed, broke or left wrong; on any tag where `tag` is None.

        Raises
        ------
        TagifaiError
            A version is unknown or keeps no predictions, both are the same, or not both know
            the tag.
        """
        check_different(a, b)
        versions, texts = self.versions, self.versions.texts()
        rows = select_flips(
            versions.predictions(a),
            versions.thresholds(a),
            versions.predictions(b),
            versions.thresholds(b),
            tag,
        )
        found = ((row, texts.get(row.id)) for row in rows)
        return [
            FlippedProject(
                row, project.title if project else "", project.description if project else ""
            )
            for row, project in found
        ]

    def intervals(self, name: str) -> dict[Key, Interval]:
        """Return the 95 % intervals of a version's figures: see `comparison.intervals`.

        A version without predictions has those of its behavioral tests alone. A figure that
        would be scored differently today has none.
        """
        version, (stamp, slices) = self.versions.load(name), self.versions.slice_members()
        key = ("intervals", version.fingerprint, stamp)

        def measure() -> list[tuple[Key, Interval]]:
            measured = measure_figures(
                self.versions.maybe_predictions(version),
                version.thresholds,
                slices=slices,
                behavioral=version.performance["behavioral"],
            )
            stored = flatten_performance(version.performance)
            # If slices, tests or definitions have changed since, the interval is not one of the
            # figure that is shown.
            return [
                (figure, (one.low, one.high))
                for figure, one in measured.items()
                if abs(stored.get(figure, math.inf) - one.value) < SAME
            ]

        found = self._answers.get(
            ("intervals", name), key, lambda: self.versions.cache.remember(key, measure)
        )
        return {tuple(figure): tuple(ends) for figure, ends in found}

    def history_intervals(
        self, labels: Sequence[str], names: Sequence[str]
    ) -> dict[str, list[Interval | None]]:
        """Return by label the 95 % interval at each version, None where there is none."""
        named = self.versions.figure_names()
        by_version = [self.intervals(name) for name in names]
        return {label: [one.get(named[label]) for one in by_version] for label in labels}
