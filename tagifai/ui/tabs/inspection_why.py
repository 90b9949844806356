"""Inspection of one decision: the training projects behind it, and refitting without some."""

import gradio as gr

from tagifai.errors import TagifaiError
from tagifai.services.app import Services
from tagifai.ui.events import Chosen, Updates
from tagifai.ui.views.influence import left_out_choices, render_influence, render_refitted
from tagifai.ui.views.markup import show_error, show_note

START = "Choose “Training projects behind it” beside a project above."
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

    def build(self, version: gr.Dropdown, tag: gr.Dropdown, samples: gr.HTML) -> None:
        """Lay out the panel; the buttons in `samples` ask for it."""
        with gr.Accordion(
            "Training projects behind a decision", open=False, elem_id="influence"
        ) as self.panel:
            self.shares = gr.HTML(
                show_note(START), elem_id="influence-shares", apply_default_css=False, min_width=320
            )
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
            self.ask, [version, tag], self.outputs, show_progress="full", api_visibility="private"
        )
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

    def ask(self, event: Chosen, name: str | None, tag: str | None) -> Updates:
        """Show the training projects behind the decision on the project that was chosen."""
        question = (name or "", tag or "", event.key)
        try:
            found = self.services.influence.influence(*question)
            texts = self.services.versions.texts()
            choices = left_out_choices(found, texts)
        except TagifaiError as error:
            return {**self.clear(), self.shares: show_error(error), self.question: question}
        return {
            self.shares: render_influence(found, texts[question[2]], question[1], texts),
            self.left_out: gr.CheckboxGroup(choices, value=[], visible=True),
            self.refit: gr.Button(visible=True),
            self.refitted: "",
            self.question: question,
        }

    def refit_without(self, question: Question, left_out: list[str] | None) -> Updates:
        """Train the model again without the chosen projects, and show what that changes."""
        service, chosen = self.services.influence, left_out or []
        try:
            push = service.refit_without(*question, chosen)
            return {self.refitted: render_refitted(service.influence(*question), chosen, push)}
        except TagifaiError as error:
            return {self.refitted: show_error(error)}

    def show_tag(self, question: Question, name: str | None, tag: str | None) -> Updates:
        """Show no decision any more, unless it is one on this tag."""
        return {} if question[:2] == (name, tag) else self.clear()

    def clear(self) -> Updates:
        """Show no decision."""
        return {
            self.shares: show_note(START),
            self.left_out: gr.CheckboxGroup([], value=[], visible=False),
            self.refit: gr.Button(visible=False),
            self.refitted: "",
            self.question: NOTHING,
        }
