"""Slices as the page builds, measures, saves and finds them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from tagifai.errors import TagifaiError, one_of
from tagifai.permissions import Visit, WriteRules
from tagifai.selection import LEARNT, PARTS, describe_in_sample, rows_of
from tagifai.services.data import LoadedData
from tagifai.services.versions import VersionService
from tagifai.slices import Conditions, Slice, select_slices
from tagifai.slices.builder import as_conditions, measure_slice, save_slice
from tagifai.slices.finder import FALSE_DISCOVERIES, MIN_SUPPORT, FoundSlice, find_slices
from tagifai.slices.search import FINDING_SHARE
from tagifai.store.memory_cache import Kept

MOST_CELLS = 400


def _as_record(found: FoundSlice) -> dict[str, Any]:
    record = asdict(found)
    del record["ids"]
    return {
        **record,
        "conditions": [str(condition) for condition in found.conditions],
        "given": as_conditions(found.conditions).given(),
    }


class SliceDesk:
    """Build, measure, save and find slices of a version's projects; `rules` say who may save."""

    def __init__(self, versions: VersionService, rules: WriteRules | None = None) -> None:
        self.versions = versions
        self.rules = rules or WriteRules()
        self._cleaned = Kept(1)
        self._measured = Kept(16)

    def choices(self) -> dict[str, list[Any]]:
        """List what a slice can ask for: the data's tags, and the cells of its other columns.

        Under "cells" pairs (column, value), the columns in the order of the data, the
        commonest values first.
        """
        data = self.versions.data.get()
        cells = Counter(
            (column, str(value))
            for project in data.dataset.projects
            for column, value in project.extra.items()
            if isinstance(value, str | int | float | bool) and len(str(value)) <= 60
        )
        columns = list(dict.fromkeys(column for column, _ in cells))
        listed = sorted(cells, key=lambda cell: (columns.index(cell[0]), -cells[cell], cell[1]))
        return {"tags": sorted(data.by_tag), "cells": listed[:MOST_CELLS]}

    def measure(self, version: str, conditions: Conditions) -> dict[str, Any]:
        """Score a slice: on test, out of fold (train and val), and the test projects outside it.

        Returns {"num_projects": in the data, "num_scored": those with predictions, "note": see
        `VersionService.note`, "in_sample": see `describe_in_sample`, "test", "learnt",
        "elsewhere"}, the last three as `measure_slice` gives, with "num_positives", the tags
        that its projects carry. Under "learnt" the projects that were held out.

        Raises:
            TagifaiError: an unknown version, tag or column, or no predictions.
        """
        data, predictions = self.versions.data.get(), self.versions.predictions(version)
        conditions.check_names(data.tag_names, data.columns)
        members = self._members(data, conditions)
        inside = np.array([one in members for one in predictions.ids], bool)
        thresholds = self.versions.thresholds(version)

        def score(rows: Any) -> dict[str, Any]:
            found = measure_slice(predictions, thresholds, rows)
            return {**found, "num_positives": int(predictions.y_true[rows].sum())}

        test, learnt = rows_of(predictions, "test"), rows_of(predictions, LEARNT)
        learnt = learnt[predictions.held_out[learnt]]
        return {
            "num_projects": len(members),
            "num_scored": int(inside.sum()),
            "note": self.versions.note(version),
            "in_sample": describe_in_sample(predictions),
            "test": score(test[inside[test]]),
            "learnt": score(learnt[inside[learnt]]),
            "elsewhere": score(test[~inside[test]]),
        }

    def find(self, version: str, split: str = "all") -> dict[str, Any]:
        """Find the slices where a version is surely worse; answered from the cache.

        Returns what `SliceSearch` holds; `slices` are records as of `FoundSlice`, less the
        ids, with `conditions` as texts, and `given`, the same as
        `Conditions.given`. Under "in_sample" why training projects are left out, "" where they
        are not.

        Raises:
            TagifaiError: an unknown version or split, or no predictions.
        """
        if split not in PARTS:
            raise one_of("split", split, PARTS)
        data, predictions = self.versions.data.get(), self.versions.predictions(version)
        fingerprint = self.versions.load(version).fingerprint
        key = (
            "find slices",
            fingerprint,
            data.dataset.digest,
            split,
            predictions.out_of_fold,
            f"{MIN_SUPPORT}/{FALSE_DISCOVERIES}/{FINDING_SHARE:.2f}",
        )

        def search() -> dict[str, Any]:
            found = find_slices(
                predictions,
                self.versions.thresholds(version),
                data.by_id,
                split=split,
                preprocess=self._clean(data),
            )
            return {
                **asdict(found),
                "slices": [_as_record(one) for one in found.slices],
                "in_sample": describe_in_sample(predictions),
            }

        found: dict[str, Any] = self.versions.cache.remember(key, search)
        return found

    def save(self, visit: Visit, name: str, conditions: Conditions, description: str = "") -> None:
        """Add a slice to the data folder's `slices.json`, in a visitor's name.

        Raises:
            TagifaiError: the visitor may not write, the name is taken, nothing is asked, a tag
                or column is not in the data, or the file cannot be written.
        """
        self.rules.reviewer_of(visit)
        data = self.versions.data.get()
        conditions.check_names(data.tag_names, data.columns)
        save_slice(self.versions.data.folder, name, conditions, description)

    def why_not(self, visit: Visit) -> str:
        """Say why a visitor may not save slices, "" where they may."""
        try:
            self.rules.reader_of(visit)
        except TagifaiError as error:
            return str(error)
        return ""

    def saved(self) -> dict[str, tuple[str, Mapping[str, Any]]]:
        """List the named slices, {name: (description, conditions as given)}."""
        return {
            name: (chosen.description, chosen.predicate.given())
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

    def _clean(self, data: LoadedData) -> Any:
        """Preprocess each text of the data once, whatever is asked of them."""
        cleaned = self._cleaned.get(
            "texts",
            data.dataset.digest,
            lambda: {p.text: data.preprocess(p.text) for p in data.dataset.projects},
        )
        return lambda text: cleaned[text] if text in cleaned else data.preprocess(text)


def read_cells(cells: list[str]) -> dict[str, tuple[str, ...]]:
    """Read conditions on columns as they are written on the page.

    >>> read_cells(["kind = tool", "kind = paper", "year = 2020"])
    {'kind': ('tool', 'paper'), 'year': ('2020',)}
    """
    columns: dict[str, tuple[str, ...]] = {}
    for cell in cells:
        column, _, value = cell.partition(" = ")
        columns[column] = (*columns.get(column, ()), value)
    return columns


def write_cells(columns: Mapping[str, Any]) -> list[str]:
    """Write conditions on columns as the page shows them.

    >>> write_cells({"kind": ["tool", "paper"]})
    ['kind = tool', 'kind = paper']
    """
    return [f"{column} = {value}" for column, values in columns.items() for value in values]
