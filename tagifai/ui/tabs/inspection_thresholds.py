"""Inspection: thresholds that can be moved, chosen by F1 or cost, and saved."""

import gradio as gr

from tagifai.errors import TagifaiError
from tagifai.services.app import Services
from tagifai.ui.events import QUICK, Updates
from tagifai.ui.server.visits import visit_of
from tagifai.ui.views.inspection import render_best, render_saved_threshold
from tagifai.ui.views.markup import show_error

ABOUT = """A tag is predicted from its threshold on. Move it, and figures and projects follow; best
thresholds are found on projects of train and validation that the model did not see, and reported
on test. For F1 a rare tag's own is mostly luck: it is drawn to the one best for all tags, by as
much as cross-fitting finds best. Nothing is kept until you say so, and only in the workspace."""


class Thresholds:
    """The threshold of the tag, the one of all tags, the best ones, and the curve behind them.

    Whoever shows what follows from the thresholds listens to their changes.
    """

    def __init__(self, services: Services) -> None:
        self.services = services

    def build(self, version: gr.Dropdown, tag: gr.Dropdown) -> None:
        """Lay out the thresholds of a version's tag."""
        with gr.Accordion("Thresholds", open=False, elem_id="thresholds"):
            gr.Markdown(ABOUT, elem_classes="note")
            with gr.Row():
                with gr.Column(min_width=320):
                    self._build_controls()
                    self.message = gr.HTML(elem_id="threshold-told")
                self.curve = gr.HTML(
                    elem_id="precision-recall", min_width=320, apply_default_css=False
                )
        chosen, shown = [version, tag], [self.threshold, self.message]
        self.by_f1.click(self.find_best, chosen, shown, **QUICK)
        costs = [self.cost_fp, self.cost_fn]
        self.by_cost.click(self.find_best, [*chosen, *costs], shown, **QUICK)
        self.keep.click(
            self.save, [*chosen, self.threshold], self.message, api_visibility="private"
        )

    def _build_controls(self) -> None:
        self.threshold = gr.Slider(
            0,
            1,
            value=0.5,
            step=0.001,
            label="Threshold of the tag",
            elem_id="tag-threshold",
            interactive=True,
        )
        self.common = gr.Slider(
            0,
            1,
            value=0,
            step=0.001,
            elem_id="common-threshold",
            interactive=True,
            label="One threshold for all tags (0: each tag its own)",
        )
        with gr.Row():
            self.cost_fp = gr.Number(1, label="Cost of a false positive", minimum=0)
            self.cost_fn = gr.Number(1, label="Cost of a false negative", minimum=0)
        with gr.Row():
            self.by_f1 = gr.Button("Best for F1", elem_id="best-f1", size="sm")
            self.by_cost = gr.Button("Best for the costs", elem_id="best-cost", size="sm")
            self.keep = gr.Button("Keep in the workspace", elem_id="keep-threshold", size="sm")

    def find_best(
        self,
        name: str | None,
        tag: str | None,
        cost_fp: float | None = None,
        cost_fn: float | None = None,
    ) -> Updates:
        """Set the tag's threshold to the best one, for F1 or for costs."""
        try:
            found = self.services.inspection.best_threshold(name or "", tag or "", cost_fp, cost_fn)
        except TagifaiError as error:
            return {self.message: show_error(error)}
        return {self.threshold: found.threshold, self.message: render_best(found, tag or "")}

    def save(
        self, name: str | None, tag: str | None, threshold: float, request: gr.Request
    ) -> Updates:
        """Save the tag's threshold in the workspace."""
        try:
            message = self.services.inspection.save_threshold(
                name or "", tag or "", threshold, visit_of(request)
            )
        except TagifaiError as error:
            return {self.message: show_error(error)}
        return {self.message: render_saved_threshold(message)}
