"""Keep a text as a behavioral test of the data folder."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gradio as gr

from tagifai.errors import TagifaiError
from tagifai.ui.server.visits import visit_of
from tagifai.ui.views.behavioral import TYPES, render_saved
from tagifai.ui.views.markup import show_error

if TYPE_CHECKING:
    from tagifai.services.inference import InferenceDesk

HELP = """**MFT**: the text must have, or must not have, the tags below. **INV**: its tags must not
change in the edited text under “What if”; tags named below must hold in both. **DIR**: they must
change, and the edited text must have, or must not have, the tags below."""


def build(
    version: gr.Dropdown,
    text: gr.Textbox,
    edited: gr.Textbox,
    *,
    desk: Callable[[], "InferenceDesk"],
) -> list[gr.Dropdown]:
    """Lay out the form; return the two lists of tags, to be given a version's tags."""
    gr.Markdown(HELP)
    with gr.Row(elem_classes="controls"):
        kind = gr.Radio(
            list(TYPES),
            value="MFT",
            label="Type",
            elem_id="keep-type",
            interactive=True,
            min_width=200,
        )
        expected = gr.Dropdown(
            [], multiselect=True, label="Must have", elem_id="keep-expected", interactive=True
        )
        forbidden = gr.Dropdown(
            [], multiselect=True, label="Must not have", elem_id="keep-forbidden", interactive=True
        )
        group = gr.Textbox(
            "saved", label="Group", max_length=100, elem_id="keep-group", min_width=110
        )
    save = gr.Button("Save test", variant="primary", elem_id="keep-save")
    told = gr.HTML(elem_id="keep-result", apply_default_css=False)

    def save_test(
        name: str | None,
        text: str,
        edited: str,
        kind: str,
        expected: list[str],
        forbidden: list[str],
        group: str,
        request: gr.Request,
    ) -> str:
        texts = [text or "", *([edited] if edited else [])]
        try:
            saved = desk().save_test(
                name or "",
                kind,
                (group or "").strip(),
                texts,
                expected or [],
                forbidden or [],
                visit_of(request),
            )
        except TagifaiError as error:
            return show_error(error)
        return render_saved(saved, name or "")

    inputs: list[Any] = [version, text, edited, kind, expected, forbidden, group]
    save.click(save_test, inputs, told, show_progress="minimal", api_visibility="private")
    return [expected, forbidden]
