"""Inference: what a version makes of a text, why, and what would change it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gradio as gr

from tagifai.charts.svg import escaped
from tagifai.errors import TagifaiError
from tagifai.ui.events import QUICK, put_row
from tagifai.ui.links import FILL_EMPTY, Choice, Link, Place
from tagifai.ui.tabs import inference_keep, inference_many
from tagifai.ui.views.inference import (
    show_changes,
    show_examples,
    show_flips,
    show_predicted,
    show_probabilities,
    show_similar,
    show_sum,
    show_words,
)
from tagifai.ui.views.markup import CHOOSE_ROW, show_error, show_note

if TYPE_CHECKING:
    from tagifai.services.inference import InferenceDesk

INTRO = """Type a title and a description, and see which tags a version predicts, how sure it is,
and what it read. Look here to decide **whether to trust it on texts like yours**."""
LIKELIEST = "the likeliest"
NOBODY = "none"
HOW_TO_READ = (
    '<span class="word raises" style="--weight:.6">raises</span> '
    '<span class="word lowers" style="--weight:.6">lowers</span> '
    '<span class="word unseen">never seen in training</span> '
    "— choose a word to drop or replace it (“What if”)"
)
DROP, REPLACE = "drops it", "replaces it by"


def build(
    place: Place,
    *,
    list_versions: Callable[[], list[str]],
    latest: Callable[[list[str]], str],
    desk: Callable[[], "InferenceDesk"],
) -> None:
    """Lay out the tab, filled when `place` comes into view."""
    gr.Markdown(INTRO)
    notice = gr.HTML(elem_id="inference-notice", apply_default_css=False)
    with gr.Row(elem_classes="controls"):
        version = gr.Dropdown([], label="Version", elem_id="inference-version", interactive=True)
        tag = gr.Dropdown(
            [LIKELIEST],
            value=LIKELIEST,
            label="Explain the tag",
            elem_id="inference-tag",
            interactive=True,
        )
        other = gr.Dropdown(
            [NOBODY],
            value=NOBODY,
            label="Beside it, version",
            elem_id="inference-other",
            interactive=True,
        )
    with gr.Row():
        with gr.Column(min_width=320):
            text = gr.Textbox(
                label="Text",
                lines=5,
                elem_id="inference-text",
                placeholder="Title and description of a project",
            )
            examples = gr.HTML(
                elem_id="inference-examples", apply_default_css=False, js_on_load=CHOOSE_ROW
            )
            predicted = gr.HTML(elem_id="inference-predicted", apply_default_css=False)
            why = gr.HTML(elem_id="inference-why", apply_default_css=False, js_on_load=CHOOSE_ROW)
            parts = gr.HTML(elem_id="inference-sum", apply_default_css=False)
            preprocessed = gr.Textbox(
                label="What the classifier reads",
                lines=2,
                interactive=False,
                elem_id="inference-preprocessed",
            )
        with gr.Column(min_width=320):
            tags = gr.HTML(elem_id="inference-tags", apply_default_css=False, js_on_load=CHOOSE_ROW)
    versions = gr.HTML(elem_id="inference-versions", apply_default_css=False)

    gr.Markdown("### What if")
    with gr.Row():
        with gr.Column(min_width=320):
            edited = gr.Textbox(
                label="Edited text",
                lines=4,
                elem_id="inference-edited",
                placeholder="Choose a word above, or start from the text",
            )
            with gr.Row(elem_classes="controls"):
                action = gr.Radio(
                    [DROP, REPLACE],
                    value=DROP,
                    label="Choosing a word",
                    elem_id="inference-action",
                    interactive=True,
                    min_width=220,
                )
                instead = gr.Textbox(
                    label="this",
                    max_length=100,
                    elem_id="inference-instead",
                    min_width=110,
                    placeholder="another word",
                )
            with gr.Row():
                copy = gr.Button("Start from the text", size="sm", elem_id="inference-copy")
                smallest = gr.Button("Smallest change", size="sm", elem_id="inference-smallest")
            edited_why = gr.HTML(
                elem_id="inference-edited-why", apply_default_css=False, js_on_load=CHOOSE_ROW
            )
        with gr.Column(min_width=320):
            flips = gr.HTML(elem_id="inference-flips", apply_default_css=False)
            changes = gr.HTML(
                elem_id="inference-changes", apply_default_css=False, js_on_load=CHOOSE_ROW
            )
    gr.Markdown("### The most similar projects")
    similar = gr.HTML(elem_id="inference-similar", apply_default_css=False)
    with gr.Accordion("Save as behavioral test", open=False, elem_id="inference-keep"):
        known = inference_keep.build(version, text, edited, desk=desk)
    with gr.Accordion("Many texts", open=False, elem_id="inference-many"):
        inference_many.build(
            version,
            read_texts=lambda *given: desk().read_texts(*given),
            predict_rows=lambda *given: desk().predict_rows(*given),
        )

    def show_prediction(
        text: str, name: str | None, tag: str | None, other: str | None, edited: str
    ) -> list[str]:
        if not name:
            return [show_error(TagifaiError("no version to predict with")), *[""] * 9]
        text, edited = text or "", edited or ""
        try:
            answer = desk().predict(name, text)
            chosen = _explained(answer, tag)
            found = explain(name, text, answer, chosen)
            beside = ""
            if other and other not in (NOBODY, name):
                rows = desk().diff(name, text, other, text)
                beside = "<h4>Two versions, one text</h4>" + show_flips(
                    rows,
                    name,
                    other,
                    "Both versions predict the same tags.",
                    gained=f"▲ by {other} alone",
                    lost=f"▼ by {name} alone",
                )
            changed = ["", ""]
            if edited:
                rows = desk().diff(name, text, name, edited)
                told = desk().explain(name, edited, chosen) if chosen else {"words": []}
                changed = [
                    show_words(edited, told, chosen),
                    show_flips(rows, "text", "edited", "The edit flips no tag."),
                ]
        except TagifaiError as error:
            return [show_error(error), *[""] * 9]
        return ["", show_predicted(answer), *found, beside, *changed, show_neighbours(text)]

    def explain(name: str, text: str, answer: dict[str, Any], tag: str) -> list[str]:
        probabilities = show_probabilities(answer)
        if not tag or answer["reason"] == "empty":
            return ["", "", answer["preprocessed"], probabilities]
        told = desk().explain(name, text, tag)
        return [
            show_words(text, told, tag, help_line=HOW_TO_READ),
            show_sum(told, tag, answer),
            answer["preprocessed"],
            probabilities,
        ]

    def show_neighbours(text: str) -> str:
        try:
            return show_similar(desk().similar(text))
        except TagifaiError as error:
            return show_note(escaped(error, 300))

    def known_tags(name: str | None) -> list[str]:
        try:
            return desk().tags(name) if name else []
        except TagifaiError:
            return []  # the prediction beside it says what is wrong

    def choose_version(name: str | None, tag: str | None) -> list[Any]:
        names = known_tags(name)
        try:
            samples = show_examples(desk().examples(name)) if name else ""
        except TagifaiError:
            samples = ""  # a version without predictions, or its data is gone
        kept = tag if tag in names else LIKELIEST
        lists = [gr.Dropdown(names), gr.Dropdown(names)]
        return [gr.Dropdown([LIKELIEST, *names], value=kept), samples, *lists]

    def first_text(name: str | None) -> str:
        try:
            return desk().first_text(name or "")
        except TagifaiError:
            return ""  # the notice says what is wrong

    def fill(link: Link, _: gr.Request) -> list[Any]:
        try:
            names = list_versions()
            name, beside = link.read("version", names), link.read("other", [NOBODY, *names])
            name = name if name in names else latest(names)
        except TagifaiError as error:
            return [show_error(error), *[gr.skip()] * (len(filled) - 1)]
        beside = beside if beside in names else NOBODY
        tag = link.read("tag", [LIKELIEST, *known_tags(name)])
        usual = first_text(name)
        typed = {"text": link.read("text", usual=usual), "edited": link.read("edited")}
        typed["text"] = typed["text"] or usual
        notice, *found = show_prediction(typed["text"], name, tag, beside, typed["edited"])
        return [
            link.refused() + notice,
            *found,
            gr.Dropdown(names[::-1], value=name),
            gr.Dropdown([NOBODY, *names[::-1]], value=beside),
            *choose_version(name, tag),
            # Without a link they stand there already, and somebody may be typing on.
            *(typed.values() if link.asked is not None else [gr.skip()] * len(typed)),
            place.write_usual({"text": usual}),
            None,
        ]

    def edit_word(
        base: str, name: str | None, action: str, instead: str, event: gr.EventData
    ) -> Any:
        word = (instead or "").strip() if action == REPLACE else ""
        try:
            return desk().edit_word(name or "", base or "", int(event.key), word)
        except (TagifaiError, ValueError):
            return gr.skip()

    def find_changes(text: str, name: str | None, tag: str | None) -> str:
        try:
            answer = desk().predict(name or "", text or "")
            chosen = _explained(answer, tag)
            if not chosen or answer["reason"] == "empty":
                return show_note("There is no word to change.")
            found = desk().smallest_changes(name or "", text, chosen)
        except TagifaiError as error:
            return show_error(error)
        return show_changes(found, chosen, predicted=chosen in answer["tags"])

    inputs = [text, version, tag, other, edited]
    outputs = [
        notice,
        predicted,
        why,
        parts,
        preprocessed,
        tags,
        versions,
        edited_why,
        flips,
        similar,
    ]
    of_version = [tag, examples, *known]
    place.choices = [
        Choice("version", version),
        Choice("tag", tag, LIKELIEST),
        Choice("other", other, NOBODY),
        Choice("text", text, typed=True),
        Choice("edited", edited, "", typed=True),
    ]
    filled = [*outputs, version, other, *of_version, text, edited, place.usual, place.asked]
    shown = place.on_shown(fill, filled)
    shown.then(None, [place.usual, text], text, js=FILL_EMPTY, api_visibility="private")
    gr.on(
        [text.change, tag.change, other.input, edited.change],
        show_prediction,
        inputs,
        outputs,
        **QUICK,
    )
    version.input(show_prediction, inputs, outputs, **QUICK).then(
        choose_version, [version, tag], of_version, **QUICK
    )
    put_row(tags, tag)
    put_row(examples, text)
    why.select(edit_word, [text, version, action, instead], edited, **QUICK)
    edited_why.select(edit_word, [edited, version, action, instead], edited, **QUICK)
    copy.click(lambda text: text, text, edited, **QUICK)
    smallest.click(find_changes, [text, version, tag], changes, **QUICK)
    put_row(changes, edited)
    # In the page alone: what was found for another text is out of date.
    gr.on([text.change, tag.change, version.input], None, None, changes, js="() => ''")


def _explained(answer: dict[str, Any], tag: str | None) -> str:
    """Name the tag to explain: the one chosen, where the version has it, else the likeliest."""
    known = answer["probabilities"]
    return tag if tag and tag in known else next(iter(known), "")
