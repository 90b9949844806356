"""A comparison of two versions in words, as markup."""

from collections.abc import Sequence

from markupsafe import Markup

from tagifai.charts.svg import LABEL_LENGTH
from tagifai.charts.templating import render, shorten_value
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
    """Show in words whether B is better, on what, and what was left out."""
    row, flips, left_out = result.primary_row, result.flips, result.left_out
    sentences = [_primary_sentence(result, row), _tags_sentence(result), _behavior_sentence(result)]
    if flips and flips.negative_flip_rate is not None:
        sentences.append(
            f"It fixed {flips.fixed:,} decisions and broke {flips.broke:,} "
            f"(negative-flip rate {flips.negative_flip_rate * 100:.2f} %)."
        )
    if left_out.count:
        why = shorten_value(left_out.reason, 300)
        sentences.append(f"{left_out.count:,} test projects are left out ({why}).")
    if result.note:
        sentences.append(shorten_value(result.note, 600))
    kind = {BETTER: "good", WORSE: "error"}.get((row.verdict if row else None) or "", "warning")
    return str(render("verdict.html", kind=kind, sentences=sentences))


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


def count_in_words(rows: Sequence[DiffRow]) -> str:
    """Count verdicts in words.

    >>> rows = [DiffRow("cv", "f1", verdict="better"), DiffRow("nlp", "f1", verdict="better")]
    >>> count_in_words(rows)
    "2 better, 0 worse, 0 can't tell, 0 too few, 0 unchanged"
    """
    counted = count_verdicts([row.verdict for row in rows])
    return ", ".join(f"{number:,} {verdict}" for verdict, number in counted.items())


def _primary_sentence(result: Comparison, row: DiffRow | None) -> str:
    a, b = (shorten_value(name, LABEL_LENGTH) for name in (result.a, result.b))
    name = name_figure(result.primary)
    if row is None or row.diff is None:
        return f"No overall {name} that both versions have."
    points = f"{name} {row.diff * 100:+.1f} points"
    if row.verdict is None:
        return f"{points} (no verdict: see below)."
    on = f"on {result.shared:,} shared test projects"
    if row.verdict == TOO_FEW:
        return Markup("<b>Too few</b> to tell {} from {}: {}, {}.").format(b, a, points, on)
    if row.low is None or row.high is None:
        return Markup("<b>Unchanged</b>: {} decides as {} does, {}.").format(b, a, on)
    words = Markup("<b>{} is {}</b> than {}").format(b, row.verdict, a)
    if row.verdict == UNSURE:
        words = Markup("<b>Can't tell</b> {} from {}").format(b, a)
    interval = f"95 % interval {row.low * 100:+.1f} to {row.high * 100:+.1f}"
    return Markup("{}: {}, {}, {}.").format(words, points, interval, on)


def _tags_sentence(result: Comparison) -> str:
    metric = result.primary.partition(" ")[2]
    if result.basis != "paired":
        return ""
    return Markup("By tag: {}.").format(Markup(count_in_words(result.rows("tags", metric))))  # noqa: S704


def _behavior_sentence(result: Comparison) -> str:
    row = next((r for r in result.behavioral if r.name == "all" and r.verdict in MARKS), None)
    if row is None or row.diff is None:
        return ""
    return f"On behavioral tests it is {row.verdict} ({row.diff * 100:+.1f} points)."
