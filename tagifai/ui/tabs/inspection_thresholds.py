"""Inspection: thresholds that can be moved, chosen by F1 or cost, and saved."""

from collections.abc import Iterator
from functools import partial

import gradio as gr

from tagifai.errors import TagifaiError
from tagifai.services.app import Services
from tagifai.ui.background import Background, Step
from tagifai.ui.events import QUICK, Updates
from tagifai.ui.server.visits import visit_of
from tagifai.ui.views.influence import render_step
from tagifai.ui.views.inspection import render_best, render_fixed, render_saved_threshold
from tagifai.ui.views.markup import show_error, show_note

ABOUT = """A tag is predicted from its threshold on. Move it, and figures and projects follow; best
thresholds are found on projects of train and validation that the model did not see, and reported
on test. For F1 a rare tag's own is mostly luck: it is drawn to the one best for all tags, by as
much as cross-fitting finds best. Nothing is kept until you say so; releases never change."""


class Thresholds:
    """The threshold of the tag, the one of all tags, the best ones, and the curve behind them.

    Whoever shows what follows from the thresholds listens to their changes.
    """

    def __init__(self, services: Services) -> None:
        self.services = services
        self.background = Background()

    def build(self, version: gr.Dropdown, tag: gr.Dropdown) -> None:
        """Lay out the thresholds of a version's tag."""
        with gr.Accordion("Thresholds", open=False, elem_id="thresholds"):
            self.about = gr.Markdown(ABOUT, elem_classes="note")
            self.fixed = gr.HTML(elem_id="threshold-fixed")
            # Hidden where there is nothing to move.
            with gr.Row() as self.movable:
                with gr.Column(min_width=320):
                    self._build_controls()
                    self.message = gr.HTML(elem_id="threshold-told")
                self.curve = gr.HTML(
                    elem_id="precision-recall", min_width=320, apply_default_css=False
                )
        self.of_version = [self.about, self.fixed, self.movable, self.keep]
        self.version = version
        chosen, shown = [version, tag], [self.threshold, self.message]
        self.own.click(self.restore, chosen, shown, **QUICK)
        self.by_f1.click(self.find_best, chosen, shown, **QUICK)
        costs = [self.cost_fp, self.cost_fn]
        self.by_cost.click(self.find_best, [*chosen, *costs], shown, **QUICK)
        self.saved = gr.State(0)  # how often: what was saved is then shown
        self.keep.click(
            self.save,
            [*chosen, self.threshold, self.saved],
            [self.message, self.stop, self.saved, version],
            show_progress="hidden",
            api_visibility="private",
        )
        self.stop.click(self.cancel, None, None, queue=False, api_visibility="private")

    def _build_controls(self) -> None:
        self.threshold = gr.Slider(
            0,
            1,
            value=0.5,
            step=0.001,
            label="Threshold of the tag",
            elem_id="tag-threshold",
            interactive=True,
            # Gradio's reset button brings back what stood there when the part was unfolded.
            buttons=[],
        )
        self.common = gr.Slider(
            0,
            1,
            value=0,
            step=0.001,
            elem_id="common-threshold",
            interactive=True,
            label="One threshold for all tags (0: each tag its own)",
            buttons=[],
        )
        with gr.Row():
            self.cost_fp = gr.Number(1, label="Cost of a false positive", minimum=0)
            self.cost_fn = gr.Number(1, label="Cost of a false negative", minimum=0)
        with gr.Row():
            self.own = gr.Button("The version's own", elem_id="own-threshold", size="sm")
            self.by_f1 = gr.Button("Best for F1", elem_id="best-f1", size="sm")
            self.by_cost = gr.Button("Best for the costs", elem_id="best-cost", size="sm")
            self.keep = gr.Button("Keep this threshold", elem_id="keep-threshold", size="sm")
            self.stop = gr.Button("Cancel", elem_id="keep-cancel", size="sm", visible=False)

    def restore(self, name: str | None, tag: str | None) -> Updates:
        """Set the tag's threshold to the one that the version has."""
        try:
            threshold = self.services.inspection.threshold_of(name or "", tag or "")
        except TagifaiError as error:
            return {self.message: show_error(error)}
        return {self.threshold: threshold, self.message: ""}

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

    def show_version(self, name: str) -> Updates:
        """Show whether thresholds of a version can be moved and saved, and why where not."""
        service = self.services.inspection
        moves, why = not service.decides(name), service.why_fixed(name)
        return {
            self.about: gr.Markdown(visible=moves),
            self.movable: gr.Row(visible=moves),
            self.keep: gr.Button(interactive=not why),
            self.fixed: render_fixed(name, why, moves=moves),
        }

    def save(
        self,
        name: str | None,
        tag: str | None,
        threshold: float,
        saved: int,
        request: gr.Request,
    ) -> Iterator[Updates]:
        """Save the tag's threshold in the version, which is scored again."""
        message, before = show_note("Cancelled; nothing was kept."), saved
        try:
            work = partial(
                self.services.inspection.save_threshold,
                name or "",
                tag or "",
                threshold,
                visit_of(request),
            )
            for step in self.background.run(request.session_hash, work):
                if isinstance(step, Step):
                    yield {self.message: render_step(step), self.stop: gr.Button(visible=True)}
                else:
                    message, saved = render_saved_threshold(step.found), saved + 1
        except TagifaiError as error:
            message = show_error(error)
        ended: Updates = {self.message: message, self.stop: gr.Button(visible=False)}
        if saved > before:
            # A copy of a release is a new version.
            names = self.services.versions.names()
            ended |= {self.saved: saved, self.version: gr.Dropdown(names[::-1])}
        yield ended

    def cancel(self, request: gr.Request) -> None:
        """Cancel the saving of this session."""
        self.background.cancel(request.session_hash)
