"""How many projects and tags remain at each minimum frequency, counted once and looked up after."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tagifai.data import Dataset, candidate_tags, count_tags
from tagifai.errors import TagifaiError

LISTED = 5


@dataclass(frozen=True, eq=False)
class FrequencyTable:
    """What remains when the k most common tags are kept, for every k from 0 to all.

    `tags` and `counts` (n_tags,) go from the most common down, equals in alphabetical order.
    `histogram` (n_tags + 1, most tags on a project + 1) holds at [k, j] the number of projects
    that carry exactly j of the k most common tags.
    `excluded` counts the tags left out by name, whatever their frequency.
    """

    tags: tuple[str, ...]
    counts: np.ndarray
    histogram: np.ndarray
    excluded: dict[str, int]
    unlisted: int


@dataclass(frozen=True)
class FrequencySelection:
    """Tags by whether they reach a minimum frequency; every list holds (tag, count).

    `tags_per_project` holds (number of tags, projects), for the projects that keep a tag.
    """

    min_tag_freq: int
    kept: tuple[tuple[str, int], ...]
    most_common: tuple[tuple[str, int], ...]
    just_made: tuple[tuple[str, int], ...]
    just_missed: tuple[tuple[str, int], ...]
    tags_per_project: tuple[tuple[int, int], ...]
    num_projects: int
    num_all_projects: int
    num_all_tags: int


def build_frequency_table(dataset: Dataset) -> FrequencyTable:
    """Count once what `select_by_frequency` looks up at every step of a slider."""
    names = dataset.config.excluded
    everything = count_tags(dataset.projects)
    counts = candidate_tags(dataset)
    rank = {tag: position for position, tag in enumerate(counts)}
    ranks = [
        sorted(rank[tag] for tag in project.tags if tag in rank) for project in dataset.projects
    ]
    left_out = {tag: everything[tag] for tag in names if tag in everything}
    return FrequencyTable(
        tags=tuple(counts),
        counts=np.fromiter(counts.values(), dtype=np.int64, count=len(counts)),
        histogram=_histogram(ranks, len(counts)),
        excluded=dict(sorted(left_out.items(), key=lambda item: (-item[1], item[0]))),
        unlisted=len(everything) - len(counts) - len(left_out),
    )


def select_by_frequency(table: FrequencyTable, min_tag_freq: int) -> FrequencySelection:
    """Look up the tags of at least `min_tag_freq` projects, and what keeps one of them.

    Raises:
        TagifaiError: `min_tag_freq` is not a whole number of 1 or more.
    """
    if isinstance(min_tag_freq, bool) or not isinstance(min_tag_freq, int) or min_tag_freq < 1:
        raise TagifaiError(
            f"min_tag_freq must be a whole number of 1 or more, got {min_tag_freq!r}"
        )
    kept = int(np.searchsorted(-table.counts, -min_tag_freq, side="right"))
    projects = table.histogram[kept]
    carried = np.flatnonzero(projects[1:]) + 1
    last = int(carried[-1]) if carried.size else 0

    def pairs(start: int, stop: int) -> tuple[tuple[str, int], ...]:
        return tuple(zip(table.tags[start:stop], table.counts[start:stop].tolist(), strict=True))

    return FrequencySelection(
        min_tag_freq=min_tag_freq,
        kept=pairs(0, kept),
        most_common=pairs(0, min(LISTED, kept)),
        just_made=pairs(max(0, kept - LISTED), kept),
        just_missed=pairs(kept, kept + LISTED),
        tags_per_project=tuple((j, int(projects[j])) for j in range(1, last + 1)),
        num_projects=int(projects[1:].sum()),
        num_all_projects=int(projects.sum()),
        num_all_tags=len(table.tags),
    )


def _histogram(ranks: Sequence[Sequence[int]], num_tags: int) -> np.ndarray:
    """Count projects by kept tags; `ranks` are each project's tags' ranks, rising."""
    most = max(map(len, ranks), default=0)
    at_least = np.zeros((num_tags + 1, most + 2), dtype=np.int32)
    at_least[:, 0] = len(ranks)
    for j in range(most):
        # A project carries more than j kept tags as soon as its j-th rank is among the kept.
        entering = np.bincount(
            [project[j] for project in ranks if len(project) > j], minlength=num_tags
        )
        at_least[1:, j + 1] = np.cumsum(entering)
    return at_least[:, :-1] - at_least[:, 1:]
