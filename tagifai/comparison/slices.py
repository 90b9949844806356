"""Score slices: all pairs of a slice's projects pooled, with intervals over its projects."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from tagifai.arrays import Floats, Integers, Sparse
from tagifai.comparison.averages import Replicates
from tagifai.comparison.bootstrap import RESAMPLES, combined_p, draw_weights, p_values
from tagifai.comparison.counts import METRICS, Counts
from tagifai.comparison.proportions import (
    Proportion,
    clustered,
    correlation_of,
    difference_interval,
    leave_out,
    proportion_parts,
)
from tagifai.comparison.results import DiffRow
from tagifai.comparison.swaps import smallest_p, sums_p_values
from tagifai.comparison.verdicts import ENOUGH_POSITIVES, ERROR_RATE, Differences, Judged, make_rows
from tagifai.metrics.figures import ratio

Slices = Mapping[str, AbstractSet[str]]
"""Each slice's projects, by their ids."""
OVERALL = "overall"
# Four numbers a project are swapped: many swaps of a slice take little.
SWAPS = 20_000
_PART_CELLS = 2_000_000


def sum_projects(y_true: Sparse, *y_preds: Sparse) -> Floats:
    """Sum each project's pairs: positives, then predictions and hits of each version, (n, k)."""
    columns = [y_true]
    for y_pred in y_preds:
        columns += [y_pred, y_true.multiply(y_pred)]
    return np.column_stack([np.asarray(part.sum(axis=1), np.float64).ravel() for part in columns])


def slice_proportions(sums: Floats) -> dict[str, Proportion]:
    """Build a slice's three proportions from its projects' positives, predictions and hits."""
    true, predicted, hits = (part[:, None] for part in sums.T)
    return {
        metric: clustered(*parts)
        for metric, parts in proportion_parts(true, predicted, hits).items()
    }


def has_enough(sums: Floats) -> bool:
    """Check whether a slice has ten projects and ten positives, to tell something by."""
    return len(sums) >= ENOUGH_POSITIVES and bool(sums[:, 0].sum() >= ENOUGH_POSITIVES)


def members(slices: Slices, ids: Sequence[str]) -> dict[str, Integers]:
    """Return the rows of each slice's projects, (n_slice,) each."""
    return {
        name: np.array([row for row, one in enumerate(ids) if one in chosen], dtype=np.intp)
        for name, chosen in slices.items()
    }


def label(name: str) -> str:
    """Name a slice beside the average over slices."""
    return name if name != OVERALL else f"{OVERALL} (slice)"


def average_slices(
    sums: Floats, rows: Mapping[str, Integers], resamples: int = RESAMPLES, seed: int = 0
) -> list[dict[str, Replicates]]:
    """Average each version's slices, weighted by their projects, by metric.

    `sums` are those of `sum_projects`; a project in two slices counts twice.
    """
    from scipy import sparse

    n, k = sums.shape
    full = np.column_stack([np.ones(n), sums])
    blocks = []
    for own in rows.values():
        block = np.zeros((n, k + 1))
        block[own] = full[own]
        blocks.append(sparse.csc_matrix(block))
    stacked = sparse.hstack(blocks, format="csc")
    total = np.asarray(stacked.sum(axis=0)).ravel()
    drawn = [_averages(weights @ stacked, k) for weights in draw_weights(n, resamples, seed)]
    without = [_averages(total - part.toarray(), k) for part in _parts(stacked.tocsr())]
    observed = _averages(total[None], k)
    return [
        {
            metric: Replicates(
                float(observed[version][metric][0]),
                np.concatenate([part[version][metric] for part in drawn]),
                np.concatenate([part[version][metric] for part in without]),
            )
            for metric in METRICS
        }
        for version in range((k - 1) // 2)
    ]


def score_slices(
    sums: Floats, rows: Mapping[str, Integers], resamples: int = RESAMPLES, seed: int = 0
) -> list[DiffRow]:
    """Judge two versions on each slice, and on the average over slices.

    `sums` are those of `sum_projects` for A and B, `rows` each slice's projects. False
    discoveries are held over slices and their average, metric by metric.
    """
    if not rows:
        return []
    judged = [_judge_slice(sums[own], resamples, seed) for own in rows.values()]
    judged.append(_judge_average(sums, rows, resamples, seed))
    names = [*map(label, rows), OVERALL]
    support = np.array([len(own) for own in rows.values()])
    support = np.append(support, support.sum())
    found = []
    for metric in METRICS:
        differences = Differences.of([one[metric] for one in judged])
        found += make_rows(names, [metric] * len(names), support, differences)
    return found


def _judge_slice(sums: Floats, resamples: int, seed: int) -> dict[str, Judged]:
    """Judge one slice, by metric."""
    moved = int((sums[:, 1:3] != sums[:, 3:5]).any(axis=1).sum())
    few = not has_enough(sums)
    alone = [slice_proportions(sums[:, [0, place, place + 1]]) for place in (1, 3)]
    nothing = dict.fromkeys(METRICS, (np.nan, np.nan, np.nan))
    compared = nothing if few or not moved else _compare_slice(sums, alone, resamples, seed)
    return {
        metric: Judged(
            alone[0][metric].figure[0],
            alone[1][metric].figure[0],
            *compared[metric],
            not moved,
            few,
            smallest_p(moved) <= ERROR_RATE,
        )
        for metric in METRICS
    }


def _compare_slice(
    sums: Floats, alone: Sequence[Mapping[str, Proportion]], resamples: int, seed: int
) -> dict[str, tuple[float, float, float]]:
    """Return by metric the ends of the interval of B − A, and its p-value."""
    true = float(sums[:, 0].sum())

    def differences(totals: Floats) -> dict[str, Floats]:
        figures = Counts(np.full(totals.shape[:-1], true), totals[..., 0], totals[..., 1]).figures()
        return {metric: values[..., 1] - values[..., 0] for metric, values in figures.items()}

    exact = sums_p_values(differences, sums[:, 1:3], sums[:, 3:5], SWAPS, seed)
    drawn = np.vstack([weights @ sums for weights in draw_weights(len(sums), resamples, seed)])
    before, after = (
        Counts(drawn[:, 0], drawn[:, place], drawn[:, place + 1]).figures() for place in (1, 3)
    )
    found = {}
    for metric in METRICS:
        changes = []
        for place in (1, 3):
            parts = proportion_parts(sums[:, :1], sums[:, [place]], sums[:, [place + 1]])[metric]
            changes.append(leave_out(*parts[:2]))
        low, high = difference_interval(
            alone[0][metric], alone[1][metric], correlation_of(*changes)
        )
        bootstrap = p_values(np.round(after[metric] - before[metric], 12))
        p = combined_p(bootstrap, exact[metric], resamples)
        found[metric] = (float(low[0]), float(high[0]), float(p))
    return found


def _judge_average(
    sums: Floats, rows: Mapping[str, Integers], resamples: int, seed: int
) -> dict[str, Judged]:
    """Judge the average over slices, by metric."""
    inside = np.unique(np.concatenate(list(rows.values())))
    first, second = average_slices(sums, rows, resamples, seed)
    sizes = np.array([len(own) for own in rows.values()], np.float64)
    true = np.array([sums[own, 0].sum() for own in rows.values()])
    member = np.zeros((len(rows), len(sums)), bool)
    for place, own in enumerate(rows.values()):
        member[place, own] = True
    member = member[:, inside]

    def differences(totals: Floats) -> dict[str, Floats]:
        by_slice = totals.reshape(*totals.shape[:-1], len(rows), 2)
        shape = by_slice.shape[:-1]
        counts = Counts(np.broadcast_to(true, shape), by_slice[..., 0], by_slice[..., 1])
        averages = {metric: _weighted(values, sizes) for metric, values in counts.figures().items()}
        return {metric: values[..., 1] - values[..., 0] for metric, values in averages.items()}

    def spread(part: Floats) -> Floats:
        """Repeat each project's two numbers for each slice that contains it."""
        return (member.T[:, :, None] * part[:, None, :]).reshape(len(inside), -1)

    exact = sums_p_values(
        differences, spread(sums[inside, 1:3]), spread(sums[inside, 3:5]), seed=seed
    )
    moved = int((sums[inside, 1:3] != sums[inside, 3:5]).any(axis=1).sum())
    few = not has_enough(sums[inside])
    found: dict[str, Judged] = {}
    for metric in METRICS:
        difference = second[metric] - first[metric]
        bootstrap = p_values(np.round(difference.resampled, 12))
        found[metric] = Judged(
            first[metric].observed,
            second[metric].observed,
            *difference.interval(),
            float(combined_p(bootstrap, exact[metric], resamples)),
            not moved,
            few,
            smallest_p(moved) <= ERROR_RATE,
        )
    return found


def _weighted(values: Floats, sizes: Floats) -> Floats:
    """Average over the last axis, by size, what is defined."""
    defined = ~np.isnan(values)
    return ratio((np.where(defined, values, 0) * sizes).sum(-1), (defined * sizes).sum(-1))


def _parts(matrix: Sparse) -> Iterator[Sparse]:
    height = max(1, _PART_CELLS // max(matrix.shape[1], 1))
    for start in range(0, matrix.shape[0], height):
        yield matrix[start : start + height]


def _averages(totals: Floats, k: int) -> list[dict[str, Floats]]:
    """Average slices from their sums, (..., slices · (k + 1)), by version and metric."""
    by_slice = np.asarray(totals).reshape(len(totals), -1, k + 1)
    size, true = by_slice[..., 0], by_slice[..., 1]
    found = []
    for place in range(2, k + 1, 2):
        figures = Counts(true, by_slice[..., place], by_slice[..., place + 1]).figures()
        found.append({metric: _weighted(values, size) for metric, values in figures.items()})
    return found
