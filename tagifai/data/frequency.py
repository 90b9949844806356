"""Count once how many projects and tags remain at each minimum frequency, and look it up."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tagifai.data import Dataset, candidate_tags
from tagifai.data.carried_tags import CarriedTags
from tagifai.data.project_table import carried_tags
from tagifai.errors import TagifaiError

LISTED = 5


@dataclass(frozen=True, eq=False)
class FrequencyTable:
    """What remains when the k most common tags are selected, for every k from 0 to all.

    Attributes
    ----------
    tags : tuple of str
        The most common first, ties in alphabetical order.
    counts : array of shape (n_tags,)
        The number of projects of each tag.
    histogram : array of shape (n_tags + 1, most tags on a project + 1)
        At [k, j] the number of labelled projects that have exactly j of the k most common tags.
    num_untagged, num_unlabelled : int
        Projects without any tag, and those of them that are left out.
    """

    tags: tuple[str, ...]
    counts: np.ndarray
    histogram: np.ndarray
    num_untagged: int = 0
    num_unlabelled: int = 0


@dataclass(frozen=True)
class FrequencySelection:
    """Tags by whether they reach a minimum frequency.

    Attributes
    ----------
    min_tag_freq : int
        The minimum number of projects of a tag.
    kept : tuple of (str, int)
        The tags that reach it, with their numbers of projects.
    most_common, just_made, just_missed : tuple of (str, int)
        The first and the last of these, and the first that do not reach it.
    tags_per_project : tuple of (int, int)
        Number of kept tags, and how many projects have it, from 0 on, of the projects that are
        not left out; empty where no tag is kept.
    num_projects, num_negatives, num_unlabelled : int
        Projects that have a kept tag, that have none and are negatives of every tag, and that are
        left out.
    num_untagged : int
        Projects without any tag, kept or not.
    num_all_projects, num_all_tags : int
        Projects and tags in all.
    """

    min_tag_freq: int
    kept: tuple[tuple[str, int], ...]
    most_common: tuple[tuple[str, int], ...]
    just_made: tuple[tuple[str, int], ...]
    just_missed: tuple[tuple[str, int], ...]
    tags_per_project: tuple[tuple[int, int], ...]
    num_projects: int
    num_negatives: int
    num_untagged: int
    num_unlabelled: int
    num_all_projects: int
    num_all_tags: int


def build_frequency_table(dataset: Dataset) -> FrequencyTable:
    """Count once what `select_by_frequency` looks up at every step of a slider."""
    counts = candidate_tags(dataset)
    carried = carried_tags(dataset.projects)
    num_untagged = int(np.count_nonzero(carried.numbers == 0))
    num_unlabelled = num_untagged if dataset.config.untagged == "unlabelled" else 0
    return FrequencyTable(
        tags=tuple(counts),
        counts=np.fromiter(counts.values(), dtype=np.int64, count=len(counts)),
        histogram=_histogram(carried, list(counts), len(carried) - num_unlabelled),
        num_untagged=num_untagged,
        num_unlabelled=num_unlabelled,
    )


def select_by_frequency(table: FrequencyTable, min_tag_freq: int) -> FrequencySelection:
    """Select the tags of at least `min_tag_freq` projects, and count the projects with one.

    Raises
    ------
    TagifaiError
        `min_tag_freq` is not a whole number of 1 or more.
    """
    if isinstance(min_tag_freq, bool) or not isinstance(min_tag_freq, int) or min_tag_freq < 1:
        raise TagifaiError(
            f"min_tag_freq must be a whole number of 1 or more, got {min_tag_freq!r}"
        )
    kept = int(np.searchsorted(-table.counts, -min_tag_freq, side="right"))
    projects = table.histogram[kept]
    last = int(np.flatnonzero(projects)[-1]) if kept and projects.any() else -1

    def pairs(start: int, stop: int) -> tuple[tuple[str, int], ...]:
        return tuple(zip(table.tags[start:stop], table.counts[start:stop].tolist(), strict=True))

    return FrequencySelection(
        min_tag_freq=min_tag_freq,
        kept=pairs(0, kept),
        most_common=pairs(0, min(LISTED, kept)),
        just_made=pairs(max(0, kept - LISTED), kept),
        just_missed=pairs(kept, kept + LISTED),
        tags_per_project=tuple((j, int(projects[j])) for j in range(last + 1)),
        num_projects=int(projects[1:].sum()),
        num_negatives=int(projects[0]),
        num_untagged=table.num_untagged,
        num_unlabelled=table.num_unlabelled,
        num_all_projects=int(projects.sum()) + table.num_unlabelled,
        num_all_tags=len(table.tags),
    )


def _histogram(carried: CarriedTags, tags: Sequence[str], num_projects: int) -> np.ndarray:
    """Count projects by how many of the k most common tags they carry; `tags` are in order."""
    rank = np.full(len(carried.names), -1, np.int64)
    rank[[carried.place[tag] for tag in tags]] = np.arange(len(tags))
    ranks = rank[carried.codes]
    rows = np.repeat(np.arange(len(carried)), carried.numbers)[ranks >= 0]
    # By project, the commonest of its tags first.
    keys = np.sort(rows * max(1, len(tags)) + ranks[ranks >= 0])
    rows, ranks = np.divmod(keys, max(1, len(tags)))
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    within = np.arange(len(rows)) - np.repeat(starts, np.diff([*starts, len(rows)]))
    most = int(within.max(initial=-1)) + 1
    at_least = np.zeros((len(tags) + 1, most + 2), dtype=np.int32)
    at_least[:, 0] = num_projects
    for j in range(most):
        # A project has more than j kept tags as soon as its j-th rank is among those kept.
        entering = np.bincount(ranks[within == j], minlength=len(tags))
        at_least[1:, j + 1] = np.cumsum(entering)
    return at_least[:, :-1] - at_least[:, 1:]
