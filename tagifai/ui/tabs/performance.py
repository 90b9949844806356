"""Performance: how versions compare, and whether the difference is more than noise."""

from collections.abc import Mapping, Sequence

import gradio as gr
import orjson
from gradio.blocks import Block

from tagifai.charts.verdict import VERDICT_TERMS, show_verdict
from tagifai.comparison.export import export_comparison
from tagifai.comparison.results import DiffRow
from tagifai.comparison.verdicts import ENOUGH_POSITIVES as ENOUGH
from tagifai.errors import TagifaiError
from tagifai.metrics.reading import metric_terms
from tagifai.report import gather
from tagifai.report.page import write_page
from tagifai.services.app import Services
from tagifai.store.history import KEY_METRICS, HistoryRow
from tagifai.ui.choosers import Search, choose
from tagifai.ui.events import QUICK, Chosen
from tagifai.ui.links import Choice, Link, Route
from tagifai.ui.saving import SavedFile, alert, pack
from tagifai.ui.tabs.long_table import LongTable
from tagifai.ui.tabs.performance_behavioral import BehavioralResults
from tagifai.ui.views.comparison import (
    render_changes,
    render_flipped,
    render_history,
    render_history_table,
    render_overall,
    render_params,
    render_ranking,
    render_slices,
    render_tag_chart,
    render_tags,
    render_version_notes,
)
from tagifai.ui.views.markup import show_error, show_note, show_terms
from tagifai.ui.views.version_card import render_card

INTRO = """How good is each version, and is the newer one better, or is that noise? Look here to
decide **whether to ship**."""
HOW_TO_READ = """Differences are B − A, in points of a hundred, with their 95 % intervals as thin
lines. A coloured bar has a verdict: ▲ better, or ▼ and hatched, worse. Grey bars have none: ↗ and ↘
only say which figure is higher. Too few: under ten positives; unchanged: the same decisions. Tags'
averages are weighted by support unless named otherwise."""
LONELY = "There is only one version: train or release another to compare."
SHOWN_WITH_INTERVALS = 60
REPORT = "Save a report to send (HTML)"

Shown = dict[Block, object]
"""What a handler changes: the new value of each component."""


class PerformanceTab:
    """The tab: metrics over versions, then two versions compared."""

    def __init__(self, services: Services, route: Route) -> None:
        self.services = services
        self.route = route
        self.history = MetricHistory(services)
        self.comparison = VersionComparison(services)

    def build(self) -> None:
        """Lay out the tab; it is filled when its route comes into view."""
        gr.Markdown(INTRO)
        self.notice = gr.HTML()
        gr.Markdown("### Metrics over versions")
        self.history.build()
        gr.Markdown("### Two versions compared")
        self.comparison.build()
        self.route.choices = [
            Choice("show", self.history.metrics, list(KEY_METRICS)),
            *self.comparison.choices,
        ]
        filled = [self.notice, *self.history.outputs, *self.comparison.filled, self.route.defaults]
        self.route.on_shown(self.fill, filled, known=[self.route.defaults]).then(
            # A choice that was made before the tab was filled is still to be shown.
            self.comparison.catch_up,
            [self.comparison.shown, *self.comparison.inputs],
            self.comparison.outputs,
            api_visibility="private",
            show_progress="hidden",
        )

    def fill(self, link: Link, _: gr.Request, defaults: str) -> Shown:
        """Show what the link asks for, or else what was chosen before."""
        try:
            versions = self.services.versions
            rows, names = versions.history(), list(versions.figure_names())
            readable = names_of(rows)
            support = versions.support(readable[-1], list(KEY_METRICS)) if readable else {}
        except TagifaiError as error:
            link.postpone()
            return {self.notice: show_error(error)}
        default = choose_metrics(support)
        wanted = link.read("show", names, default=default)
        if not link.followed and not defaults:  # nobody has been here before
            wanted = default
        shown = {
            **self.history.fill(names, [label for label in wanted if label in names]),
            **self.comparison.fill(link, readable),
        }
        broken = [show_error(TagifaiError(row.error)) for row in rows if row.error]
        return {
            self.notice: "".join([link.refused(), *broken]),
            self.route.defaults: self.route.write_defaults({"show": default}),
            **shown,
        }


class MetricHistory:
    """Metrics of every version, as lines and as a table."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def build(self) -> None:
        """Lay out the choice of metrics, the chart and the table."""
        self.metrics = gr.Dropdown(
            list(KEY_METRICS),
            value=list(KEY_METRICS),
            multiselect=True,
            max_choices=7,
            label="Metrics: up to seven, of any tag, slice or group of behavioral tests",
            elem_id="history-metrics",
            interactive=True,
        )
        self.chart = gr.HTML(elem_id="metric-history", apply_default_css=False)
        with gr.Accordion("The same as a table", open=False):
            self.table = gr.HTML(elem_id="metric-table", apply_default_css=False)
        self.outputs = [self.metrics, self.chart, self.table]
        Search(self.list_figures).follow(self.metrics)
        self.metrics.input(
            self.draw,
            self.metrics,
            [self.chart, self.table],
            trigger_mode="always_last",
            api_visibility="private",
            show_progress="minimal",
        )

    def fill(self, names: Sequence[str], labels: list[str]) -> Shown:
        """Offer the figures that versions have, and draw the chosen ones."""
        return {self.metrics: choose(names, labels, several=True), **self.draw(labels)}

    def list_figures(self, _: object) -> list[str]:
        """List the figures that versions have."""
        return list(self.services.versions.figure_names())

    def draw(self, labels: list[str] | None) -> Shown:
        """Draw metrics over versions, the latest of them with intervals."""
        labels = labels or list(KEY_METRICS)
        versions, comparisons = self.services.versions, self.services.comparisons
        try:
            rows = versions.history(labels)
            names = names_of(rows)
            intervals = comparisons.history_intervals(labels, names[-SHOWN_WITH_INTERVALS:])
            support = versions.support(names[-1], labels) if names else {}
            notes = versions.notes()
        except TagifaiError as error:
            return {self.chart: show_error(error), self.table: ""}
        chart = render_history(rows, intervals, support) + render_version_notes(notes)
        return {self.chart: chart, self.table: render_history_table(rows)}


class VersionComparison:
    """Version B against version A: verdict, differences, flips, tests, parameters and cards."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.tag_table = LongTable[DiffRow](
            "tag-diffs", lambda rows, a, b, _: render_tags(rows, a, b), lambda row: row.name
        )

    def build(self) -> None:
        """Lay out the choice of versions and all that follows from it."""
        with gr.Row(elem_classes="controls"):
            self.a = gr.Dropdown([], label="Version A", elem_id="version-a", interactive=True)
            self.b = gr.Dropdown([], label="Version B", elem_id="version-b", interactive=True)
            self.metric = gr.Radio(
                ["f1", "precision", "recall"],
                value="f1",
                label="Metric",
                elem_id="diff-metric",
                interactive=True,
            )
        self._build_differences()
        self.behavioral = BehavioralResults(self.services, self.a, self.b)
        self.behavioral.build()
        self._build_params()
        self.exports = Exports(self.services, self.a, self.b)
        self.exports.build()
        # Which tag's flips are shown. The address of the page names it, and so it is a component,
        # whose value the page's script can read, and not a gr.State, whose value stays here.
        self.tag = gr.Textbox(visible="hidden")
        self.choices = [
            Choice("a", self.a),
            Choice("b", self.b),
            Choice("metric", self.metric, "f1"),
            Choice("tag", self.tag, ""),
            Choice("only", self.only, True),
            Choice("search", self.query, "", typed=True),
        ]
        self._listen()

    def _build_differences(self) -> None:
        self.verdict = gr.HTML(elem_id="verdict", apply_default_css=False)
        gr.Markdown(HOW_TO_READ, elem_classes="note")
        terms = [*metric_terms(), *VERDICT_TERMS]
        with gr.Accordion(
            "How to read each metric and verdict", open=False, elem_id="metric-terms"
        ):
            gr.HTML(show_terms(terms), apply_default_css=False)
        with gr.Row():
            self.overall = gr.HTML(elem_id="metric-diff", min_width=360, apply_default_css=False)
            self.slices = gr.HTML(elem_id="slice-diff", min_width=360, apply_default_css=False)
        self.tag_chart = gr.HTML(elem_id="tag-diff", apply_default_css=False)
        with gr.Row():
            self.better = gr.HTML(elem_id="improvements", min_width=360, apply_default_css=False)
            self.worse = gr.HTML(elem_id="regressions", min_width=360, apply_default_css=False)
        gr.Markdown("### Every tag")
        self.tag_table.build()
        self.tags = self.tag_table.table
        self.flips = gr.HTML(elem_id="flips", apply_default_css=False)

    def _build_params(self) -> None:
        gr.Markdown("### Hyperparameters")
        with gr.Row(elem_classes="controls"):
            self.only = gr.Checkbox(
                True, label="Differences only", elem_id="params-only", min_width=160
            )
            self.query = gr.Textbox(
                label="Search",
                placeholder="part of a name or value",
                elem_id="params-search",
                max_length=100,
                scale=3,
            )
        self.params = gr.HTML(elem_id="params-diff", apply_default_css=False)
        gr.Markdown("### About the two versions")
        with gr.Row():
            self.card_a = gr.HTML(elem_id="version-a-card", min_width=320, apply_default_css=False)
            self.card_b = gr.HTML(elem_id="version-b-card", min_width=320, apply_default_css=False)

    def _listen(self) -> None:
        pair = [self.a, self.b]
        # What the outputs show.
        self.shown = gr.State("")
        self.inputs = inputs = [*pair, self.metric, self.only, self.query]
        self.outputs = [
            self.shown,
            self.verdict,
            self.overall,
            self.slices,
            self.tag_chart,
            self.better,
            self.worse,
            self.tags,
            self.params,
            self.flips,
            self.tag,
            self.card_a,
            self.card_b,
        ]
        self.filled = [*inputs, *self.outputs, self.tag_table.controls]
        self.tag_table.follow(self.list_tags, [*pair, self.metric], self.verdict)
        gr.on(
            [self.a.input, self.b.input, self.metric.input],
            self.compare,
            inputs,
            [*self.outputs, self.tag_table.controls],
            trigger_mode="always_last",
            api_visibility="private",
            show_progress="minimal",
        )
        gr.on(
            [self.only.change, self.query.change],
            self.search_params,
            [*pair, self.only, self.query],
            self.params,
            **QUICK,
        )
        self.tags.select(
            self.choose_tag,
            pair,
            [self.flips, self.tag],
            api_visibility="private",
            show_progress="minimal",
        )

    def fill(self, link: Link, names: list[str]) -> Shown:
        """Offer the versions, and compare those that the link names, or else the last two."""
        a, b = choose_pair(names, link.read("a", names), link.read("b", names))
        metric, only, query, tag = (link.read(one) for one in ("metric", "only", "search", "tag"))
        return {
            self.a: gr.Dropdown(names[::-1], value=a),
            self.b: gr.Dropdown(names[::-1], value=b),
            self.metric: metric,
            self.only: only,
            self.query: query,
            **self.compare(a, b, metric, only, query, tag),
        }

    def compare(
        self, a: str | None, b: str | None, metric: str, only: bool, query: str, tag: str = ""
    ) -> Shown:
        """Compare two versions; where that cannot be done, the verdict's place says why."""
        if not a or not b:
            return self._show_alone(show_note(LONELY))
        try:
            result = self.services.comparisons.compare(a, b)
            versions = self.services.versions
            cards = [versions.describe(name).to_dict() for name in (a, b)]
            ranking = render_ranking({name: versions.load(name).performance for name in (a, b)})
        except TagifaiError as error:
            return self._show_alone(show_error(error))
        return {
            self.shown: f"{a}/{b}/{metric}",
            self.verdict: show_verdict(result),
            self.overall: render_overall(result, metric) + ranking,
            self.slices: render_slices(result, metric),
            self.tag_chart: render_tag_chart(result, metric),
            self.better: render_changes(result, metric, 1),
            self.worse: render_changes(result, metric, -1),
            **self.tag_table.show(result.rows("tags", metric), a, b, metric),
            self.params: render_params(result, only, query or ""),
            self.flips: self._show_flips(a, b, tag) if tag else "",
            self.tag: tag,
            self.card_a: render_card(cards[0], "Version A"),
            self.card_b: render_card(cards[1], "Version B"),
        }

    def catch_up(
        self, shown: str, a: str | None, b: str | None, metric: str, only: bool, query: str
    ) -> Shown:
        """Compare what is chosen, unless that is shown."""
        if not a or not b or shown == f"{a}/{b}/{metric}":
            return {self.shown: shown}
        return self.compare(a, b, metric, only, query)

    def _show_alone(self, message: str) -> Shown:
        return {**dict.fromkeys(self.outputs, ""), self.verdict: message}

    def list_tags(self, a: str | None, b: str | None, metric: str) -> Sequence[DiffRow]:
        """Return the differences of all tags."""
        return self.services.comparisons.compare(a, b).rows("tags", metric) if a and b else []

    def search_params(self, a: str | None, b: str | None, only: bool, query: str) -> Shown:
        """Show the hyperparameters that match."""
        try:
            result = self.services.comparisons.compare(a or "", b or "")
        except TagifaiError as error:
            return {self.params: show_error(error)}
        return {self.params: render_params(result, only, query or "")}

    def choose_tag(self, a: str | None, b: str | None, event: Chosen) -> Shown:
        """Show the flips of the tag whose row was chosen."""
        return {self.flips: self._show_flips(a, b, event.key), self.tag: event.key}

    def _show_flips(self, a: str | None, b: str | None, tag: str) -> str:
        try:
            rows = self.services.comparisons.flips(a or "", b or "", tag)
        except TagifaiError as error:
            return show_error(error)
        return render_flipped(rows, tag, a or "", b or "")


class Exports:
    """The comparison as a file: Markdown, JSON, or a report with all that belongs to it."""

    def __init__(self, services: Services, a: gr.Dropdown, b: gr.Dropdown) -> None:
        self.services = services
        self.pair = [a, b]

    def build(self) -> None:
        """Lay out the buttons."""
        with gr.Row():
            markdown = gr.Button("Save the comparison as Markdown", elem_id="export-markdown")
            json = gr.Button("Save the comparison as JSON", elem_id="export-json")
            self.report = gr.Button(REPORT, elem_id="export-report", variant="primary")
        self.file = SavedFile()
        for button, write in ((markdown, self.write_markdown), (json, self.write_json)):
            self.file.after(
                button.click(
                    write,
                    self.pair,
                    self.file.content,
                    api_visibility="private",
                    show_progress="hidden",
                )
            )
        # Seconds where nobody has looked at suspected label errors yet: the button says so.
        written = self.report.click(self.announce_report, None, self.report, **QUICK).then(
            self.write_report,
            self.pair,
            self.file.content,
            api_visibility="private",
            show_progress="hidden",
        )
        self.file.after(written)
        written.then(self.offer_report, None, self.report, **QUICK)

    def write_markdown(self, a: str | None, b: str | None) -> Shown:
        """Write the comparison as Markdown."""
        try:
            result = self.services.comparisons.compare(a or "", b or "")
        except TagifaiError as error:
            raise alert(error) from None
        return {self.file.content: pack(f"{a}-{b}.md", export_comparison(result))}

    def write_json(self, a: str | None, b: str | None) -> Shown:
        """Write the comparison as JSON."""
        try:
            result = self.services.comparisons.compare(a or "", b or "")
        except TagifaiError as error:
            raise alert(error) from None
        content = orjson.dumps(result.to_dict(), option=orjson.OPT_INDENT_2).decode()
        return {self.file.content: pack(f"{a}-{b}.json", content)}

    def announce_report(self) -> Shown:
        """Let the button say that the report is being written."""
        return {self.report: gr.Button("Writing the report …", interactive=False)}

    def write_report(self, a: str | None, b: str | None) -> Shown:
        """Write the report as one HTML file."""
        comparisons, reviews = self.services.comparisons, self.services.reviews
        words = self.services.words
        try:
            page = write_page(gather(comparisons, reviews, a or "", b or "", words))
        except TagifaiError as error:
            raise alert(error) from None
        return {self.file.content: pack(f"{a}-{b}.html", page)}

    def offer_report(self) -> Shown:
        """Let the button offer a report again."""
        return {self.report: gr.Button(REPORT, interactive=True)}


def names_of(rows: Sequence[HistoryRow]) -> list[str]:
    """List the versions that can be read."""
    return [row.version for row in rows if row.error is None]


def choose_metrics(support: Mapping[str, int]) -> list[str]:
    """Choose the key metrics that rest on enough samples, or all of them if none does.

    >>> choose_metrics({"overall f1": 231, "slices f1": 7, "slices recall": 12})[:3]
    ['overall f1', 'overall precision', 'overall recall']
    >>> "slices f1" in choose_metrics({"slices f1": 7})
    False
    """
    enough = [label for label in KEY_METRICS if support.get(label, ENOUGH) >= ENOUGH]
    return enough or list(KEY_METRICS)


def choose_pair(names: list[str], a: str | None, b: str | None) -> tuple[str | None, str | None]:
    """Return the pair if both versions still exist, otherwise the last two.

    >>> choose_pair(["v1", "v2", "workspace"], None, "v1")
    ('v2', 'workspace')
    """
    if a in names and b in names:
        return a, b
    return (names[-2], names[-1]) if len(names) > 1 else (None, names[0] if names else None)
