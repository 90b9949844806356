"""False verdicts where nothing changed, and planted changes that are found."""

from collections.abc import Iterable
from functools import partial

import numpy as np

from benchmarks.statistics.rows import Row, Settings, at_least, at_most, spread
from benchmarks.statistics.simulation import (
    Population,
    as_predictions,
    behavioral_results,
    population,
    version,
)
from tagifai.comparison import compare
from tagifai.comparison.counts import METRICS
from tagifai.comparison.results import Comparison, DiffRow
from tagifai.comparison.verdicts import BETTER, WORSE

ALPHA = 0.05
# Of the versions that differ by chance: a test split as of some thousand projects.
PROJECTS, TAGS, FEWEST, MOST = 400, 60, 4, 80
SLICES = 6
# Of the planted changes: the size of an archive of 7,000 packages, a seventh of it test.
LARGE, LARGE_TAGS, POSITIVES, PLANTED = 1_000, 65, 60, 10


def measure(settings: Settings) -> list[Row]:
    """Simulate versions that differ by chance, and versions of which one is better."""
    return [*_by_chance(settings), *_coin_tosses(settings), *_planted(settings), *_tests(settings)]


def is_called(rows: Iterable[DiffRow]) -> bool:
    """Check whether any row says that a version is better or worse."""
    return any(row.verdict in (BETTER, WORSE) for row in rows)


def compare_drawn(pop: Population, n: int, seed: int, slices: int = 0) -> Comparison:
    """Draw projects and both versions' decisions, and compare these."""
    rng = np.random.default_rng(seed)
    y_true, a, b = pop.draw(rng, n)
    members = {
        f"slice {i}": set(map(str, np.flatnonzero(rng.random(n) < 0.2))) for i in range(slices)
    }
    return compare(
        version("a"),
        version("b"),
        as_predictions(y_true, a),
        as_predictions(y_true, b),
        seed=seed,
        slices=members,
    )


def call_by_chance(seed: int) -> dict[str, bool]:
    """Return where two versions that differ by chance are told apart."""
    diff = compare_drawn(population(TAGS, PROJECTS, FEWEST, MOST), PROJECTS, seed, SLICES)
    return {
        **{metric: is_called(diff.rows("tags", metric)) for metric in METRICS},
        "overall": is_called(diff.overall),
        "slices": is_called(diff.rows("slices", "f1")),
    }


def call_coin_tosses(seed: int, tags: int) -> dict[str, bool]:
    """Return where versions are told apart that differ by eight coin tosses a tag."""
    rng = np.random.default_rng(seed)
    n, positives = 200, 30
    y_true, a, b = (np.zeros((n, tags), bool) for _ in range(3))
    for tag in range(tags):
        carrying = rng.choice(n, positives, replace=False)
        y_true[carrying, tag] = True
        found = carrying[rng.random(positives) < 0.6]
        a[found, tag] = b[found, tag] = True
        for project in rng.choice(n, 8, replace=False):
            a[project, tag] = rng.random() < 0.5
            b[project, tag] = not a[project, tag]
    diff = compare(version("a"), version("b"), as_predictions(y_true, a), as_predictions(y_true, b))
    return {metric: is_called(diff.rows("tags", metric)) for metric in METRICS}


def find_planted(seed: int) -> tuple[float, float]:
    """Return the share of ten planted changes that are found, and that of false discoveries."""
    pop = population(LARGE_TAGS, LARGE, 0.7 * POSITIVES, 1.4 * POSITIVES)
    planted = np.linspace(0, LARGE_TAGS - 1, PLANTED).astype(int)
    recall = np.stack([pop.recall[0], pop.recall[0]])
    recall[:, planted] = np.array([[0.6], [0.85]])
    changed = Population(pop.rate, recall, pop.false_rate, pop.seed)
    diff = compare_drawn(changed, LARGE, seed)
    names = {f"tag-{tag}" for tag in planted}
    called = {row.name for row in diff.rows("tags", "recall") if is_called([row])}
    return len(called & names) / PLANTED, len(called - names) / max(1, len(called))


def call_tests(seed: int) -> bool:
    """Check whether behavioral tests tell versions apart that differ by chance, tag by tag."""
    rng = np.random.default_rng(seed)
    first, second = (
        version(name, behavioral_results(passed))
        for name, passed in zip("ab", draw_tests(rng), strict=True)
    )
    return is_called(
        row for row in compare(first, second, None, None).behavioral if row.name == "all"
    )


def draw_tests(rng: np.random.Generator, tags: int = 40, each: int = 8) -> np.ndarray:
    """Draw which tests both versions pass, (2, tags, each): those of a tag pass together."""
    known = rng.normal(1.0, 1.0, (1, tags, 1))
    own = rng.normal(0, 0.7, (2, tags, 1))
    return known + own + rng.normal(0, 0.7, (2, tags, each)) > 0


def _rate(found: list[dict[str, bool]], name: str) -> float:
    return float(np.mean([one[name] for one in found]))


def _by_chance(settings: Settings) -> list[Row]:
    runs = settings.runs(600)
    found = spread(call_by_chance, runs, settings.jobs)
    about = (
        f"versions that differ by chance; {PROJECTS} projects, {TAGS} dependent tags of {FEWEST} "
        f"to {MOST} positives"
    )
    asked = {metric: f"tags, {metric.replace('f1', 'F1')}" for metric in METRICS}
    asked |= {"overall": "the nine overall figures", "slices": f"{SLICES} slices, F1"}
    rows = {
        name: at_most(f"any false verdict among {among}: {about}", _rate(found, name), ALPHA, runs)
        for name, among in asked.items()
    }
    return [row.shown() if name in ("f1", "overall") else row for name, row in rows.items()]


def _coin_tosses(settings: Settings) -> list[Row]:
    runs = settings.runs(300)
    rows = []
    for tags in (10, 60):
        found = spread(partial(call_coin_tosses, tags=tags), runs, settings.jobs)
        worst = max(_rate(found, metric) for metric in METRICS)
        claim = f"any false verdict among {tags} tags of eight coin-toss flips, the worst metric"
        rows.append(at_most(claim, worst, ALPHA, runs))
    return rows


def _planted(settings: Settings) -> list[Row]:
    runs = settings.runs(60)
    found, false = np.transpose(spread(find_planted, runs, settings.jobs))
    about = (
        f"{PLANTED} of {LARGE_TAGS} tags with recall 0.60 → 0.85; {LARGE:,} projects, about "
        f"{POSITIVES} positives a tag"
    )
    return [
        at_least(
            f"planted changes found: {about}", float(found.mean()), 0.6, runs * PLANTED
        ).shown(),
        at_most(f"false discoveries beside them: {about}", float(false.mean()), ALPHA, runs),
    ]


def _tests(settings: Settings) -> list[Row]:
    runs = settings.runs(1_000)
    rate = float(np.mean(spread(call_tests, runs, settings.jobs)))
    claim = "a false verdict on 320 behavioral tests of 40 tags that pass and fail together"
    return [at_most(claim, rate, ALPHA, runs)]
