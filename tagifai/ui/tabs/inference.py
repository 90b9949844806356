"""Inference: what a version makes of a text, why, and what would change it."""

import gradio as gr

from tagifai.charts.svg import escaped
from tagifai.errors import TagifaiError
from tagifai.inference import TextPrediction
from tagifai.services.app import Services
from tagifai.ui.events import QUICK, Updates, put_row
from tagifai.ui.links import FILL_EMPTY, Choice, Link, Route
from tagifai.ui.tabs.inference_many import ManyTexts
from tagifai.ui.tabs.inference_save import SaveForm
from tagifai.ui.tabs.inference_what_if import WhatIf
from tagifai.ui.views.inference import (
    render_examples,
    render_flips,
    render_log_odds,
    render_predicted,
    render_probabilities,
    render_similar,
    render_words,
)
from tagifai.ui.views.markup import CHOOSE_ROW, show_error, show_note

INTRO = """Type a title and a description, and see which tags a version predicts, how sure it is,
and what it read. Look here to decide **whether to trust it on texts like yours**."""
LIKELIEST = "the likeliest"
NOBODY = "none"


class InferenceTab:
    """The tab: a text, what a version predicts for it and why, and what would change that.

    Parameters
    ----------
    services
        Where predictions come from.
    route
        What links to the tab set.
    """

    def __init__(self, services: Services, route: Route) -> None:
        self.services = services
        self.route = route

    def build(self) -> None:
        """Lay out the tab; it is filled when its route comes into view."""
        gr.Markdown(INTRO)
        # Apart, so that the next prediction does not remove what a link could not set.
        self.refused = gr.HTML(apply_default_css=False, padding=False)
        self.notice = gr.HTML(elem_id="inference-notice", apply_default_css=False)
        self._build_choices()
        self._build_text()
        self.beside = gr.HTML(elem_id="inference-versions", apply_default_css=False)
        self.what_if = WhatIf(self.services, self.version, self.tag, self.text, self.words)
        self.what_if.build()
        gr.Markdown("### The most similar projects")
        self.similar = gr.HTML(elem_id="inference-similar", apply_default_css=False)
        with gr.Accordion("Save as behavioral test", open=False, elem_id="inference-keep"):
            self.form = SaveForm(self.services, self.version, self.text, self.what_if.edited)
            self.form.build()
        with gr.Accordion("Many texts", open=False, elem_id="inference-many"):
            ManyTexts(self.services, self.version).build()
        self._wire()

    def _build_choices(self) -> None:
        with gr.Row(elem_classes="controls"):
            self.version = gr.Dropdown(
                [], label="Version", elem_id="inference-version", interactive=True
            )
            self.tag = gr.Dropdown(
                [LIKELIEST],
                value=LIKELIEST,
                label="Explain the tag",
                elem_id="inference-tag",
                interactive=True,
            )
            self.other = gr.Dropdown(
                [NOBODY],
                value=NOBODY,
                label="Beside it, version",
                elem_id="inference-other",
                interactive=True,
            )

    def _build_text(self) -> None:
        with gr.Row():
            with gr.Column(min_width=320):
                self.text = gr.Textbox(
                    label="Text",
                    lines=5,
                    elem_id="inference-text",
                    placeholder="Title and description of a project",
                )
                self.examples = gr.HTML(
                    elem_id="inference-examples", apply_default_css=False, js_on_load=CHOOSE_ROW
                )
                self.predicted = gr.HTML(elem_id="inference-predicted", apply_default_css=False)
                self.words = gr.HTML(
                    elem_id="inference-why", apply_default_css=False, js_on_load=CHOOSE_ROW
                )
                self.log_odds = gr.HTML(elem_id="inference-sum", apply_default_css=False)
                self.preprocessed = gr.Textbox(
                    label="What the classifier reads",
                    lines=2,
                    interactive=False,
                    elem_id="inference-preprocessed",
                )
            with gr.Column(min_width=320):
                self.probabilities = gr.HTML(
                    elem_id="inference-tags", apply_default_css=False, js_on_load=CHOOSE_ROW
                )

    def _wire(self) -> None:
        edited = self.what_if.edited
        inputs = [self.text, self.version, self.tag, self.other, edited]
        self.outputs = [
            self.notice,
            self.predicted,
            self.words,
            self.log_odds,
            self.preprocessed,
            self.probabilities,
            self.beside,
            *self.what_if.outputs,
            self.similar,
        ]
        of_version = [self.tag, self.examples, self.form.expected, self.form.forbidden]
        self.route.choices = [
            Choice("version", self.version),
            Choice("tag", self.tag, LIKELIEST),
            Choice("other", self.other, NOBODY),
            Choice("text", self.text, typed=True),
            Choice("edited", edited, "", typed=True),
        ]
        self.route.on_shown(
            self.fill,
            [
                self.refused,
                self.notice,
                self.version,
                self.other,
                *of_version,
                self.text,
                edited,
                self.route.defaults,
            ],
        ).then(
            None,
            [self.route.defaults, self.text],
            self.text,
            js=FILL_EMPTY,
            api_visibility="private",
        ).then(self.predict, inputs, self.outputs, **QUICK)
        gr.on(
            [self.text.change, self.tag.change, self.other.input, edited.change],
            self.predict,
            inputs,
            self.outputs,
            **QUICK,
        )
        self.version.input(self.predict, inputs, self.outputs, **QUICK).then(
            self.choose_version, [self.version, self.tag], of_version, **QUICK
        )
        put_row(self.probabilities, self.tag)
        put_row(self.examples, self.text)

    def fill(self, link: Link, _: gr.Request) -> Updates:
        """Offer the versions, and choose what the link asks for, or else what was chosen before."""
        try:
            names = self.services.versions.names()
            name, beside = link.read("version", names), link.read("other", [NOBODY, *names])
            name = name if name in names else self.services.versions.latest("predictor", names)
        except TagifaiError as error:
            link.postpone()
            return {self.notice: show_error(error)}
        tag = link.read("tag", [LIKELIEST, *self.known_tags(name)])
        default = self.first_text(name)
        shown: Updates = {
            self.version: gr.Dropdown(names[::-1], value=name),
            self.other: gr.Dropdown(
                [NOBODY, *names[::-1]], value=beside if beside in names else NOBODY
            ),
            **self.choose_version(name, tag),
            self.route.defaults: self.route.write_defaults({"text": default}),
        }
        # Without a link the texts stand there already, and somebody may be typing on.
        if link.followed:
            shown[self.text] = link.read("text", default=default) or default
            shown[self.what_if.edited] = link.read("edited")
        return {**shown, self.refused: link.refused()}

    def choose_version(self, name: str | None, tag: str | None) -> Updates:
        """Offer the tags and the examples of a version."""
        names = self.known_tags(name)
        return {
            self.tag: gr.Dropdown([LIKELIEST, *names], value=tag if tag in names else LIKELIEST),
            self.examples: self.show_examples(name),
            **self.form.offer(names),
        }

    def predict(
        self, text: str, name: str | None, tag: str | None, other: str | None, edited: str
    ) -> Updates:
        """Show what the version predicts for the text, and all that follows from it."""
        if not name:  # the notice says why there is none
            return dict.fromkeys(self.outputs[1:], "")
        try:
            prediction = self.services.inference.predict(name, text)
            chosen = prediction.explained_tag(tag)
            shown = {
                **self.explain(name, text, prediction, chosen),
                self.beside: self.compare(name, other, text),
                **self.what_if.show(name, text, edited, chosen),
            }
        except TagifaiError as error:
            return {**dict.fromkeys(self.outputs, ""), self.notice: show_error(error)}
        return {
            self.notice: "",
            self.predicted: render_predicted(prediction),
            self.preprocessed: prediction.preprocessed,
            self.probabilities: render_probabilities(prediction),
            self.similar: self.show_similar(text),
            **shown,
        }

    def explain(self, name: str, text: str, prediction: TextPrediction, tag: str) -> Updates:
        """Show what each word of the text adds to the log-odds of a tag."""
        if not tag or prediction.reason == "empty":
            return {self.words: "", self.log_odds: ""}
        explanation = self.services.inference.explain(name, text, tag)
        return {
            self.words: render_words(text, explanation.words, tag, help_line=True),
            self.log_odds: render_log_odds(explanation, tag, prediction),
        }

    def compare(self, name: str, other: str | None, text: str) -> str:
        """Show the predictions of two versions side by side, "" where none is beside it."""
        if not other or other in (NOBODY, name):
            return ""
        return render_flips(
            self.services.inference.diff(name, text, other, text),
            name,
            other,
            "Both versions predict the same tags.",
            title="Two versions, one text",
            gained=f"▲ by {other} alone",
            lost=f"▼ by {name} alone",
        )

    def show_similar(self, text: str) -> str:
        """Show the most similar projects of the data, if there is data."""
        try:
            return render_similar(self.services.inference.similar(text))
        except TagifaiError as error:
            return show_note(escaped(error, 300))

    def show_examples(self, name: str | None) -> str:
        """Show texts to begin with; a version without predictions has none."""
        try:
            return render_examples(self.services.inference.examples(name)) if name else ""
        except TagifaiError:
            return ""

    def known_tags(self, name: str | None) -> list[str]:
        """List the tags of a version; the prediction says what is wrong with a broken one."""
        try:
            return self.services.inference.tags(name) if name else []
        except TagifaiError:
            return []

    def first_text(self, name: str) -> str:
        """Return the text to begin with, "" without data; the prediction goes on without it."""
        try:
            return self.services.inference.first_text(name)
        except TagifaiError:
            return ""
