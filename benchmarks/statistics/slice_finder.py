"""Whether the slices that are found are worse than the rest, and by as much as they are said to be.

Topics make a project's tags and words come together; how hard the project is decides, together
with chance, which of its tags are found. Nothing but what is planted makes precision or recall
depend on what a project is like. The true gap of whatever is found is read off a large draw.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from benchmarks.statistics.rows import Row, Settings, at_least, at_most, spread, within
from tagifai.data import Project
from tagifai.predictions import Predictions
from tagifai.slices.finder import Condition, find_slices

Bools = NDArray[np.bool_]
TAGS, TOPICS, WORDS, FILLERS = 40, 5, 60, 400
RECALL, PRECISION, HARD = 0.75, 0.8, 0.3
LOST = 1 / 3
SOURCES, LICENSES, YEARS = 20, 4, 5
POPULATION, CHUNK = 400_000, 40_000
PROJECTS, FEW = 1_500, 800
# A gap under half a point is none.
NO_GAP = 0.005
SAME = 0.8
Slice = tuple[tuple[Condition, ...], str]
"""Conditions and metric."""


@dataclass(frozen=True)
class Planted:
    """Projects that lose a third of their labels, and the metric that suffers.

    For recall, the model no longer predicts them; for precision, it does, but they are missing
    in the data.
    """

    conditions: tuple[Condition, ...]
    metric: str = "recall"


@dataclass(frozen=True, eq=False)
class Drawn:
    """Projects: what they carry and are like, (n, …), and what is predicted of them.

    `found` tells which true tags are predicted, `added` how many others are.
    """

    tags: Bools
    words: Bools
    fillers: NDArray[np.int64]
    columns: dict[str, NDArray[np.int64]]
    found: Bools
    added: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        return self.words.sum(axis=1) + self.fillers

    def meets(self, condition: Condition) -> Bools:
        """Check which projects meet a condition; all do that has nothing to do with anything."""
        kind, name, value = condition.kind, condition.name, condition.value
        if kind == "tag":
            return self.tags[:, tag_names().index(name)]
        if kind == "word" and name in word_names():
            return self.words[:, word_names().index(name)]
        if kind == "column":
            return self.columns[name] == int(value)
        if kind == "length":
            size = int(value)
            return self.lengths <= size if name == "at most" else self.lengths >= size
        return np.ones(len(self.tags), bool)

    def meets_all(self, conditions: Iterable[Condition]) -> Bools:
        """Check which projects meet all conditions."""
        return np.all([self.meets(one) for one in conditions], axis=0)


def names(number: int, seed: int) -> list[str]:
    """Make words that no language has."""
    rng = np.random.default_rng(seed)
    made: dict[str, None] = {}
    while len(made) < number:
        pairs = zip(rng.integers(0, 14, 4), rng.integers(0, 5, 4), strict=True)
        made["".join("bdfgklmnprtvzx"[one] + "aeiou"[other] for one, other in pairs)] = None
    return list(made)


@cache
def all_names() -> list[str]:
    """Return the names of tags, words and fillers, all different."""
    return names(TAGS + WORDS + FILLERS, 7)


def tag_names() -> list[str]:
    return all_names()[:TAGS]


def word_names() -> list[str]:
    return all_names()[TAGS : TAGS + WORDS]


def filler_names() -> list[str]:
    return all_names()[TAGS + WORDS :]


def rates(least: float, most: float, number: int) -> NDArray[np.float64]:
    """Return rates from least to most, the first of them exactly 5 % (to plant slices in)."""
    return np.concatenate([[0.05], np.geomspace(least, most, number - 1)])


def draw(rng: np.random.Generator, n: int) -> Drawn:
    """Draw n projects."""
    fixed = np.random.default_rng(11)
    loads = fixed.normal(0, 0.35, (TOPICS, TAGS + WORDS))
    loads /= np.sqrt(np.maximum((loads**2).sum(axis=0) / 0.6, 1))
    about = rng.standard_normal((n, TOPICS)) @ loads
    alone = np.sqrt(1 - (loads**2).sum(axis=0))
    base = np.concatenate([rates(0.02, 0.15, TAGS), rates(0.03, 0.3, WORDS)])
    carried = about + alone * rng.standard_normal((n, TAGS + WORDS)) < ndtri(base)
    tags = carried[:, :TAGS]

    def chosen(chance: float) -> Bools:
        latent = np.sqrt(HARD) * rng.standard_normal((n, 1))
        return latent + np.sqrt(1 - HARD) * rng.standard_normal((n, TAGS)) < ndtri(chance)

    return Drawn(
        tags=tags,
        words=carried[:, TAGS:],
        fillers=rng.integers(2, 10, n),
        columns={
            "source": rng.integers(0, SOURCES, n),
            "license": rng.integers(0, LICENSES, n),
            "year": rng.integers(0, YEARS, n),
        },
        found=tags & chosen(RECALL),
        # As many for each tag that is carried, so that precision is the same everywhere.
        added=(tags & chosen(RECALL * (1 - PRECISION) / PRECISION)).sum(axis=1),
    )


def spoil(
    rng: np.random.Generator, drawn: Drawn, planted: Planted | None
) -> tuple[Drawn, NDArray[np.int64]]:
    """Plant a slice; return the projects as the data has them, and how many tags are predicted."""
    if planted is None:
        return drawn, drawn.found.sum(axis=1) + drawn.added
    lost = drawn.meets_all(planted.conditions)[:, None] & (rng.random(drawn.tags.shape) < LOST)
    if planted.metric == "recall":
        seen = replace(drawn, found=drawn.found & ~lost)
        return seen, seen.found.sum(axis=1) + drawn.added
    seen = replace(drawn, tags=drawn.tags & ~lost, found=drawn.found & ~lost)
    return seen, drawn.found.sum(axis=1) + drawn.added


def as_data(
    rng: np.random.Generator, drawn: Drawn, planted: Planted | None
) -> tuple[Predictions, dict[str, Project]]:
    """Make predictions and projects as the page has them."""
    seen, predicted = spoil(rng, drawn, planted)
    n = len(seen.tags)
    wrong = rng.random((n, TAGS)) + 2 * drawn.tags
    ranks = wrong.argsort(axis=1).argsort(axis=1)
    y_pred = ranks < seen.added[:, None]
    # Labels that are missing in the data are predicted all the same.
    y_pred |= seen.found
    if planted is not None and planted.metric == "precision":
        y_pred |= drawn.found
    assert (y_pred.sum(axis=1) == predicted).all()
    listed = np.array(word_names())
    projects = {}
    for i in range(n):
        text = [*listed[seen.words[i]], *rng.choice(filler_names(), seen.fillers[i], replace=False)]
        extra = {column: int(values[i]) for column, values in seen.columns.items()}
        tags = tuple(np.array(tag_names())[seen.tags[i]].tolist())
        projects[str(i)] = Project(str(i), " ".join(text), "", tags, extra)
    split = np.where(np.arange(n) % 5 == 0, "test", "train")
    prob = np.where(y_pred, 0.9, 0.1)
    made = Predictions.of(range(n), split, tag_names(), seen.tags, prob)
    return replace(made, out_of_fold="yes"), projects


@dataclass(frozen=True)
class Found:
    """A slice that was found: the gap reported with its interval, and whether it is the planted."""

    what: Slice
    gap: float | None
    low: float | None
    high: float | None
    planted: bool


def find(planted: tuple[Planted | None, ...], n: int, seed: int) -> list[Found]:
    """Draw projects, plant one of the slices, and return what is found."""
    rng = np.random.default_rng([51, n, seed])
    one = planted[seed % len(planted)]
    predictions, projects = as_data(rng, drawn := draw(rng, n), one)
    member = spoil(rng, drawn, None)[0].meets_all(one.conditions) if one else np.zeros(n, bool)
    found = []
    for record in find_slices(predictions, dict.fromkeys(tag_names(), 0.5), projects).slices:
        inside = np.zeros(n, bool)
        inside[[int(name) for name in record.ids]] = True
        alike = one is not None and record.metric == one.metric
        alike = alike and (inside & member).sum() > SAME * (inside | member).sum()
        found.append(
            Found((record.conditions, record.metric), record.gap, record.low, record.high, alike)
        )
    return found


def true_gaps(
    wanted: dict[Planted | None, set[Slice]],
) -> dict[tuple[Planted | None, Slice], float]:
    """Return how much lower each slice's metric is than elsewhere, in a large draw."""
    rng = np.random.default_rng(52)
    sums: dict[tuple[Planted | None, Slice], NDArray[np.float64]] = {}
    for _ in range(POPULATION // CHUNK if any(wanted.values()) else 0):
        drawn = draw(rng, CHUNK)
        for planted, slices in wanted.items():
            seen, predicted = spoil(rng, drawn, planted)
            hits, true = seen.found.sum(axis=1), seen.tags.sum(axis=1)
            for one in slices:
                member = seen.meets_all(one[0])
                whole = predicted if one[1] == "precision" else true
                inner = np.array([hits[member].sum(), whole[member].sum()], float)
                total = np.array([hits.sum(), whole.sum()], float)
                sums[planted, one] = sums.get((planted, one), 0) + np.stack([inner, total - inner])
    return {
        key: 0.0 if not outside[1] else float(outside[0] / outside[1] - inside[0] / inside[1])
        for key, (inside, outside) in sums.items()
    }


def plantings() -> tuple[tuple[Planted, ...], tuple[Planted, ...]]:
    """Return slices of one condition and of two, of 5 % of projects each."""
    source, word = Condition("column", "source", "3"), Condition("word", word_names()[0])
    tag = Condition("tag", tag_names()[0])
    pair = (Condition("column", "license", "1"), Condition("column", "year", "2"))
    single = (
        Planted((source,)),
        Planted((source,), "precision"),
        Planted((word,)),
        Planted((word,), "precision"),
        Planted((tag,)),
    )
    return single, (Planted(pair), Planted(pair, "precision"))


def measure(settings: Settings) -> list[Row]:
    """Search where nothing is planted, and where a slice of one or two conditions is."""
    single, pair = plantings()
    kinds = {
        "nothing": ((None,), PROJECTS, settings.runs(300)),
        "single": (single, PROJECTS, settings.runs(250, 5)),
        "few": (single, FEW, settings.runs(250, 5)),
        "pair": (pair, PROJECTS, settings.runs(150)),
    }
    runs: dict[str, list[tuple[Planted | None, list[Found]]]] = {}
    for name, (planted, n, number) in kinds.items():
        results = spread(partial(find, planted, n), number, settings.jobs)
        runs[name] = [(planted[seed % len(planted)], one) for seed, one in enumerate(results)]
    wanted: dict[Planted | None, set[Slice]] = {}
    for name in ("single", "few", "pair"):
        for planted_one, found in runs[name]:
            wanted.setdefault(planted_one, set()).update(one.what for one in found)
    gaps = true_gaps(wanted)

    def true(planted: Planted | None, found: Found) -> float:
        return gaps[planted, found.what] if planted else 0.0

    def power(name: str, what: str) -> Row:
        rate = float(np.mean([any(one.planted for one in found) for _, found in runs[name]]))
        claim = f"slice of 5 % of projects that lose a third of their labels found; {what}"
        return at_least(claim, rate, 0.5, len(runs[name]))

    none = float(np.mean([bool(found) for _, found in runs["nothing"]]))
    rows = [
        at_most(
            f"any slice found where none is worse; {PROJECTS:,} projects",
            none,
            0.05,
            len(runs["nothing"]),
        ),
    ]
    for name, n in (("single", PROJECTS), ("few", FEW)):
        false = [
            sum(true(planted, one) < NO_GAP for one in found) / max(len(found), 1)
            for planted, found in runs[name]
        ]
        claim = f"slices found that are not worse, beside a planted one; {n:,} projects"
        rows.append(at_most(claim, float(np.mean(false)), 0.05, len(false)))
    rows.append(power("single", f"one condition, {PROJECTS:,} projects").shown())
    rows.append(power("few", f"one condition, {FEW:,} projects"))
    rows.append(power("pair", f"two conditions, {PROJECTS:,} projects"))
    for name, what in (
        ("single", f"{PROJECTS:,} projects"),
        ("few", f"{FEW:,} projects"),
        ("pair", f"two conditions planted, {PROJECTS:,} projects"),
    ):
        measured = [
            (one.gap - true(planted, one), one.low <= true(planted, one) <= one.high)
            for planted, found in runs[name]
            for one in found
            if one.gap is not None and one.low is not None and one.high is not None
        ]
        if not measured:
            continue
        errors, held = zip(*measured, strict=True)
        bias = float(np.mean(errors))
        noise = float(np.std(errors) / np.sqrt(len(errors)))
        shown = f"{bias:+.3f} ± {noise:.3f} of {len(errors):,}".replace("-", "−")
        claim = f"gap reported less the true one; {what}"
        rows.append(Row(claim, shown, "within ±0.010", abs(bias) <= 0.01))
        claim = f"interval of the gap of a slice found; {what}"
        rows.append(within(claim, [float(np.mean(held))], 0.93, 0.97, len(held)))
    return rows
