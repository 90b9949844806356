"""Score two versions on the same projects: figures, differences, intervals and verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tagifai.comparison.averages import (
    FIGURES,
    Decisions,
    Replicates,
    Sides,
    average_p_values,
    replicate,
)
from tagifai.comparison.bootstrap import RESAMPLES, combined_p, p_of_sides, p_values
from tagifai.comparison.counts import METRICS, Counts, Figure
from tagifai.comparison.flips import Shared, decide_sparse
from tagifai.comparison.proportions import (
    correlation_of,
    difference_interval,
    of_tags,
    proportion_parts,
    residuals_of,
)
from tagifai.comparison.results import DiffRow
from tagifai.comparison.slices import Slices, members, score_slices, sum_projects
from tagifai.comparison.swaps import p_values_of_cells
from tagifai.comparison.verdicts import (
    BETTER,
    ENOUGH_POSITIVES,
    ERROR_RATE,
    WORSE,
    Correction,
    Differences,
    holm,
    known,
    make_rows,
)
from tagifai.data.config import PRIMARY
from tagifai.predictions import Predictions

# Of what may be wrong overall, so much is the primary figure's.
PRIMARY_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Scores:
    """Rows of both versions, as `compare` documents them."""

    overall: list[DiffRow]
    tags: list[DiffRow]
    slices: list[DiffRow]


def score_paired(
    shared: Shared,
    slices: Slices,
    resamples: int = RESAMPLES,
    seed: int = 0,
    primary: str = PRIMARY,
) -> Scores:
    """Score both versions overall, by tag and by slice."""
    a = Decisions.of(shared.y_true, shared.pred_a)
    b = Decisions.of(shared.y_true, shared.pred_b)
    (first, second), sides = replicate((a, b), resamples, seed)
    exact = average_p_values(a, b, seed=seed)
    return Scores(
        _score_overall(shared, first, second, exact, primary),
        _score_tags(shared, a.counts(), b.counts(), sides, resamples),
        score_slices(
            sum_projects(shared.y_true, shared.pred_a, shared.pred_b),
            members(slices, shared.ids),
            resamples,
            seed,
        ),
    )


def score_alone(
    predictions: Predictions, thresholds: Mapping[str, float], tags: Sequence[str]
) -> list[DiffRow]:
    """Score tags that only one version knows on its test split: rows with the figure as `a`."""
    rows = predictions.rows_by_split["test"]
    counts = Decisions.of(*decide_sparse(predictions, thresholds, rows, tags)).counts()
    return [
        DiffRow(tag, metric, int(counts.true[column]), known(values[column]))
        for metric, values in counts.figures().items()
        for column, tag in enumerate(tags)
    ]


def _score_overall(
    shared: Shared,
    first: Mapping[Figure, Replicates],
    second: Mapping[Figure, Replicates],
    exact: Mapping[Figure, float],
    primary: str,
) -> list[DiffRow]:
    """Judge the averages, the primary one first, so that any false verdict comes in 5 % at most.

    Four of the five percent are the primary figure's, the fifth is shared by the others (Holm),
    which have all five where the primary one has a verdict (Wiens 2003's fallback procedure).
    """
    unchanged = not (shared.pred_a != shared.pred_b).nnz
    few = int(shared.support.sum()) < ENOUGH_POSITIVES
    differences = {figure: second[figure] - first[figure] for figure in FIGURES}

    def judge(figures: Sequence[Figure], correct: Correction) -> list[DiffRow]:
        chosen = [differences[figure] for figure in figures]
        # Equal averages of different tags differ in the last bits: that is no difference.
        bootstrap = [float(p_values(np.round(one.resampled, 12))) for one in chosen]
        low, high = np.transpose([one.interval() for one in chosen])
        return make_rows(
            [average for average, _ in figures],
            [metric for _, metric in figures],
            np.full(len(figures), len(shared.ids)),
            Differences(
                a=np.array([first[figure].observed for figure in figures]),
                b=np.array([second[figure].observed for figure in figures]),
                low=low,
                high=high,
                p=combined_p(
                    bootstrap, [exact[figure] for figure in figures], len(chosen[0].resampled)
                ),
                unchanged=np.full(len(figures), unchanged),
                few=np.full(len(figures), few),
            ),
            correct,
        )

    decisive = [figure for figure in FIGURES if " ".join(figure) == primary]
    rows = judge(decisive, lambda p: p <= PRIMARY_SHARE * ERROR_RATE)
    level = ERROR_RATE * (1 if rows[0].verdict in (BETTER, WORSE) else 1 - PRIMARY_SHARE)
    others = [figure for figure in FIGURES if figure not in decisive]
    return rows + judge(others, partial(holm, level=level))


def _score_tags(
    shared: Shared, a: Counts, b: Counts, sides: Sides, resamples: int
) -> list[DiffRow]:
    cells = _count_cells(shared)
    support = shared.support
    unchanged = cells[[1, 2, 5, 6]].sum(axis=0) == 0
    few = support < ENOUGH_POSITIVES
    exact = {metric: np.ones((2, len(support))) for metric in METRICS}
    for column in np.flatnonzero(~unchanged & ~few):
        for metric, values in p_values_of_cells(cells[:, column]).items():
            exact[metric][:, column] = values
    alone_a, alone_b = (of_tags(one.true, one.predicted, one.hits) for one in (a, b))
    correlations = _correlate_tags(cells)
    rows = []
    for metric in METRICS:
        first, second = alone_a[metric], alone_b[metric]
        low, high = difference_interval(first, second, correlations[metric])
        p, least = exact[metric]
        bootstrap = p_of_sides(*sides[metric], resamples)
        rows += make_rows(
            shared.tags,
            [metric] * len(shared.tags),
            support,
            Differences(
                a=first.figure,
                b=second.figure,
                low=low,
                high=high,
                p=combined_p(bootstrap, p, resamples),
                unchanged=unchanged,
                few=few,
                # With so few flips that even all of one kind are no evidence, nothing is tested.
                askable=least <= ERROR_RATE,
            ),
        )
    return rows


def _count_cells(shared: Shared) -> NDArray[np.int64]:
    """Count each tag's projects by 4 · y_true + 2 · pred_a + pred_b: (8, t)."""
    true, a, b = shared.y_true, shared.pred_a, shared.pred_b
    both = a.multiply(b)
    y, pa, pb, ab, ya, yb, yab = (
        np.asarray(part.sum(axis=0)).ravel().astype(np.int64)
        for part in (
            true,
            a,
            b,
            both,
            true.multiply(a),
            true.multiply(b),
            true.multiply(both),
        )
    )
    found = np.zeros((8, len(y)), np.int64)
    found[7], found[6], found[5] = yab, ya - yab, yb - yab
    found[4] = y - ya - yb + yab
    found[3] = ab - yab
    found[2], found[1] = pa - ya - found[3], pb - yb - found[3]
    found[0] = len(shared.ids) - found.sum(axis=0)
    return found


def _correlate_tags(cells: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """Correlate the errors of both versions' figures, by metric: (t,) each."""
    kind = np.arange(8)[:, None]
    true, a, b = kind >> 2 & 1, kind >> 1 & 1, kind & 1
    found = {}
    for metric in METRICS:
        first, second = (
            residuals_of(*proportion_parts(true, predicted, true & predicted)[metric][:2], cells)
            for predicted in (a, b)
        )
        found[metric] = correlation_of(first, second, cells)
        # Simulated intervals of few positives would else miss too often, in precision too seldom.
        sign = 1 if metric == "precision" else -1
        factor = 1 + sign / np.maximum(cells[4:].sum(axis=0), 1)
        found[metric] = np.clip(found[metric] * factor, -1, 1)
    return found
