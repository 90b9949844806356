"""A comparison as a Markdown document, to save or to send."""

import re
from collections.abc import Iterable, Sequence

from tagifai.comparison.diffs import count_of
from tagifai.comparison.results import Comparison, DiffRow, Flips
from tagifai.errors import shorten

_HEAD = ("name", "metric", "A", "B", "B − A", "95 % interval", "p", "verdict", "support")
_TITLES = {"overall": "Overall", "behavioral": "Behavior", "slices": "Slices", "tags": "Tags"}
_SIGNIFICANT = re.compile(r"([\\`*_\[\]<>|!&~$])")


def export_comparison(diff: Comparison) -> str:
    """Write a comparison as Markdown; names are shown as text, whatever is in them."""
    a, b = _text(diff.a), _text(diff.b)
    parts = [f"# {b} compared with {a}", f"A is {a}, B is {b}; differences are B − A."]
    if diff.basis == "paired":
        parts.append(
            f"Both are scored on the {count_of(diff.shared, 'project')} in both test splits. "
            f"p is the larger of those of a paired bootstrap over projects, {diff.resamples:,} "
            f"resamples, and of the exact test that swaps both versions' decisions. Verdicts: any "
            f"false one among the overall figures in 5 % at most, {_text(diff.primary)} first "
            f"(Holm); false discoveries held at 5 % over tags, over slices and over groups of "
            f"behavioral tests, metric by metric (Benjamini–Hochberg)."
        )
    left_out = diff.left_out
    if left_out.count:
        names = ", ".join(_text(one) for one in left_out.ids)
        more = ", …" if left_out.count > len(left_out.ids) else ""
        parts.append(
            f"Left out: {count_of(left_out.count, 'project')} "
            f"({_text(left_out.reason, 500)}): {names}{more}."
        )
    if diff.note:
        parts.append(_text(diff.note, 1000))
    for group, title in _TITLES.items():
        if rows := diff.rows(group):
            parts += [f"## {title}", _table(_HEAD, map(_row, rows))]
    if diff.flips:
        parts += ["## Flips", _flips(diff.flips)]
    changed = [row for row in diff.params if row.status != "same"]
    if changed:
        rows_of_params = ([row.name, row.a, row.b, row.status] for row in changed)
        parts += ["## Parameters", _table(("name", "A", "B", "status"), rows_of_params)]
    return "\n\n".join(parts) + "\n"


def _flips(flips: Flips) -> str:
    summary = (
        f"Of {flips.pairs:,} pairs of project and tag, B fixed {flips.fixed:,}, broke "
        f"{flips.broke:,} (negative-flip rate {flips.negative_flip_rate or 0:.4f}) and left "
        f"{flips.both_wrong:,} wrong."
    )
    rows = [
        [row.tag, row.fixed, row.broke, row.both_wrong, row.support]
        for row in flips.by_tag
        if row.fixed or row.broke
    ]
    if not rows:
        return summary
    return f"{summary}\n\n{_table(('tag', 'fixed', 'broke', 'both wrong', 'support'), rows)}"


def _row(row: DiffRow) -> list[object]:
    interval = None
    if row.low is not None and row.high is not None:
        interval = f"{row.low:+.3f} to {row.high:+.3f}"
    return [
        row.name,
        row.metric,
        _figure(row.a),
        _figure(row.b),
        _figure(row.diff, "+"),
        interval,
        _figure(row.p_value),
        row.verdict,
        row.support,
    ]


def _figure(value: float | None, sign: str = "") -> str | None:
    return None if value is None else f"{value:{sign}.3f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head)]
    lines += [["" if cell is None else _text(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(value: object, length: int = 80) -> str:
    return _SIGNIFICANT.sub(r"\\\1", shorten(" ".join(str(value).split()), length))
