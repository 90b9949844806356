"""Inspection: thresholds that can be moved, chosen by F1 or cost, and kept."""

from collections.abc import Callable
from typing import Any, NamedTuple

import gradio as gr
from gradio.events import Dependency

from tagifai.charts.svg import escaped
from tagifai.errors import TagifaiError
from tagifai.services.inspection import InspectionService
from tagifai.ui.events import QUICK
from tagifai.ui.server.visits import visit_of
from tagifai.ui.views.inspection import show_best
from tagifai.ui.views.markup import show_error

ABOUT = """A tag is predicted from its threshold on. Move it, and figures and projects follow; best
thresholds are found on projects of train and validation that the model did not see, and reported
on test. For F1 a rare tag's own is mostly luck: it is drawn to the one best for all tags, by as
much as cross-fitting finds best. Nothing is kept until you say so, and only in the workspace."""


class Thresholds(NamedTuple):
    """The slider of the tag, the one for all tags, the curve's place, and what sets the first."""

    threshold: gr.Slider
    common: gr.Slider
    curve: gr.HTML
    set_by: list[Dependency]


def build(
    version: gr.Dropdown, tag: gr.Dropdown, *, desk: Callable[[], InspectionService]
) -> Thresholds:
    """Lay out the thresholds of a version's tag; what follows them is the caller's."""
    with gr.Accordion("Thresholds", open=False, elem_id="thresholds"):
        gr.Markdown(ABOUT, elem_classes="note")
        with gr.Row():
            with gr.Column(min_width=320):
                threshold = gr.Slider(
                    0,
                    1,
                    value=0.5,
                    step=0.001,
                    label="Threshold of the tag",
                    elem_id="tag-threshold",
                    interactive=True,
                )
                common = gr.Slider(
                    0,
                    1,
                    value=0,
                    step=0.001,
                    elem_id="common-threshold",
                    interactive=True,
                    label="One threshold for all tags (0: each tag its own)",
                )
                with gr.Row():
                    cost_fp = gr.Number(1, label="Cost of a false positive", minimum=0)
                    cost_fn = gr.Number(1, label="Cost of a false negative", minimum=0)
                with gr.Row():
                    by_f1 = gr.Button("Best for F1", elem_id="best-f1", size="sm")
                    by_cost = gr.Button("Best for the costs", elem_id="best-cost", size="sm")
                    keep = gr.Button("Keep in the workspace", elem_id="keep-threshold", size="sm")
                told = gr.HTML(elem_id="threshold-told")
            curve = gr.HTML(elem_id="precision-recall", min_width=320, apply_default_css=False)

    def find_best(
        name: str | None, tag: str | None, fp: float | None = None, fn: float | None = None
    ) -> list[Any]:
        try:
            found = desk().best_threshold(name or "", tag or "", fp, fn)
        except TagifaiError as error:
            return [gr.skip(), show_error(error)]
        return [found.threshold, show_best(found, tag or "")]

    def keep_it(name: str | None, tag: str | None, threshold: float, request: gr.Request) -> str:
        try:
            told = desk().save_threshold(name or "", tag or "", threshold, visit_of(request))
            return f'<div class="notice good">{escaped(told, 300)}</div>'
        except TagifaiError as error:
            return show_error(error)

    set_by = [
        by_f1.click(find_best, [version, tag], [threshold, told], **QUICK),
        by_cost.click(find_best, [version, tag, cost_fp, cost_fn], [threshold, told], **QUICK),
    ]
    keep.click(keep_it, [version, tag, threshold], told, api_visibility="private")
    return Thresholds(threshold, common, curve, set_by)
