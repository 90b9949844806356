"""How often 95 % intervals hold the true figure: of tags, averages, slices and behavioral tests."""

from collections import defaultdict
from statistics import NormalDist

import numpy as np

from benchmarks.statistics.rows import Row, Settings, spread, within
from benchmarks.statistics.simulation import (
    Population,
    as_predictions,
    behavioral_results,
    population,
    version,
)
from benchmarks.statistics.verdicts import draw_tests
from tagifai.comparison import compare
from tagifai.comparison.behavior import measure_scores
from tagifai.comparison.intervals import measure_figures

LOW, HIGH = 0.93, 0.97
PROJECTS, TAGS = 400, 40
RESAMPLES = 500
# One population of tags that all have ten positives and more, one of many rare tags.
POPULATIONS = {"10 to 90": (13, 75), "3 to 60": (4, 50)}

# Knowing a tag's name, the version's own part and the test's, of variances 1, 0.49 and 0.49.
TRUE_SCORE = NormalDist().cdf(1 / (1 + 0.49 + 0.49) ** 0.5)

KEYS = {
    ("tag", "10 to 19 positives"),
    ("tag diff", "10 to 19 positives"),
    ("macro", "positives 3 to 60"),
}
Covered = dict[tuple[str, ...], list[bool]]
"""Whether each interval of a kind held the true figure."""


def measure(settings: Settings) -> list[Row]:
    """Draw test splits again and again, and look where the true figures lie."""
    runs = settings.runs(1_200)
    covered: dict[tuple[str, ...], list[bool]] = defaultdict(list)
    for found in spread(cover, runs, settings.jobs):
        for kind, held in found.items():
            covered[kind] += held
    about = f"{PROJECTS} projects, {TAGS} dependent tags"
    claims = {
        "tag": f"interval of a tag's precision, recall, F1; {about}",
        "tag diff": f"interval of a tag's difference between two versions; {about}",
        "overall": f"interval of weighted and micro averages; {about}",
        "macro": f"interval of macro averages, rare tags among them; {about}",
        "overall diff": f"interval of the difference of nine averages; {about}",
        "slice": "interval of a slice of 60 projects, alone",
        "slice diff": "interval of a slice's difference between two versions",
        "behavioral": "interval of a behavioral score, tests of a tag passing together",
    }
    rows = []
    for name, claim in claims.items():
        groups: dict[str, dict[str, list[bool]]] = defaultdict(dict)
        for (kind, size, *figure), held in covered.items():
            if kind == name:
                groups[size][" ".join(figure)] = held
        for size, figures in sorted(groups.items()):
            rates = [float(np.mean(held)) for held in figures.values()]
            fewest = min(map(len, figures.values()))
            row = within(f"{claim}{size and f'; {size}'}", rates, LOW, HIGH, fewest)
            rows.append(row.shown() if (name, size) in KEYS else row)
    return rows


def cover(seed: int) -> Covered:
    """Draw one test split of each population, and say which intervals hold the truth."""
    found: Covered = defaultdict(list)
    for name, (fewest, most) in POPULATIONS.items():
        pop = population(TAGS, PROJECTS, fewest, most, changed=0.08)
        _cover_population(found, pop, seed, f"positives {name}")
    _cover_tests(found, seed)
    return dict(found)


def _cover_population(found: Covered, pop: Population, seed: int, size: str) -> None:
    rng = np.random.default_rng(seed)
    y_true, a, b = pop.draw(rng, PROJECTS)
    chosen = set(map(str, range(60)))
    first, second = as_predictions(y_true, a), as_predictions(y_true, b)
    diff = compare(
        version("a"),
        version("b"),
        first,
        second,
        seed=seed,
        resamples=RESAMPLES,
        slices={"s": chosen},
    )
    alone = measure_figures(first, {}, seed=seed, resamples=RESAMPLES, slices={"s": chosen})
    truth_a, truth_b = (counts.figures() for counts in pop.figures)
    average_a, average_b = (counts.averages() for counts in pop.figures)
    positives = dict(zip(first.tags, y_true.sum(axis=0).tolist(), strict=True))
    column = {tag: place for place, tag in enumerate(first.tags)}

    def note(kind: str, group: str, metric: str, ends: tuple, true: float) -> None:
        found[kind, group, metric].append(bool(ends[0] <= true <= ends[1]))

    for (kind, name, metric), one in alone.items():
        ends = one.low, one.high
        if kind == "class":
            note("tag", _support(positives[name]), metric, ends, truth_a[metric][column[name]])
        elif kind == "slices" and name == "s":
            note("slice", "", metric, ends, average_a["micro"][metric])
        elif kind == "overall" and name in average_a:
            group = "macro" if name == "macro" else "overall"
            note(group, size, f"{name} {metric}", ends, average_a[name][metric])
    for row in diff.tags:
        if row.low is not None:
            true = truth_b[row.metric][column[row.name]] - truth_a[row.metric][column[row.name]]
            note("tag diff", _support(row.support), row.metric, (row.low, row.high), true)
    for row in diff.overall:
        true = average_b[row.name][row.metric] - average_a[row.name][row.metric]
        note("overall diff", size, f"{row.name} {row.metric}", (row.low, row.high), true)
    for row in diff.slices:
        if row.name == "s" and row.low is not None:
            true = average_b["micro"][row.metric] - average_a["micro"][row.metric]
            note("slice diff", "", row.metric, (row.low, row.high), true)


def _cover_tests(found: Covered, seed: int) -> None:
    passed, _ = draw_tests(np.random.default_rng(seed))
    _, low, high = measure_scores(behavioral_results(passed))["all"]
    found["behavioral", "", "score"].append(bool(low <= TRUE_SCORE <= high))


def _support(positives: int) -> str:
    return "10 to 19 positives" if positives < 20 else "20 positives and more"
