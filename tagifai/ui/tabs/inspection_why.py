"""Inspection of one decision: the training projects behind it, and refitting without some."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.events import Dependency

from tagifai.errors import TagifaiError
from tagifai.inspection import Outcome
from tagifai.ui.events import Chosen
from tagifai.ui.views.influence import (
    left_out_choices,
    show_influence,
    show_refitted,
    show_tinted,
)
from tagifai.ui.views.markup import show_error, show_note

if TYPE_CHECKING:
    from tagifai.services.influence import InfluenceService

START = "Choose “Training projects behind it” beside a project above."


def build(
    version: gr.Dropdown,
    tag: gr.Dropdown,
    samples: gr.HTML,
    *,
    desk: Callable[[], "InfluenceService"],
) -> Callable[[Dependency], object]:
    """Lay out the part under `samples`, whose buttons ask for it; give what has it forget them.

    That is called with each event after which the panel's decision is no longer in view.
    """
    with gr.Accordion(
        "Training projects behind a decision", open=False, elem_id="influence"
    ) as panel:
        shown = gr.HTML(
            show_note(START), elem_id="influence-shares", apply_default_css=False, min_width=320
        )
        left_out = gr.CheckboxGroup(
            [],
            label="Leave these out and refit",
            elem_id="influence-left-out",
            interactive=True,
            visible=False,
        )
        refit = gr.Button("Refit without them", elem_id="influence-refit", size="sm", visible=False)
        told = gr.HTML(elem_id="influence-refitted", apply_default_css=False)
    # Version, tag and project that the panel is about.
    about = gr.State(("", "", ""))

    def open_panel() -> list[Any]:
        return [gr.Accordion(open=True), show_note("Taking the model apart …")]

    def ask(event: Chosen, name: str | None, tag: str | None) -> list[Any]:
        hidden = [gr.CheckboxGroup([], value=[], visible=False), gr.Button(visible=False), ""]
        question = (name or "", tag or "", str(event.key))
        try:
            found = desk().influence(*question)
            texts = desk().versions.texts()
            choices = left_out_choices(found, texts)
        except TagifaiError as error:
            return [show_error(error), *hidden, question]
        return [
            show_influence(found, texts[question[2]], question[1], texts),
            gr.CheckboxGroup(choices, value=[], visible=True),
            gr.Button(visible=True),
            "",
            question,
        ]

    def refit_without(question: Sequence[str], chosen: list[str]) -> str:
        name, tag, project = question
        try:
            push = desk().refit_without(name, tag, project, chosen or [])
            return show_refitted(desk().influence(name, tag, project), chosen, push)
        except TagifaiError as error:
            return show_error(error)

    def forget() -> list[Any]:
        return [
            show_note(START),
            gr.CheckboxGroup([], value=[], visible=False),
            gr.Button(visible=False),
            "",
            ("", "", ""),
        ]

    private: dict[str, Any] = {"api_visibility": "private"}
    outputs = [shown, left_out, refit, told, about]
    samples.select(open_panel, None, [panel, shown], queue=False, **private)
    samples.select(ask, [version, tag], outputs, show_progress="full", **private)
    refit.click(refit_without, [about, left_out], told, show_progress="full", **private)
    return lambda event: event.then(forget, None, outputs, queue=False, **private)


def tint_projects(
    desk: "InfluenceService", name: str, tag: str, items: Sequence[Outcome]
) -> dict[str, str]:
    """Show by id the texts of projects, their words tinted; none where no model can tell."""
    texts = desk.versions.texts()
    shown = [item.id for item in items if item.id in texts]
    try:
        words = desk.words_of_all(name, tag, shown)
    except TagifaiError:
        return {}  # no model, or one of somebody else's: the texts show plain
    return {one: show_tinted(texts[one], shares) for one, shares in zip(shown, words, strict=True)}
