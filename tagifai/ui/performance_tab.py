"""Performance: how versions compare, and whether the difference is more than noise."""

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from tagifai.charts import chart_diffs, chart_lines, escaped
from tagifai.errors import TagifaiError
from tagifai.ui.markup import CHOOSE_ROW, show_error, show_note, show_table

INTRO = """How good is each version, and is the newer one better, or is that noise? Look here to
decide **whether to ship**."""
HOW_TO_READ = """Differences are B − A, in points of a hundred: ▲ and a plain bar where B is
higher, ▼ and a hatched bar where it is lower. The thin line is the 95 % interval of a paired
bootstrap over the test projects that both versions have; a verdict is given only where the
difference is more than chance would bring, with false discoveries over all tags held at 5 %
(Benjamini–Hochberg). Tags under ten projects are greyed. Tags' averages are weighted by support."""
MARKS = {"better": "▲ better", "worse": "▼ worse", "can't tell": "can't tell"}
UNSURE = "can't tell"
GROUPS = {"overall": "overall", "tags": "by tag", "slices": "by slice", "behavioral": "behavioral"}
FEW = 10


def build(
    shown: Callable[..., Any],
    *,
    history: Callable[[], list[dict[str, Any]]],
    describe_version: Callable[[str], dict[str, Any]],
    compare: Callable[[str, str], dict[str, Any]],
    flips: Callable[[str, str, str], list[dict[str, Any]]],
) -> None:
    """Lay out the tab; `shown` is the event on which its first values are filled in."""
    gr.Markdown(INTRO)
    notice = gr.HTML()
    gr.Markdown("### Key metrics over versions")
    chart = gr.HTML(elem_id="metric-history", apply_default_css=False)
    with gr.Accordion("The same as a table", open=False):
        table = gr.HTML(elem_id="metric-table", apply_default_css=False)

    gr.Markdown("### Two versions compared")
    with gr.Row(elem_classes="controls"):
        version_a = gr.Dropdown([], label="Version A", elem_id="version-a", interactive=True)
        version_b = gr.Dropdown([], label="Version B", elem_id="version-b", interactive=True)
        metric = gr.Radio(
            ["f1", "precision", "recall"], value="f1", label="Metric", elem_id="diff-metric",
            interactive=True,
        )  # fmt: skip
    verdict = gr.HTML(elem_id="verdict", apply_default_css=False)
    gr.Markdown(HOW_TO_READ, elem_classes="note")
    with gr.Row():
        overall_chart = gr.HTML(elem_id="metric-diff", min_width=360, apply_default_css=False)
        slice_chart = gr.HTML(elem_id="slice-diff", min_width=360, apply_default_css=False)
    tag_chart = gr.HTML(elem_id="tag-diff", apply_default_css=False)
    with gr.Row():
        improvements = gr.HTML(elem_id="improvements", min_width=360, apply_default_css=False)
        regressions = gr.HTML(elem_id="regressions", min_width=360, apply_default_css=False)
    gr.Markdown("### Every tag")
    tag_table = gr.HTML(elem_id="tag-diffs", apply_default_css=False, js_on_load=CHOOSE_ROW)
    flipped = gr.HTML(elem_id="flips", apply_default_css=False)
    gr.Markdown("### Hyperparameters that differ")
    params = gr.HTML(elem_id="params-diff", apply_default_css=False)
    gr.Markdown("### About the two versions")
    with gr.Row():
        card_a = gr.JSON(label="Version A", elem_id="version-a-card", max_height=320)
        card_b = gr.JSON(label="Version B", elem_id="version-b-card", max_height=320)

    def compare_versions(a: str | None, b: str | None, metric: str) -> list[Any]:
        if not a or not b:
            only = "There is only one version: train or release another to compare."
            return [show_note(only), *[""] * 7, "", None, None]
        try:
            result = compare(a, b)
            cards = [describe_version(a), describe_version(b)]
        except TagifaiError as error:
            return [show_error(error), *[""] * 7, "", None, None]
        return [*show_comparison(result, metric), "", *cards]

    def show_flips(a: str | None, b: str | None, event: gr.EventData) -> str:
        try:
            rows = flips(a or "", b or "", event.key)
        except TagifaiError as error:
            return show_error(error)
        return show_flipped(rows, event.key, a or "", b or "")

    def fill(a: str | None, b: str | None, metric: str) -> list[Any]:
        try:
            rows = history()
        except TagifaiError as error:
            return [show_error(error), "", "", gr.Dropdown([]), gr.Dropdown([])] + [gr.skip()] * 11
        names = [row["version"] for row in rows if row["error"] is None]
        pair = choose_pair(names, a, b)
        return [
            "".join(show_error(TagifaiError(row["error"])) for row in rows if row["error"]),
            show_history(rows),
            show_history_table(rows),
            gr.Dropdown(names, value=pair[0]),
            gr.Dropdown(names, value=pair[1]),
            *compare_versions(*pair, metric),
        ]

    outputs = [
        verdict, overall_chart, slice_chart, tag_chart, improvements, regressions, tag_table,
        params, flipped, card_a, card_b,
    ]  # fmt: skip
    inputs = [version_a, version_b, metric]
    shown(
        fill, inputs, [notice, chart, table, version_a, version_b, *outputs],
        api_visibility="private",
    )  # fmt: skip
    gr.on(
        [version_a.input, version_b.input, metric.input],
        compare_versions,
        inputs,
        outputs,
        show_progress="minimal",
        trigger_mode="always_last",
        api_visibility="private",
    )
    tag_table.select(
        show_flips, [version_a, version_b], flipped, show_progress="hidden",
        api_visibility="private",
    )  # fmt: skip


def choose_pair(names: list[str], a: str | None, b: str | None) -> tuple[str | None, str | None]:
    """Keep the pair where both still exist, else take the last two.

    >>> choose_pair(["v1", "v2", "workspace"], None, "v1")
    ('v2', 'workspace')
    """
    if a in names and b in names:
        return a, b
    return (names[-2], names[-1]) if len(names) > 1 else (None, names[0] if names else None)


def show_history(rows: list[dict[str, Any]]) -> str:
    """Draw the key metrics as lines over versions."""
    readable = [row for row in rows if row["error"] is None]
    labels = [key for key in (readable[0] if readable else {}) if key not in ("version", "error")]
    return chart_lines(
        {label: [row[label] for row in readable] for label in labels},
        [row["version"] for row in readable],
        title="Key metrics",
        y_label="share, higher is better",
        empty="No version has a key metric yet.",
    )


def show_history_table(rows: list[dict[str, Any]]) -> str:
    """Show the key metrics as a table, the latest version first."""
    labels = [key for key in (rows[0] if rows else {}) if key not in ("version", "error")]
    return show_table(
        rows[::-1][:200],
        {"version": "version", **{label: label for label in labels}},
        empty="No version yet.",
    )


def show_comparison(result: Mapping[str, Any], metric: str) -> list[str]:
    """Show a comparison: verdict, three charts, improvements, regressions, tags, parameters."""
    a, b = result["a"], result["b"]
    names = {"name_a": a, "name_b": b}

    def of(group: str) -> list[dict[str, Any]]:
        return [
            {**row, "few": group != "overall" and (row.get("support") or 0) < FEW}
            for row in result[group]
            if row["metric"] == metric
        ]

    behavioral = [row for row in result["behavioral"] if row["name"] == "all"]
    everywhere = [
        {**row, "name": "weighted by support" if row["name"] == "weighted" else row["name"]}
        for row in of("overall")
    ] + [{**row, "name": "behavioral score"} for row in behavioral]
    return [
        show_verdict(result),
        chart_diffs(
            everywhere, title=f"Overall {metric}", **names, empty="No figure that both have."
        ),
        chart_diffs(
            of("slices"), title=f"{metric} by slice", **names, empty="No slice that both have."
        ),
        chart_diffs(of("tags"), title=f"{metric} by tag", **names, empty="No tag that both have."),
        show_changes(result, metric, 1),
        show_changes(result, metric, -1),
        show_tags(of("tags"), a, b),
        show_table(
            [row for row in result["params"] if row["status"] != "same"],
            {"name": "parameter", "a": f"A: {a}", "b": f"B: {b}"},
            empty="The two versions have the same hyperparameters.",
        ),
    ]


def show_verdict(result: Mapping[str, Any]) -> str:
    """Say in words whether B is better, on what, and what was left out."""
    a, b = escaped(result["a"]), escaped(result["b"])
    rows = [row for row in result["overall"] if row["name"] == "weighted"]
    f1 = next((row for row in rows if row["metric"] == "f1"), None)
    if f1 is None or f1["diff"] is None:
        told = "No overall F1 that both versions have."
    elif f1["verdict"] is None:
        told = f"F1 {f1['diff'] * 100:+.1f} points (no verdict: see below)."
    else:
        told = (
            f"<b>{b} is {MARKS[f1['verdict']].lstrip('▲▼ ')}</b> than {a}"
            if f1["verdict"] != "can't tell"
            else f"<b>Can't tell</b> {b} from {a}"
        )
        told += (
            f": F1 {f1['diff'] * 100:+.1f} points, 95 % interval {f1['low'] * 100:+.1f} to "
            f"{f1['high'] * 100:+.1f}, on {result['shared']:,} shared test projects."
        )
    tags = [row for row in result["tags"] if row["metric"] == "f1"]
    counted = {kind: sum(row["verdict"] == kind for row in tags) for kind in MARKS}
    if result["basis"] == "paired":
        told += (
            f" By tag: {counted['better']} better, {counted['worse']} worse, "
            f"{counted[UNSURE]} can't tell."
        )
        flips = result["flips"]
        if flips and flips["negative_flip_rate"] is not None:
            told += (
                f" It fixed {flips['fixed']:,} decisions and broke {flips['broke']:,} "
                f"(negative-flip rate {flips['negative_flip_rate'] * 100:.2f} %)."
            )
    left_out = result["left_out"]
    if left_out["count"]:
        why = escaped(left_out["reason"], 300)
        told += f" {left_out['count']:,} test projects are left out ({why})."
    if result["note"]:
        told += f" {escaped(result['note'], 600)}"
    kind = {"better": "good", "worse": "error"}.get((f1 or {}).get("verdict") or "", "warning")
    return f'<div class="notice {kind}">{told}</div>'


def show_changes(result: Mapping[str, Any], metric: str, sign: int) -> str:
    """List what rose (`sign` 1) or fell (−1): overall, by tag, by slice; zero is neither."""
    rows = [
        {
            "where": where,
            "name": row["name"],
            "diff": f"{row['diff'] * 100:+.1f}",
            "values": f"{row['a']:.3f} → {row['b']:.3f}",
            "verdict": MARKS.get(row["verdict"] or "", ""),
            "support": row.get("support"),
            "few": group in ("tags", "slices") and (row.get("support") or 0) < FEW,
        }
        for group, where in GROUPS.items()
        for row in result[group]
        if row["diff"] is not None and row["diff"] * sign > 0 and row["metric"] in (metric, "score")
    ]
    title = "Improvements" if sign > 0 else "Regressions"
    return f"<h4>{'▲' if sign > 0 else '▼'} {title} in {metric}: {len(rows)}</h4>" + show_table(
        rows,
        {
            "where": "where", "name": "name", "diff": "points", "values": "A → B",
            "verdict": "verdict", "support": "projects",
        },
        empty=f"No {title.lower()}.",
    )  # fmt: skip


def show_tags(rows: list[dict[str, Any]], a: str, b: str) -> str:
    """Show every tag with its interval and verdict; a row opens its flips."""
    records = [
        {
            **row,
            "points": None if row["diff"] is None else f"{row['diff'] * 100:+.1f}",
            "interval": ""
            if row["low"] is None
            else f"{row['low'] * 100:+.1f} to {row['high'] * 100:+.1f}",
            "verdict": MARKS.get(row["verdict"] or "", row["verdict"] or "no verdict"),
        }
        for row in rows
    ]
    return show_table(
        records,
        {
            "name": "tag", "a": f"A: {a}", "b": f"B: {b}", "points": "B − A, points",
            "interval": "95 % interval", "verdict": "verdict", "support": "projects",
        },
        row_key="name",
        empty="No tag to compare.",
        caption="By verdict, then by size. Choose a row to see the decisions that changed",
    )  # fmt: skip


def show_flipped(rows: list[dict[str, Any]], tag: str, a: str, b: str) -> str:
    """Show the projects whose decision on a tag was fixed, broken or left wrong."""
    records = [
        {
            "kind": {"fixed": "▲ fixed", "broke": "▼ broke"}.get(row["kind"], row["kind"]),
            "id": row["id"],
            "text": f"{row['title']} {row['description']}".strip() or "(no longer in the data)",
            "truth": "has the tag" if row["y_true"] else "does not",
            "prob_a": row["prob_a"],
            "prob_b": row["prob_b"],
        }
        for row in rows[:100]
    ]
    return show_table(
        records,
        {
            "kind": "what B did", "id": "id", "text": "project", "truth": "truth",
            "prob_a": f"probability, {a}", "prob_b": f"probability, {b}",
        },
        empty=f"Both versions decide every shared test project rightly on {tag}.",
        caption=f"Decisions on {tag} that B fixed, broke or left wrong: {len(rows)}",
    )  # fmt: skip
