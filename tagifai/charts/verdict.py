"""A comparison of two versions in words, as markup."""

from collections.abc import Sequence

from tagifai.charts.svg import escaped
from tagifai.comparison.results import Comparison, DiffRow
from tagifai.comparison.verdicts import (
    BETTER,
    ENOUGH_POSITIVES,
    TOO_FEW,
    UNSURE,
    WORSE,
    count_verdicts,
)

MARKS = {BETTER: "▲ better", WORSE: "▼ worse"}
# A difference without a verdict has a direction too, which must not look like one.
HIGHER, LOWER, EQUAL = "↗", "↘", "="
VERDICT_TERMS = (
    (
        "Verdict",
        "▲ better or ▼ worse: more than chance would bring. Can't tell: it could be chance. "
        f"Too few: under {ENOUGH_POSITIVES} positives (of a slice projects, of behavior tests), so "
        "no interval either. Unchanged: both versions decide the same. ↗ and ↘ only say which "
        "figure is higher.",
    ),
    (
        "Interval",
        "95 % interval of the difference: of precision, recall and F1 of a tag or slice from "
        "Wilson's score intervals of both versions and the correlation of their errors, of "
        "averages over tags from the bootstrap and the jackknife over test projects.",
    ),
    (
        "What counts as more than chance",
        "The larger of two p-values, both by project: the paired bootstrap's and that of the exact "
        "test that swaps the two versions' decisions. Corrected for how much is asked: any false "
        "verdict among the overall figures comes in 5 % at most, four of them given to the primary "
        "figure (Holm); over tags, over slices and over groups of behavioral tests, 5 % of the "
        "verdicts are false at most, metric by metric (Benjamini–Hochberg).",
    ),
)


def show_verdict(result: Comparison) -> str:
    """Say in words whether B is better, on what, and what was left out."""
    row = result.primary_row
    told = [_tell_primary(result, row), _tell_tags(result), _tell_behavior(result)]
    flips = result.flips
    if flips and flips.negative_flip_rate is not None:
        told.append(
            f"It fixed {flips.fixed:,} decisions and broke {flips.broke:,} "
            f"(negative-flip rate {flips.negative_flip_rate * 100:.2f} %)."
        )
    left_out = result.left_out
    if left_out.count:
        why = escaped(left_out.reason, 300)
        told.append(f"{left_out.count:,} test projects are left out ({why}).")
    if result.note:
        told.append(escaped(result.note, 600))
    kind = {BETTER: "good", WORSE: "error"}.get((row.verdict if row else None) or "", "warning")
    return f'<div class="notice {kind}">{" ".join(filter(None, told))}</div>'


def name_figure(primary: str) -> str:
    """Name an overall figure; averages are weighted by support where nothing else is said.

    >>> name_figure("weighted f1"), name_figure("macro recall")
    ('F1', 'macro recall')
    """
    average, _, metric = primary.partition(" ")
    metric = "F1" if metric == "f1" else metric
    return metric if average == "weighted" else f"{average} {metric}"


def mark(verdict: str | None, diff: float | None) -> str:
    """Mark a difference: by its verdict, or else by which version's figure is higher.

    >>> mark("better", 0.1), mark("can't tell", 0.1), mark(None, -0.1), mark("unchanged", 0.0)
    ('▲', '↗', '↘', '=')
    """
    if verdict in MARKS:
        return MARKS[verdict][0]
    if not diff:
        return EQUAL
    return HIGHER if diff > 0 else LOWER


def tell_counts(rows: Sequence[DiffRow]) -> str:
    """Count verdicts in words.

    >>> tell_counts([DiffRow("cv", "f1", verdict="better"), DiffRow("nlp", "f1", verdict="better")])
    "2 better, 0 worse, 0 can't tell, 0 too few, 0 unchanged"
    """
    counted = count_verdicts([row.verdict for row in rows])
    return ", ".join(f"{number:,} {verdict}" for verdict, number in counted.items())


def _tell_primary(result: Comparison, row: DiffRow | None) -> str:
    a, b, name = escaped(result.a), escaped(result.b), name_figure(result.primary)
    if row is None or row.diff is None:
        return f"No overall {name} that both versions have."
    points = f"{name} {row.diff * 100:+.1f} points"
    if row.verdict is None:
        return f"{points} (no verdict: see below)."
    on = f"on {result.shared:,} shared test projects"
    if row.verdict == TOO_FEW:
        return f"<b>Too few</b> to tell {b} from {a}: {points}, {on}."
    if row.low is None or row.high is None:
        return f"<b>Unchanged</b>: {b} decides as {a} does, {on}."
    words = f"<b>{b} is {row.verdict}</b> than {a}"
    if row.verdict == UNSURE:
        words = f"<b>Can't tell</b> {b} from {a}"
    interval = f"95 % interval {row.low * 100:+.1f} to {row.high * 100:+.1f}"
    return f"{words}: {points}, {interval}, {on}."


def _tell_tags(result: Comparison) -> str:
    metric = result.primary.partition(" ")[2]
    if result.basis != "paired":
        return ""
    return f"By tag: {tell_counts(result.rows('tags', metric))}."


def _tell_behavior(result: Comparison) -> str:
    row = next((r for r in result.behavioral if r.name == "all" and r.verdict in MARKS), None)
    if row is None or row.diff is None:
        return ""
    return f"On behavioral tests it is {row.verdict} ({row.diff * 100:+.1f} points)."
