"""Inspection: where a version errs, and by which projects."""

import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr
import orjson
from gradio.events import Dependency

from tagifai.charts.svg import escaped
from tagifai.errors import TagifaiError
from tagifai.inspection import Outcome, TagFigures
from tagifai.inspection.export import export_outcomes
from tagifai.metrics.reading import metric_terms
from tagifai.selection import Paged
from tagifai.services.inspection import InspectionService, outcome_help
from tagifai.ui.events import QUICK, Chosen, drawn_first, put_row
from tagifai.ui.links import Choice, Link, Place
from tagifai.ui.tabs import inspection_thresholds, inspection_why
from tagifai.ui.tabs.inspection_why import tint_projects
from tagifai.ui.views.inspection import (
    most_errors,
    show_calibration,
    show_confusions,
    show_curve,
    show_figures,
    show_miscalibrated,
    show_page,
    show_reliability,
    show_slices,
    show_tags,
)
from tagifai.ui.views.markup import CHOOSE_ROW, SAVE_FILE, show_error, show_terms

if TYPE_CHECKING:
    from tagifai.services.influence import InfluenceService

INTRO = """Each tag's figures on the **test split**, which the version never learnt from, and the
projects behind them. Look here to decide **which labels are wrong and where the model is weak**."""
OUTCOMES = {
    "false positives": "fp",
    "false negatives": "fn",
    "true positives": "tp",
}
OF_WORDS = (
    ' Words that <span class="word raises" style="--weight:.6">raise</span> and '
    '<span class="word lowers" style="--weight:.6">lower</span> the tag are marked.'
)


# Whether what is listed was asked for with other choices than those that stand there now.
OUTDATED = """
(listed, before, ...now) => {
  const same = !listed || JSON.parse(listed).every((one, i) => one === now[i]);
  return same ? before : String(performance.now());
}
"""


def build(
    place: Place,
    version: gr.Dropdown,
    *,
    list_versions: Callable[[], list[str]],
    latest: Callable[[list[str]], str],
    desk: Callable[[], InspectionService],
    influence: Callable[[], "InfluenceService"],
    orders: list[str],
) -> Dependency:
    """Lay out the tab, filled with the choice of `version` when `place` comes into view.

    Give the event of choosing a version: what else depends on it comes after.
    """
    gr.Markdown(INTRO)
    notice = gr.HTML()
    # The thresholds and the search that are shown: setting their controls is no new choice.
    drawn, drawn_common, searched = gr.State(None), gr.State(0), gr.State("")
    with gr.Row(elem_classes="controls"):
        tag = gr.Dropdown([], label="Tag, best F1 first", elem_id="inspect-tag", interactive=True)
        outcome = gr.Radio(
            list(OUTCOMES),
            value="false positives",
            label="Outcome",
            elem_id="inspect-outcome",
            interactive=True,
            min_width=300,
        )
    figures = gr.HTML(elem_id="tag-figures", apply_default_css=False)
    threshold, common, curve_chart, set_threshold = inspection_thresholds.build(
        version, tag, desk=desk
    )
    help_line = gr.HTML(elem_id="outcome-help")
    with gr.Row(elem_classes="controls"):
        query = gr.Textbox(
            label="Search these projects",
            placeholder="words in title, description or tags",
            elem_id="samples-search",
            max_length=200,
            scale=2,
        )
        order = gr.Dropdown(
            orders,
            value=orders[0],
            label="Order",
            elem_id="samples-order",
            interactive=True,
            min_width=150,
        )
        number = gr.Number(
            1, label="Page", precision=0, minimum=1, elem_id="samples-page", min_width=90
        )
    samples = gr.HTML(elem_id="samples", apply_default_css=False, js_on_load=CHOOSE_ROW)
    with gr.Row(elem_classes="controls"):
        to_json = gr.Button("Save this list as JSON", elem_id="samples-json", size="sm")
        to_csv = gr.Button("Save this list as CSV", elem_id="samples-csv", size="sm")
    # Which version and tag are shown, and for what the projects are listed.
    shown_of, listed_for = gr.Textbox(visible="hidden"), gr.Textbox(visible="hidden")
    outdated = gr.Textbox(visible="hidden")
    exported, file_name = gr.Textbox(visible="hidden"), gr.Textbox(visible="hidden")
    forget_decision = inspection_why.build(version, tag, samples, desk=influence)
    calibration = gr.HTML(elem_id="calibration-note", apply_default_css=False)
    reliability = gr.Accordion(
        "Reliability of the probabilities", open=False, elem_id="calibration"
    )
    with reliability, gr.Row():
        pooled = gr.HTML(elem_id="reliability-all", min_width=320, apply_default_css=False)
        of_tag = gr.HTML(elem_id="reliability-tag", min_width=320, apply_default_css=False)
    with reliability:
        miscalibrated = gr.HTML(
            elem_id="miscalibrated-tags", apply_default_css=False, js_on_load=CHOOSE_ROW
        )
    with gr.Accordion("Confused with other tags", open=False, elem_id="confusion"):
        confusion = gr.HTML(elem_id="confusions", apply_default_css=False, js_on_load=CHOOSE_ROW)
        confused_samples = gr.HTML(elem_id="confused-samples", apply_default_css=False)
    gr.Markdown("### All tags on the test split")
    with gr.Accordion("How to read each metric", open=False):
        gr.HTML(show_terms(metric_terms()), apply_default_css=False)
    tags = gr.HTML(elem_id="tag-metrics", apply_default_css=False, js_on_load=CHOOSE_ROW)
    gr.Markdown("### Slices of the test split")
    slices = gr.HTML(elem_id="slice-metrics", apply_default_css=False)

    def show_samples(
        name: str | None,
        tag: str | None,
        threshold: float,
        outcome: str,
        query: str,
        order: str,
        page: float | None = 1,
    ) -> list[Any]:
        if not name or not tag:
            return ["", "", 1, ""]
        asked = json.dumps([name, tag, outcome, query, order])
        kind = OUTCOMES.get(outcome, outcome)
        try:
            found = desk().outcomes(name, tag, kind, order, query or "", int(page or 1), threshold)
            line = f'<p class="note">{escaped(outcome_help(kind), 400)}{OF_WORDS}</p>'
            tinted = tint_projects(influence(), name, tag, found.items)
        except TagifaiError as error:
            return ["", show_error(error), 1, asked]
        return [line, show_page(found, tag, outcome, tinted), found.number, asked]

    def save(
        kind: str,
        name: str | None,
        tag: str | None,
        threshold: float,
        outcome: str,
        query: str,
        order: str,
    ) -> tuple[str, str]:
        code = OUTCOMES.get(outcome, outcome)
        try:
            rows = desk().all_outcomes(name or "", tag or "", code, order, query or "", threshold)
        except TagifaiError as error:
            raise gr.Error(escaped(error, 300), print_exception=False) from None
        return (
            export_outcomes(rows, kind, tag=tag or "", outcome=code),
            f"{name}-{tag}-{code}.{kind}",
        )

    def search(
        name: str | None,
        tag: str | None,
        threshold: float,
        outcome: str,
        query: str,
        order: str,
        before: str,
    ) -> list[Any]:
        if query == before:
            return [gr.skip()] * 5
        return [*show_samples(name, tag, threshold, outcome, query, order), query]

    def move_threshold(
        name: str | None, tag: str | None, threshold: float, before: float | None, *choice: Any
    ) -> list[Any]:
        if threshold == before:
            return [gr.skip()] * len(threshold_outputs)
        return show_threshold(name, tag, threshold, *choice)

    def show_threshold(
        name: str | None, tag: str | None, threshold: float, *choice: Any
    ) -> list[Any]:
        if not name or not tag:
            return [None, "", "", "", "", 1, ""]
        try:
            row = desk().threshold_metrics(name, tag, threshold)
            chart = show_curve(desk().curve(name, tag), row, tag)
        except TagifaiError as error:
            return [None, show_error(error), "", "", "", 1, ""]
        return [threshold, show_figures(row), chart, *show_samples(name, tag, threshold, *choice)]

    def show_tag(
        name: str | None, tag: str | None, common: float, *choice: Any, own: float | None = None
    ) -> list[Any]:
        if not name or not tag:
            return [gr.skip(), "", *show_threshold(None, None, 0)]
        try:
            own = own if own is not None else common or desk().threshold_of(name, tag)
            shown = orjson.dumps([name, tag, desk().versions.stamp(name)]).decode()
        except TagifaiError as error:
            return [gr.skip(), "", None, show_error(error), "", "", "", 1, ""]
        return [own, shown, *show_threshold(name, tag, own, *choice)]

    def show_folded(name: str | None, tag: str | None) -> list[str]:
        if not name or not tag:
            return ["", "", ""]
        try:
            reliable = show_reliability(desk().check_calibration(name, tag), tag)
            table = show_confusions(desk().confusions(name, tag), tag)
        except TagifaiError as error:
            return [show_error(error), "", ""]
        return [reliable, table, ""]

    def move_common(name: str | None, tag: str | None, common: float, before: float) -> list[Any]:
        if common == before:
            return [gr.skip()] * 3
        return [*show_common(name, tag, common), common]

    def show_common(name: str | None, tag: str | None, common: float) -> list[Any]:
        try:
            table = show_tags(desk().tag_table(name, common or None)) if name else ""
            own = common or (desk().threshold_of(name, tag) if name and tag else 0.5)
        except TagifaiError as error:
            return [show_error(error), gr.skip()]
        return [table, own]

    def choose_tag(name: str | None, tag: str | None, *rest: Any) -> list[Any]:
        # Told once more: a version without the tag of before may have named another meanwhile.
        return [tag, *show_tag(name, tag, *rest)]

    def show_again(
        shown: str, threshold: float, name: str | None, tag: str | None, *rest: Any
    ) -> list[Any]:
        # A threshold that was moved stays, unless it is that of another tag or version.
        same = bool(shown) and json.loads(shown)[:2] == [name, tag]
        return show_tag(name, tag, *rest, own=threshold if same else None)

    def show_version(
        name: str | None,
        tag: str | None,
        common: float,
        *choice: Any,
        own: float | None = None,
        linked: bool = False,
    ) -> list[Any]:
        try:
            table: list[TagFigures] = desk().tag_table(name, common or None) if name else []
            checked = desk().check_calibration(name, None) if name else None
            off = desk().miscalibrated_tags(name) if name else []
            slice_rows = desk().slice_table(name) if name else []
            notes = " ".join(desk().notes(name)) if name else ""
        except TagifaiError as error:
            return [
                show_error(error),
                gr.Dropdown([], value=None),
                *[""] * 5,
                *show_tag(None, None, common),
            ]
        names = [row.tag for row in table]
        chosen = tag if tag in names else most_errors(table)
        own = own if chosen == tag else None
        return [
            f'<div class="notice warning">{escaped(notes, 1_500)}</div>' if notes else "",
            # A tag chosen meanwhile stays: none is told unless this one is gone, or a link's.
            gr.Dropdown(names)
            if chosen == tag and not linked
            else gr.Dropdown(names, value=chosen),
            show_tags(table),
            show_slices(slice_rows),
            show_calibration(checked, off) if checked else "",
            show_reliability(checked, "all tags, pooled") if checked else "",
            show_miscalibrated(off) if checked else "",
            *show_tag(name, chosen, common, *choice, own=own),
        ]

    def fill(link: Link, _: gr.Request) -> list[Any]:
        try:
            names = list_versions()
            chosen = link.read("version", names)
            name = chosen if chosen in names else latest(names)
        except TagifaiError as error:
            return [gr.Dropdown([]), show_error(error), *[gr.skip()] * (len(filled) - 2)]
        tag = link.read("tag", known_tags(name))
        given = [link.read(one) for one in ("common", "outcome", "query", "order", "p")]
        # A link's threshold stands until another tag or version is chosen.
        own = link.read("threshold") if link.names("threshold") else None
        notice, *found = show_version(name, tag, *given, own=own, linked=True)
        return [
            gr.Dropdown(names[::-1], value=name),
            link.refused() + notice,
            *found,
            *given[:4],
            given[0],
            given[2],
            None,
        ]

    def known_tags(name: str) -> list[str]:
        try:
            return [row.tag for row in desk().tag_table(name)]
        except TagifaiError:
            return []  # what is wrong with the version is told where it is shown

    def show_confused(name: str | None, tag: str | None, event: Chosen) -> str:
        try:
            return show_page_of(
                desk().confused(name or "", tag or "", event.key), tag or "", event.key
            )
        except TagifaiError as error:
            return show_error(error)

    choice = [outcome, query, order]
    pages = [help_line, samples, number, listed_for]
    threshold_outputs = [drawn, figures, curve_chart, *pages]
    tag_outputs = [threshold, shown_of, *threshold_outputs]
    version_outputs = [notice, tag, tags, slices, calibration, pooled, miscalibrated, *tag_outputs]
    whole = [version, tag, common, *choice]
    place.choices = [
        Choice("version", version),
        Choice("tag", tag),
        Choice("common", common, 0),
        Choice("outcome", outcome, "false positives", codes={v: k for k, v in OUTCOMES.items()}),
        Choice("query", query, "", typed=True),
        Choice("order", order, orders[0]),
        Choice("p", number, 1),
        Choice("threshold", threshold),
    ]
    filled = [version, *version_outputs, common, *choice, drawn_common, searched, place.asked]
    place.on_shown(fill, filled)
    version_chosen = drawn_first(version.input(show_version, whole, version_outputs, **QUICK).then)
    for chosen in (tag.input, put_row(tags, tag).then, put_row(miscalibrated, tag).then):
        forget_decision(drawn_first(chosen(choose_tag, whole, [tag, *tag_outputs], **QUICK).then))
    # An answer may come after that to a later question: then the page asks anew for what is chosen.
    drawn_first(listed_for.change).then(
        None,
        [listed_for, outdated, version, tag, *choice],
        outdated,
        js=OUTDATED,
        trigger_mode="multiple",
        api_visibility="private",
    )
    outdated.change(show_again, [shown_of, threshold, *whole], tag_outputs, **QUICK)
    # What is folded away keeps nobody waiting.
    drawn_first(shown_of.change).then(
        show_folded, [version, tag], [of_tag, confusion, confused_samples], **QUICK
    )
    forget_decision(version_chosen)
    of_samples = [version, tag, threshold, *choice]
    of_threshold = [version, tag, threshold, drawn, *choice]
    # No `change`: each tag that is chosen sets them too. The button that resets one releases it.
    gr.on(
        [threshold.input, threshold.release],
        move_threshold,
        of_threshold,
        threshold_outputs,
        **QUICK,
    )
    for event in set_threshold:
        event.then(move_threshold, of_threshold, threshold_outputs, **QUICK)
    gr.on(
        [common.input, common.release],
        move_common,
        [version, tag, common, drawn_common],
        [tags, threshold, drawn_common],
        **QUICK,
    ).then(move_threshold, of_threshold, threshold_outputs, **QUICK)
    query.change(search, [*of_samples, searched], [*pages, searched], **QUICK)
    gr.on([outcome.input, order.input], show_samples, of_samples, pages, **QUICK)
    number.input(show_samples, [version, tag, threshold, *choice, number], pages, **QUICK)
    for button, kind in ((to_json, "json"), (to_csv, "csv")):
        button.click(
            partial(save, kind),
            of_samples,
            [exported, file_name],
            show_progress="hidden",
            api_visibility="private",
        ).success(None, [exported, file_name], None, js=SAVE_FILE, api_visibility="private")
    confusion.select(show_confused, [version, tag], confused_samples, **QUICK)
    return version_chosen


def show_page_of(rows: list[Outcome], tag: str, other: str) -> str:
    """Show the projects on which the errors of two tags fall together."""
    return show_page(Paged(rows, 1, 1, len(rows)), tag, f"shared errors with {escaped(other)}")
