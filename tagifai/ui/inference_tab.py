"""Inference: what a version makes of a text."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from tagifai.errors import TagifaiError
from tagifai.svg import escaped
from tagifai.ui.markup import show_chips, show_error, show_share, show_table

INTRO = """Type a title and a description, and see which tags a version predicts, how sure it is,
and what it read. Look here to decide **whether to trust it on texts like yours**."""
EXAMPLE = "Transfer learning with BERT for self-supervised learning"
MAX_TEXT = 20_000
NEAR = 0.5
REASONS = {
    "empty": "Nothing is left of this text after preprocessing: there is no word to predict from.",
    "no known word": "No word of this text occurred in training. What follows is what the model "
    "says of a text that it cannot read, not a finding.",
}


def build(
    shown: Callable[..., Any],
    *,
    list_versions: Callable[[], list[str]],
    newest: Callable[[list[str]], str],
    predict: Callable[[str, list[str]], list[dict[str, Any]]],
) -> None:
    """Lay out the tab; `shown` is the event on which its first values are filled in."""
    gr.Markdown(INTRO)
    notice = gr.HTML()
    with gr.Row():
        with gr.Column(min_width=320):
            version = gr.Dropdown(
                [], label="Version", elem_id="inference-version", interactive=True
            )
            text = gr.Textbox(
                EXAMPLE, label="Text", lines=6, max_lines=14, elem_id="inference-text",
                placeholder="Title and description of a project",
            )  # fmt: skip
            predicted = gr.HTML(elem_id="inference-predicted", apply_default_css=False)
            preprocessed = gr.Textbox(
                label="What the classifier reads", lines=3, interactive=False,
                elem_id="inference-preprocessed",
            )  # fmt: skip
        with gr.Column(min_width=320):
            tags = gr.HTML(elem_id="inference-tags", apply_default_css=False)

    def show_prediction(text: str, name: str | None) -> list[str]:
        if not name:
            return [show_error(TagifaiError("no version to predict with")), "", "", ""]
        if len(text or "") > MAX_TEXT:
            message = f"the text has {len(text):,} characters; at most {MAX_TEXT:,} are read"
            return [show_error(TagifaiError(message)), "", "", ""]
        try:
            (answer,) = predict(name, [text or ""])
        except TagifaiError as error:
            return [show_error(error), "", "", ""]
        return ["", show_predicted(answer), answer["preprocessed"], show_probabilities(answer)]

    def fill(text: str, chosen: str | None) -> list[Any]:
        try:
            names = list_versions()
        except TagifaiError as error:
            return [gr.Dropdown([]), show_error(error), "", "", ""]
        name = chosen if chosen in names else newest(names)
        return [gr.Dropdown(names[::-1], value=name), *show_prediction(text, name)]

    outputs = [notice, predicted, preprocessed, tags]
    shown(fill, [text, version], [version, *outputs], api_visibility="private")
    gr.on(
        [text.change, version.input],
        show_prediction,
        [text, version],
        outputs,
        queue=False,
        show_progress="hidden",
        trigger_mode="always_last",
        api_visibility="private",
    )


def show_predicted(answer: dict[str, Any]) -> str:
    """Show the predicted tags, or why there are none, and what to doubt."""
    doubt = (
        f'<div class="notice warning">{REASONS[answer["reason"]]}</div>' if answer["reason"] else ""
    )
    if answer["tags"]:
        return f'{doubt}<p class="headline">Predicted: {show_chips(answer["tags"])}</p>'
    if answer["reason"] == "empty":
        return doubt
    return f'{doubt}<p class="headline">No tag reaches its threshold.</p>'


def show_probabilities(answer: dict[str, Any]) -> str:
    """Show every tag's probability beside its threshold, likeliest first."""
    if answer["reason"] == "empty":
        return '<p class="minor">Probabilities appear when there is a word to read.</p>'
    rows = []
    for tag, probability in answer["probabilities"].items():
        threshold = answer["thresholds"][tag]
        if tag in answer["tags"]:
            verdict = "✔ predicted"
        else:
            verdict = "near miss" if probability >= NEAR * threshold else ""
        rows.append(
            {
                "tag": f"<b>{escaped(tag)}</b>" if tag in answer["tags"] else escaped(tag),
                "probability": show_share(probability),
                "threshold": threshold,
                "verdict": verdict,
                "few": not verdict,
            }
        )
    return show_table(
        rows,
        {"tag": "tag", "probability": "probability", "threshold": "threshold", "verdict": ""},
        raw=["tag", "probability"],
        empty="The version knows no tag.",
        caption="Every tag, likeliest first; a near miss has at least half of its threshold",
    )
