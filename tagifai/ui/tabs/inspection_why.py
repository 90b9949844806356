"""Inspection of one decision: the training projects behind it, and refitting without some."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import gradio as gr

from tagifai.errors import TagifaiError
from tagifai.services.app import Services
from tagifai.ui.background import Background, Step
from tagifai.ui.events import Chosen, Updates
from tagifai.ui.views.influence import (
    left_out_choices,
    render_behind,
    render_refitted,
    render_step,
)
from tagifai.ui.views.markup import show_error, show_note

if TYPE_CHECKING:  # it brings scikit-learn
    from tagifai.services.influence import Behind

START = "Choose “Training projects behind it” beside a project above."
SILENT = "This version keeps no model, so nobody can tell what is behind its decisions."
Question = tuple[str, str, str]
NOTHING: Question = ("", "", "")


class Decision:
    """The training projects behind the decision on one project.

    Attributes
    ----------
    question : gr.State
        The version, tag and project that are shown.
    """

    def __init__(self, services: Services) -> None:
        self.services = services
        self.background = Background()

    def build(self, version: gr.Dropdown, tag: gr.Dropdown, samples: gr.HTML) -> None:
        """Lay out the panel; the buttons in `samples` ask for it."""
        with gr.Accordion(
            "Training projects behind a decision", open=False, elem_id="influence"
        ) as self.panel:
            self.shares = gr.HTML(
                show_note(START), elem_id="influence-shares", apply_default_css=False, min_width=320
            )
            self.stop = gr.Button("Cancel", elem_id="influence-cancel", size="sm", visible=False)
            self.left_out = gr.CheckboxGroup(
                [],
                label="Leave these out and refit",
                elem_id="influence-left-out",
                interactive=True,
                visible=False,
            )
            self.refit = gr.Button(
                "Refit without them", elem_id="influence-refit", size="sm", visible=False
            )
            self.refitted = gr.HTML(elem_id="influence-refitted", apply_default_css=False)
        self.question = gr.State(NOTHING)
        self.outputs = [self.shares, self.left_out, self.refit, self.refitted, self.question]
        samples.select(
            self.open, None, [self.panel, self.shares], queue=False, api_visibility="private"
        )
        samples.select(
            self.ask,
            [version, tag],
            [*self.outputs, self.stop],
            show_progress="full",
            api_visibility="private",
        )
        self.stop.click(self.cancel, None, None, queue=False, api_visibility="private")
        self.refit.click(
            self.refit_without,
            [self.question, self.left_out],
            self.refitted,
            show_progress="full",
            api_visibility="private",
        )

    def open(self) -> Updates:
        """Open the panel, and announce what takes a while."""
        return {
            self.panel: gr.Accordion(open=True),
            self.shares: show_note("Taking the model apart …"),
        }

    def ask(
        self, event: Chosen, name: str | None, tag: str | None, request: gr.Request
    ) -> Iterator[Updates]:
        """Show the training projects behind the decision on the project that was chosen."""
        question = (name or "", tag or "", event.key)
        shown: Updates = {self.shares: show_note("Cancelled.")}
        try:
            work = partial(self.services.influence.behind, *question)
            for step in self.background.run(request.session_hash, work):
                if isinstance(step, Step):
                    yield {self.shares: render_step(step), self.stop: gr.Button(visible=True)}
                else:
                    shown = self._show(step.found, question)
        except TagifaiError as error:
            shown = {self.shares: show_error(error)}
        yield {
            **self.clear(),
            **shown,
            self.question: question,
            self.stop: gr.Button(visible=False),
        }

    def cancel(self, request: gr.Request) -> None:
        """Cancel what this session waits for."""
        self.background.cancel(request.session_hash)

    def _show(self, found: "Behind", question: Question) -> Updates:
        texts = self.services.versions.texts()
        shown: Updates = {self.shares: render_behind(found, texts[question[2]], question[1], texts)}
        if choices := left_out_choices(found, texts):
            shown[self.left_out] = gr.CheckboxGroup(choices, value=[], visible=True)
            shown[self.refit] = gr.Button(visible=True)
        return shown

    def refit_without(self, question: Question, left_out: list[str] | None) -> Updates:
        """Train the model again without the chosen projects, and show what that changes."""
        service, chosen = self.services.influence, left_out or []
        try:
            push = service.refit_without(*question, chosen)
            return {self.refitted: render_refitted(service.behind(*question), chosen, push)}
        except TagifaiError as error:
            return {self.refitted: show_error(error)}

    def show_tag(self, question: Question, name: str | None, tag: str | None) -> Updates:
        """Show no decision any more, unless it is one on this tag."""
        if question[:2] == (name, tag):
            return {}
        known = not name or self.services.versions.can_predict(name)
        return {**self.clear(), self.shares: show_note(START if known else SILENT)}

    def clear(self) -> Updates:
        """Show no decision."""
        return {
            self.shares: show_note(START),
            self.left_out: gr.CheckboxGroup([], value=[], visible=False),
            self.refit: gr.Button(visible=False),
            self.refitted: "",
            self.question: NOTHING,
        }
