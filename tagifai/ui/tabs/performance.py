"""Performance: how versions compare, and whether the difference is more than noise."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr
import orjson

from tagifai.charts.svg import escaped
from tagifai.charts.verdict import VERDICT_TERMS
from tagifai.comparison.results import Comparison
from tagifai.comparison.verdicts import ENOUGH_POSITIVES as ENOUGH
from tagifai.errors import TagifaiError
from tagifai.metrics.reading import metric_terms
from tagifai.services.comparisons import FlippedProject
from tagifai.store.history import KEY_METRICS, HistoryRow
from tagifai.ui.events import QUICK
from tagifai.ui.links import Choice, Link, Place
from tagifai.ui.views.behavioral import show_behavioral
from tagifai.ui.views.comparison import (
    show_comparison,
    show_flipped,
    show_history,
    show_history_table,
    show_params,
    show_version_notes,
)
from tagifai.ui.views.markup import CHOOSE_ROW, SAVE_FILE, show_error, show_note, show_terms
from tagifai.ui.views.version_card import show_card

INTRO = """How good is each version, and is the newer one better, or is that noise? Look here to
decide **whether to ship**."""
HOW_TO_READ = """Differences are B − A, in points of a hundred, with their 95 % intervals as thin
lines. A coloured bar has a verdict: ▲ better, or ▼ and hatched, worse. Grey bars have none: ↗ and ↘
only say which figure is higher. Too few: under ten positives; unchanged: the same decisions. Tags'
averages are weighted by support unless named otherwise."""
SHOWN_WITH_INTERVALS = 60
REPORT = "Save a report to send (HTML)"


def build(
    place: Place,
    *,
    history: Callable[[list[str] | None], list[HistoryRow]],
    figure_names: Callable[[], list[str]],
    history_intervals: Callable[[list[str], list[str]], dict[str, Any]],
    history_support: Callable[[list[str], str], dict[str, int]],
    describe_version: Callable[[str], dict[str, Any]],
    version_notes: Callable[[], dict[str, str]],
    compare: Callable[[str, str], Comparison],
    is_compared: Callable[[str, str], bool],
    flips: Callable[[str, str, str], list[FlippedProject]],
    export_comparison: Callable[[Comparison], str],
    write_report: Callable[[str, str], str],
    behavioral_results: Callable[[str], dict[str, Any]],
) -> None:
    """Lay out the tab, filled when `place` comes into view."""
    gr.Markdown(INTRO)
    notice = gr.HTML()
    gr.Markdown("### Metrics over versions")
    metrics = gr.Dropdown(
        list(KEY_METRICS),
        value=list(KEY_METRICS),
        multiselect=True,
        max_choices=7,
        label="Metrics: up to seven, of any tag, slice or group of behavioral tests",
        elem_id="history-metrics",
        interactive=True,
    )
    chart = gr.HTML(elem_id="metric-history", apply_default_css=False)
    with gr.Accordion("The same as a table", open=False):
        table = gr.HTML(elem_id="metric-table", apply_default_css=False)

    gr.Markdown("### Two versions compared")
    with gr.Row(elem_classes="controls"):
        version_a = gr.Dropdown([], label="Version A", elem_id="version-a", interactive=True)
        version_b = gr.Dropdown([], label="Version B", elem_id="version-b", interactive=True)
        metric = gr.Radio(
            ["f1", "precision", "recall"],
            value="f1",
            label="Metric",
            elem_id="diff-metric",
            interactive=True,
        )
    verdict = gr.HTML(elem_id="verdict", apply_default_css=False)
    gr.Markdown(HOW_TO_READ, elem_classes="note")
    with gr.Accordion("How to read each metric and verdict", open=False, elem_id="metric-terms"):
        gr.HTML(show_terms([*metric_terms(), *VERDICT_TERMS]), apply_default_css=False)
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
    with gr.Accordion("Behavioral tests of a version", open=False, elem_id="behavioral"):
        with gr.Row(elem_classes="controls"):
            tested = gr.Radio(
                ["version B", "version A"], value="version B", label="Of", interactive=True
            )
            run = gr.Button("Show passed and failed tests", elem_id="show-behavioral", size="sm")
        behavioral = gr.HTML(elem_id="behavioral-results", apply_default_css=False)
    gr.Markdown("### Hyperparameters")
    with gr.Row(elem_classes="controls"):
        only = gr.Checkbox(True, label="Differences only", elem_id="params-only", min_width=160)
        query = gr.Textbox(
            label="Search",
            placeholder="part of a name or value",
            elem_id="params-search",
            max_length=100,
            scale=3,
        )
    params = gr.HTML(elem_id="params-diff", apply_default_css=False)
    gr.Markdown("### About the two versions")
    with gr.Row():
        card_a = gr.HTML(elem_id="version-a-card", min_width=320, apply_default_css=False)
        card_b = gr.HTML(elem_id="version-b-card", min_width=320, apply_default_css=False)
    with gr.Row():
        to_markdown = gr.Button("Save the comparison as Markdown", elem_id="export-markdown")
        to_json = gr.Button("Save the comparison as JSON", elem_id="export-json")
        to_report = gr.Button(REPORT, elem_id="export-report", variant="primary")
    # The tag whose flips are shown.
    flip_tag = gr.Textbox(visible="hidden")
    exported = gr.Textbox(visible="hidden")
    # Changes where the chosen versions were never compared.
    unknown = gr.Textbox(visible="hidden")
    file_name = gr.Textbox(visible="hidden")

    def compare_versions(
        a: str | None, b: str | None, metric: str, only: bool, query: str, tag: str = ""
    ) -> list[Any]:
        nothing = [""] * 11
        if not a or not b:
            lonely = "There is only one version: train or release another to compare."
            return [show_note(lonely), *nothing]
        try:
            result = compare(a, b)
            cards = [
                show_card(describe_version(a), "Version A"),
                show_card(describe_version(b), "Version B"),
            ]
        except TagifaiError as error:
            return [show_error(error), *nothing]
        return [
            *show_comparison(result, metric),
            show_params(result, only, query or ""),
            show_flips(a, b, tag) if tag else "",
            tag,
            *cards,
        ]

    def compare_known(a: str | None, b: str | None, *choice: Any) -> list[Any]:
        # What is still to be computed waits in line, and shows that it does.
        if a and b and not is_compared(a, b):
            return [*[gr.skip()] * len(outputs), str(time.time_ns())]
        return [*compare_versions(a, b, *choice), gr.skip()]

    def search_params(a: str | None, b: str | None, only: bool, query: str) -> str:
        try:
            return show_params(compare(a or "", b or ""), only, query or "")
        except TagifaiError as error:
            return show_error(error)

    def choose_flips(a: str | None, b: str | None, event: gr.EventData) -> list[str]:
        return [show_flips(a, b, event.key), event.key]

    def show_flips(a: str | None, b: str | None, tag: str) -> str:
        try:
            rows = flips(a or "", b or "", tag)
        except TagifaiError as error:
            return show_error(error)
        return show_flipped(rows, tag, a or "", b or "")

    def show_tests(a: str | None, b: str | None, which: str) -> str:
        try:
            return show_behavioral(behavioral_results((a if which == "version A" else b) or ""))
        except TagifaiError as error:
            return show_error(error)

    def draw_history(labels: list[str] | None) -> list[str]:
        try:
            labels = labels or list(KEY_METRICS)
            rows = history(labels)
            latest = [row.version for row in rows if row.error is None]
            drawn = history_intervals(labels, latest[-SHOWN_WITH_INTERVALS:])
            support = history_support(labels, latest[-1]) if latest else {}
            notes = version_notes()
        except TagifaiError as error:
            return [show_error(error), ""]
        shown = show_history(rows, drawn, support) + show_version_notes(notes)
        return [shown, show_history_table(rows)]

    def save(kind: str, a: str | None, b: str | None) -> tuple[str, str]:
        try:
            result = compare(a or "", b or "")
        except TagifaiError as error:
            raise gr.Error(escaped(error, 300), print_exception=False) from None
        if kind == "md":
            return export_comparison(result), f"{a}-{b}.md"
        return orjson.dumps(result.to_dict(), option=orjson.OPT_INDENT_2).decode(), f"{a}-{b}.json"

    def report(a: str | None, b: str | None) -> tuple[str, str]:
        try:
            return write_report(a or "", b or ""), f"{a}-{b}.html"
        except TagifaiError as error:
            raise gr.Error(escaped(error, 300), print_exception=False) from None

    def fill(link: Link, _: gr.Request, told_usual: str) -> list[Any]:
        try:
            rows = history(None)
            names = figure_names()
            versions = [row.version for row in rows if row.error is None]
            support = history_support(list(KEY_METRICS), versions[-1]) if versions else {}
        except TagifaiError as error:
            return [show_error(error), *[gr.skip()] * (len(filled) - 1)]
        pair = choose_pair(versions, link.read("a", versions), link.read("b", versions))
        usual = choose_metrics(support)
        asked = link.read("show", names, usual=usual)
        if link.asked is None and not told_usual:  # nobody has been here before
            asked = usual
        labels = [label for label in asked if label in names]
        choice = [link.read(one) for one in ("metric", "only", "search", "tag")]
        return [
            link.refused()
            + "".join(show_error(TagifaiError(row.error)) for row in rows if row.error),
            gr.Dropdown(names, value=labels, multiselect=True),
            *draw_history(labels),
            gr.Dropdown(versions[::-1], value=pair[0]),
            gr.Dropdown(versions[::-1], value=pair[1]),
            *choice[:3],
            *compare_versions(pair[0], pair[1], *choice),
            place.write_usual({"show": usual}),
            None,
        ]

    outputs = [
        verdict,
        overall_chart,
        slice_chart,
        tag_chart,
        improvements,
        regressions,
        tag_table,
        params,
        flipped,
        flip_tag,
        card_a,
        card_b,
    ]
    place.choices = [
        Choice("show", metrics, list(KEY_METRICS)),
        Choice("a", version_a),
        Choice("b", version_b),
        Choice("metric", metric, "f1"),
        Choice("tag", flip_tag, ""),
        Choice("only", only, True),
        Choice("search", query, "", typed=True),
    ]
    chosen = [version_a, version_b]
    inputs = [*chosen, metric, only, query]
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    filled = [notice, metrics, chart, table, *inputs, *outputs, place.usual, place.asked]
    place.on_shown(fill, filled, known=[place.usual])
    slow = {**private, "show_progress": "minimal"}
    metrics.input(draw_history, metrics, [chart, table], trigger_mode="always_last", **slow)
    gr.on(
        [version_a.input, version_b.input, metric.input],
        compare_known,
        inputs,
        [*outputs, unknown],
        **QUICK,
    )
    # Other versions may have been chosen while these were computed: those chosen now stay.
    unknown.change(compare_versions, inputs, outputs, trigger_mode="always_last", **slow).then(
        compare_known, inputs, [*outputs, unknown], **QUICK
    )
    gr.on(
        [only.change, query.change],
        search_params,
        [*chosen, only, query],
        params,
        trigger_mode="always_last",
        queue=False,
        **private,
    )
    tag_table.select(choose_flips, chosen, [flipped, flip_tag], **slow)
    run.click(show_tests, [*chosen, tested], behavioral, api_visibility="private")
    for button, kind in ((to_markdown, "md"), (to_json, "json")):
        button.click(
            lambda a, b, kind=kind: save(kind, a, b), chosen, [exported, file_name], **private
        ).success(None, [exported, file_name], None, js=SAVE_FILE, api_visibility="private")
    # Seconds where nobody has looked at suspected label errors yet: the button says so.
    written = to_report.click(
        lambda: gr.Button("Writing the report …", interactive=False),
        None,
        to_report,
        queue=False,
        **private,
    ).then(report, chosen, [exported, file_name], **private)
    written.success(None, [exported, file_name], None, js=SAVE_FILE, api_visibility="private")
    written.then(
        lambda: gr.Button(REPORT, interactive=True), None, to_report, queue=False, **private
    )


def choose_metrics(support: Mapping[str, int]) -> list[str]:
    """Choose the key metrics that rest on enough, all of them where none is known to.

    >>> choose_metrics({"overall f1": 231, "slices f1": 7, "slices recall": 12})[:3]
    ['overall f1', 'overall precision', 'overall recall']
    >>> "slices f1" in choose_metrics({"slices f1": 7})
    False
    """
    enough = [label for label in KEY_METRICS if support.get(label, ENOUGH) >= ENOUGH]
    return enough or list(KEY_METRICS)


def choose_pair(names: list[str], a: str | None, b: str | None) -> tuple[str | None, str | None]:
    """Keep the pair where both still exist, else take the last two.

    >>> choose_pair(["v1", "v2", "workspace"], None, "v1")
    ('v2', 'workspace')
    """
    if a in names and b in names:
        return a, b
    return (names[-2], names[-1]) if len(names) > 1 else (None, names[0] if names else None)
