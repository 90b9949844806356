"""What if: an edited text beside the one as typed, and the smallest changes that flip a tag."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import gradio as gr

from tagifai.errors import TagifaiError
from tagifai.services.app import Services
from tagifai.services.patience import PATIENT, Ask, PredictionCancelled
from tagifai.ui.events import QUICK, Chosen, Updates, drawn_once, put_row
from tagifai.ui.views.inference import (
    render_cancelled,
    render_changes,
    render_flips,
    render_words,
    render_working,
)
from tagifai.ui.views.markup import CHOOSE_ROW, show_error, show_note
from tagifai.ui.working import Moved, Runs, follow

if TYPE_CHECKING:  # it brings scikit-learn
    from tagifai.inference.explanation import WordEffect

DROP, REPLACE = "drops it", "replaces it by"


class WhatIf:
    """The part of the tab in which a text is edited, and the prediction follows.

    Parameters
    ----------
    services
        What predicts, edits and finds changes.
    version, tag, text
        The choices of the version and of the tag to explain, and the text as typed.
    words
        The words of the text as typed, each to be chosen.
    """

    def __init__(
        self,
        services: Services,
        version: gr.Dropdown,
        tag: gr.Dropdown,
        text: gr.Textbox,
        words: gr.HTML,
    ) -> None:
        self.services = services
        self.version, self.tag, self.text, self.words = version, tag, text, words
        self.runs = Runs()

    def build(self) -> None:
        """Lay out the edited text, what choosing a word does, and the changes."""
        gr.Markdown("### What if")
        with gr.Row():
            with gr.Column(min_width=320):
                self.edited = gr.Textbox(
                    label="Edited text",
                    lines=4,
                    elem_id="inference-edited",
                    placeholder="Choose a word above, or start from the text",
                )
                with gr.Row(elem_classes="controls"):
                    self.action = gr.Radio(
                        [DROP, REPLACE],
                        value=DROP,
                        label="Choosing a word",
                        elem_id="inference-action",
                        interactive=True,
                        min_width=220,
                    )
                    self.instead = gr.Textbox(
                        label="this",
                        max_length=100,
                        elem_id="inference-instead",
                        min_width=110,
                        placeholder="another word",
                    )
                with gr.Row():
                    self.copy = gr.Button(
                        "Start from the text", size="sm", elem_id="inference-copy"
                    )
                    self.smallest = gr.Button(
                        "Smallest change", size="sm", elem_id="inference-smallest"
                    )
                self.working = gr.HTML(
                    elem_id="inference-searching", apply_default_css=False, padding=False
                )
                self.cancel = gr.Button(
                    "Cancel", visible=False, size="sm", elem_id="inference-stop-search"
                )
                self.edited_words = gr.HTML(
                    elem_id="inference-edited-why", apply_default_css=False, js_on_load=CHOOSE_ROW
                )
            with gr.Column(min_width=320):
                self.flips = gr.HTML(elem_id="inference-flips", apply_default_css=False)
                self.changes = gr.HTML(
                    elem_id="inference-changes", apply_default_css=False, js_on_load=CHOOSE_ROW
                )
        self.outputs = [self.edited_words, self.flips]
        self._wire()

    def _wire(self) -> None:
        for words, text in ((self.words, self.text), (self.edited_words, self.edited)):
            words.select(
                self.edit_word,
                [text, self.version, self.action, self.instead],
                self.edited,
                **QUICK,
            )
        self.copy.click(None, self.text, self.edited, js="text => text", api_visibility="private")
        self.smallest.click(
            self.find_changes,
            [self.text, self.version, self.tag],
            [self.changes, self.working, self.cancel],
            show_progress="hidden",
            concurrency_limit=10,
            api_visibility="private",
        )
        self.cancel.click(self.stop, None, None, queue=False, api_visibility="private")
        put_row(self.changes, self.edited)
        # What was found for another text, tag or version is out of date.
        drawn_once("what-if", [self.text.change, self.tag.change, self.version.input]).then(
            self.clear, None, [self.changes, self.working, self.cancel], **QUICK
        )

    def show(
        self,
        name: str,
        text: str,
        edited: str,
        tag: str,
        ask: Ask = PATIENT,
        *,
        explains: bool = True,
    ) -> Updates:
        """Show the words of the edited text, and the tags that the edit flips."""
        if not edited:
            return dict.fromkeys(self.outputs, "")
        inference = self.services.inference
        words: tuple[WordEffect, ...] = inference.words(name, edited)
        if tag and explains:
            words = inference.explain(name, edited, tag, ask, "fast").words
        diffs = inference.diff(name, text, name, edited, ask)
        return {
            self.edited_words: render_words(edited, words, tag),
            self.flips: render_flips(diffs, "text", "edited", "The edit flips no tag."),
        }

    def edit_word(
        self, base: str, name: str | None, action: str, instead: str, event: Chosen
    ) -> str | dict[str, object]:
        """Drop or replace the chosen word of a text, which becomes the edited text."""
        word = instead.strip() if action == REPLACE else ""
        try:
            return self.services.inference.edit_word(name or "", base, int(event.key), word)
        except (TagifaiError, ValueError):
            return gr.skip()

    def stop(self, request: gr.Request) -> None:
        """Stop the search for changes."""
        self.runs.stop(request, by_person=True)

    def clear(self, request: gr.Request) -> Updates:
        """Show no changes, and stop the search that would bring some."""
        self.runs.stop(request)
        return {self.changes: "", self.working: "", self.cancel: gr.Button(visible=False)}

    def find_changes(
        self, text: str, name: str | None, tag: str | None, request: gr.Request
    ) -> Iterator[Updates]:
        """Find the smallest changes of the text that flip the explained tag, with progress."""
        run = self.runs.start(request)
        ended: Updates = {self.working: "", self.cancel: gr.Button(visible=False)}
        found: list[str] = []

        def search(ask: Ask) -> Iterator[str]:
            yield self.show_changes(text, name or "", tag, ask)

        yield {self.working: render_working(), self.changes: ""}
        try:
            for part in follow(search, run):
                if isinstance(part, Moved):
                    yield {
                        self.working: render_working(part),
                        self.cancel: gr.Button(visible=True),
                    }
                else:
                    found.append(part)
        except PredictionCancelled:
            ended[self.working] = render_cancelled()
        finally:
            superseded = run.is_superseded
            self.runs.finish(request, run)
        yield {self.working: gr.skip()} if superseded else {**ended, self.changes: "".join(found)}

    def show_changes(self, text: str, name: str, tag: str | None, ask: Ask = PATIENT) -> str:
        """Show the smallest changes of the text that flip the explained tag."""
        inference = self.services.inference
        try:
            prediction = inference.predict(name, text, ask)
            chosen = prediction.explained_tag(tag)
            if not chosen or prediction.reason == "empty":
                return show_note("There is no word to change.")
            search = inference.search_changes(name, text, chosen, ask)
        except PredictionCancelled:
            raise
        except TagifaiError as error:
            return show_error(error)
        return render_changes(
            search.changes,
            chosen,
            predicted=chosen in prediction.tags,
            num_texts=search.num_texts,
            budget=search.budget,
        )
