"""Hostile strings through every place that shows, draws, writes or keeps text."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from security.rows import Files, Measured, Row, cpu_seconds, measured, quickest

from tagifai.charts import chart_bars, chart_columns, chart_diffs
from tagifai.charts.curves import chart_lines
from tagifai.charts.shares import chart_shares
from tagifai.charts.tables import show_table
from tagifai.comparison.export import export_comparison
from tagifai.comparison.results import Comparison, DiffRow
from tagifai.data.validation import replace_surrogates
from tagifai.inference.batches import BatchAnswer, BatchRow, to_csv, to_jsonl
from tagifai.plots import plot_diffs, plot_history, plot_tag_distribution
from tagifai.reviews import Review
from tagifai.reviews.files import export_reviews, read_reviews
from tagifai.store.cache import ContentCache, open_memory
from tagifai.text.preprocessing import preprocess_text
from tagifai.ui.views.markup import show_chips, show_cloud, show_counts, show_error

STRINGS = {
    "lone surrogate": "a\ud800b",
    "formula of LaTeX": r"$\frac{a$ \unknown{ $$",
    "100,000 characters": "x" * 100_000,
    "100,000 words": "word " * 100_000,
    "emoji": "🤗👩‍👩‍👧‍👦🏳️‍🌈" * 40,
    "right to left": "\u202eabc\u202c مرحبا שלום",
    "combining": "e" + "\u0301" * 5_000,
    "zero": "a\x00b\x01\x1b[31m",
    "blanks": " \t\n\r\u00a0\u2003\u200b",
    "empty": "",
    "markup": "</td></svg><script>alert(1)</script>",
    "quotes": "\"'`<>&\\",
    "braces": "{0}{x!r:>{y}} %s %(x)s ${x} {{x}}",
    "line breaks": "a\r\nb\u2028c\u2029d\x85e",
    "formula of a sheet": "=cmd|' /C calc'!A1",
    "path": "../../etc/passwd\x00.png",
    "a number": "1e999",
    "not a word": "\ufffe\uffff\ufeff",
}
DIFF = {"diff": 0.1, "a": 0.4, "b": 0.5, "low": 0.0, "high": 0.2, "verdict": "better", "support": 7}


def places(folder: Path) -> dict[str, Callable[[str], Any]]:
    """List what texts go through, each of which takes any of them."""
    cache = ContentCache(open_memory(folder / "cache"))

    def drawn(figure: Any) -> int:
        figure.savefig(picture := io.BytesIO(), format="png")
        return len(picture.getvalue())

    def review(text: str) -> None:
        name = text[:500].strip() or "p"
        kept = Review("a" * 32, "2026-01-31T12:00:00.000000Z", "ann", name, "cv", "add",
                      text[:2_000])  # fmt: skip
        for kind in ("jsonl", "csv"):
            content = export_reviews([kept], kind).encode()
            if read_reviews(content, kind).reviews != (kept,):
                raise AssertionError(f"{kind} came back otherwise")

    def kept(text: str) -> None:
        for _ in range(2):
            if cache.remember(("strings", text), lambda: {"text": text}) != {"text": text}:
                raise AssertionError("the cache gave another text")

    def exported(text: str) -> None:
        answer = BatchAnswer(BatchRow(1, text, text), ((text, 0.5),), ((text, 0.1),), text)
        to_csv([answer]).encode()
        json.loads(to_jsonl([answer]))

    def compared(text: str) -> str:
        row = {"name": text, "metric": "f1", **DIFF, "p_value": 0.5}
        return export_comparison(Comparison.from_dict({
            "a": text, "b": "b", "basis": "stored", "shared": 0, "resamples": 0, "seed": 0,
            "level": 0.95, "primary": "weighted f1", "behavioral_flips": {},
            "left_out": {"count": 1, "ids": [text], "reason": text}, "note": text,
            "overall": [row], "tags": [row], "slices": [row], "behavioral": [], "flips": None,
            "params": [{"name": text, "a": text, "b": text, "status": "changed"}],
        }))  # fmt: skip

    return {
        "table": lambda t: show_table([{"x": t, "y": 1}], {"x": t, "y": "y"}, empty=t, caption=t,
                                      row_key="x"),
        "chips": lambda t: show_chips([t]),
        "counts": lambda t: show_counts([(t, 1)], title="counts", empty=t),
        "word cloud": lambda t: show_cloud([(t, 3), ("word", 1)], title=t, empty=t),
        "notice": lambda t: show_error(ValueError(t)),
        "bars": lambda t: chart_bars([(t, 3.0)], title="bars", unit="projects", empty=t),
        "columns": lambda t: chart_columns([(t, 3)], title="x", x_label="x", y_label="y", empty=t),
        "diffs": lambda t: chart_diffs([DiffRow(t, "f1", **DIFF)], title="f1", name_a=t, name_b=t,
                                       empty=t),
        "lines": lambda t: chart_lines({t: [0.1, 0.2]}, [t, "v2"], title="x", y_label="y", empty=t),
        "shares": lambda t: chart_shares([(t, 0.5)], title="x", empty=t),
        "plot of tags": lambda t: drawn(plot_tag_distribution(pd.Series({t: 3, "b": 1}), 1)),
        "plot of history": lambda t: drawn(plot_history(pd.DataFrame({t: [0.1]}, index=[t]))),
        "plot of diffs": lambda t: drawn(plot_diffs(pd.DataFrame([{"name": t, **DIFF}]), t, t, t)),
        "predictions": exported,
        "comparison": compared,
        "reviews": review,
        "cache": kept,
        "preprocessing": preprocess_text,
    }  # fmt: skip


def measure_strings(files: Files, full: bool) -> Measured:
    folder = files.folder
    wrong: list[str] = []
    longest, tried = (0.0, ""), 0
    ways = places(folder)
    if not full:  # each takes a tenth of a second or two
        ways = {
            place: take
            for place, take in ways.items()
            if place not in ("plot of history", "plot of tags")
        }
    ways["plot of diffs"]("warm")
    for name, text in STRINGS.items():
        # As the data's readers hand it on.
        text = replace_surrogates(text)
        for place, take in ways.items():

            def once(
                name: str = name, place: str = place, take: Any = take, text: str = text
            ) -> float:
                started = cpu_seconds()
                try:
                    take(text)
                except Exception as error:
                    wrong.append(f"{name}, {place}: {type(error).__name__}: {str(error)[:80]}")
                return cpu_seconds() - started

            tried += 1
            longest = max(longest, (quickest(4, once, 1.0), f"{name}, {place}"))
    if longest[0] > 1:
        wrong.append(f"{longest[0]:.1f} s for {longest[1]}")
    return measured(
        f"{len(STRINGS)} strings through {len(ways)} places: longest {longest[0] * 1000:.0f} ms "
        f"({longest[1]})",
        wrong,
    )


ROWS = [
    Row("strings", "18 hostile strings through every path (table, plot, word cloud, export, cache)",
        "no exception, a second of processor time at most", measure_strings),
]  # fmt: skip
