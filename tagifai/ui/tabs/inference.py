"""Inference: what a version makes of a text, why, and what would change it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from tagifai.charts.svg import escaped
from tagifai.errors import TagifaiError
from tagifai.inference import TextPrediction
from tagifai.services.app import Services
from tagifai.services.patience import PATIENT, Ask, PredictionCancelled, TooSlow
from tagifai.ui.choosers import Search, choose
from tagifai.ui.events import QUICK, Updates, put_row
from tagifai.ui.links import FILL_EMPTY, Choice, Link, Route
from tagifai.ui.tabs.inference_many import ManyTexts
from tagifai.ui.tabs.inference_save import SaveForm
from tagifai.ui.tabs.inference_what_if import WhatIf
from tagifai.ui.views.inference import (
    render_cancelled,
    render_examples,
    render_flips,
    render_log_odds,
    render_marker,
    render_predicted,
    render_probabilities,
    render_similar,
    render_words,
    render_working,
)
from tagifai.ui.views.markup import CHOOSE_ROW, show_error, show_note
from tagifai.ui.working import Moved, Run, Runs, attempt, follow

if TYPE_CHECKING:  # it brings scikit-learn
    from tagifai.services.asking import Quality

INTRO = """Type a title and a description, and see which tags a version predicts, how sure it is,
and what it read. Look here to decide **whether to trust it on texts like yours**."""
LIKELIEST = "the likeliest"
NOBODY = "none"
DECISIONS = (
    "This version has decisions without probabilities: there is no threshold to move, and no tag "
    "just misses one."
)
READS_ITSELF = "This predictor does not say how it reads a text."
BY_SERVER = "Words are explained by asking the server about many texts, which may cost money."
# Seconds without another letter before a slow predictor is asked.
PAUSE = 0.4
QUEUED: dict[str, Any] = {
    "show_progress": "hidden",
    "api_visibility": "private",
    # Those that wait for a predictor that hangs hold nobody else up.
    "concurrency_limit": 10,
}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the tab; `agreed` where a server may be asked about many texts."""

    text: str
    name: str
    tag: str | None
    other: str | None
    edited: str
    agreed: bool = False


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
        self.runs = Runs()

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
        # Filled where an answer takes longer than a moment: its change begins the queued event.
        # Of events past the queue, Gradio's page does not learn a changed State.
        self.marker = gr.HTML(apply_default_css=False, padding=False)
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
                self.working = gr.HTML(
                    elem_id="inference-working", apply_default_css=False, padding=False
                )
                self.cancel = gr.Button(
                    "Cancel", visible=False, size="sm", elem_id="inference-cancel"
                )
                self.by_server = gr.Button(
                    "Explain by asking the server",
                    visible=False,
                    size="sm",
                    elem_id="inference-by-server",
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
        shown = [*self.outputs, self.by_server, self.marker, self.working, self.cancel]
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
        ).then(self.predict, inputs, shown, **QUICK).then(
            # For a version that was chosen before the tab was filled.
            self.choose_version,
            [self.version, self.tag],
            of_version,
            **QUICK,
        )
        gr.on(
            [self.text.change, self.tag.change, self.other.input, edited.change],
            self.predict,
            inputs,
            shown,
            **QUICK,
        )
        self.version.input(self.predict, inputs, shown, **QUICK).then(
            self.choose_version, [self.version, self.tag], of_version, **QUICK
        )
        self.marker.change(
            self.go_on,
            [self.marker, *inputs],
            shown,
            trigger_mode="always_last",
            **QUEUED,
        )
        self.by_server.click(
            self.explain_by_server,
            inputs,
            shown,
            trigger_mode="once",
            **QUEUED,
        )
        self.cancel.click(self.stop, None, None, queue=False, api_visibility="private")
        Search(self.list_tags).follow(self.tag, self.version)
        self.form.search(self.known_tags)
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
            self.tag: choose([LIKELIEST, *names], tag if tag in names else LIKELIEST),
            self.examples: self.show_examples(name),
            **self.form.offer(names),
        }

    def predict(
        self,
        text: str,
        name: str | None,
        tag: str | None,
        other: str | None,
        edited: str,
        request: gr.Request | None = None,
    ) -> Updates:
        """Show what can be said within a moment; `go_on` does what takes longer."""
        self.runs.stop(request)
        if not name:  # the notice says why there is none
            return dict.fromkeys(self.outputs[1:], "")
        shown: Updates = {}
        try:
            for part in self.answer(Question(text, name, tag, other, edited), Ask.at_once()):
                shown |= part
        except (TooSlow, PredictionCancelled):
            begun: Updates = dict.fromkeys(self.outputs, "")
            return {**begun, **shown, self.marker: render_marker()}
        # What was said of a run before, that it was cancelled for one, is over.
        return {**shown, self.working: "", self.cancel: gr.Button(visible=False)}

    def go_on(
        self,
        marker: str,
        text: str,
        name: str | None,
        tag: str | None,
        other: str | None,
        edited: str,
        request: gr.Request,
    ) -> Iterator[Updates]:
        """Ask a predictor that takes longer than a moment, once nobody types any more."""
        if not marker or not name:
            yield {self.working: ""}
            return
        question = Question(text, name, tag, other, edited)
        yield from self.work(question, self.runs.start(request), request, PAUSE)

    def explain_by_server(
        self,
        text: str,
        name: str | None,
        tag: str | None,
        other: str | None,
        edited: str,
        request: gr.Request,
    ) -> Iterator[Updates]:
        """Explain by asking a server about many texts, as the person said."""
        question = Question(text, name or "", tag, other, edited, agreed=True)
        yield from self.work(question, self.runs.start(request), request, 0)

    def work(
        self, question: "Question", run: Run, request: gr.Request, pause: float
    ) -> Iterator[Updates]:
        """Answer part by part, with progress, until it is done or stopped."""
        ended: Updates = {self.working: "", self.cancel: gr.Button(visible=False)}
        try:
            if not run.pause(pause):
                yield {self.working: render_working(), self.cancel: gr.Button(visible=True)}
                for found in follow(lambda ask: self.answer(question, ask), run):
                    moved = isinstance(found, Moved)
                    yield {self.working: render_working(found)} if moved else found  # type: ignore[misc, arg-type]
        except PredictionCancelled:
            ended[self.working] = render_cancelled()
        except TagifaiError as error:
            ended[self.notice] = show_error(error)
        finally:
            superseded = run.is_superseded
            self.runs.finish(request, run)
        # Whatever took its place says how far it is itself.
        yield {self.working: gr.skip()} if superseded else ended

    def stop(self, request: gr.Request) -> None:
        """Stop what is being asked."""
        self.runs.stop(request, by_person=True)

    def answer(self, question: "Question", ask: Ask) -> Iterator[Updates]:
        """Yield what is to be shown, part by part; whatever fails says so in its own place."""
        inference, name, text = self.services.inference, question.name, question.text
        try:
            inference.check_text(text)
        except TagifaiError as error:
            yield {**dict.fromkeys(self.outputs, ""), self.notice: show_error(error)}
            return
        yield {self.similar: self.show_similar(text)}
        failed: Updates = dict.fromkeys(self.outputs[:-1], "")
        found: list[TextPrediction] = []
        shown = attempt(
            lambda: self.show_prediction(inference.predict(name, text, ask), found),
            self.notice,
        )
        if not found:
            yield {**failed, **shown}
            return
        prediction, tag = found[0], found[0].explained_tag(question.tag)
        yield shown
        explained = tag and prediction.reason != "empty"
        if not explained:
            yield {self.words: "", self.log_odds: ""}
        else:
            yield self.explain(question, prediction, tag, ask, "fast")
        yield attempt(
            lambda: {self.beside: self.compare(name, question.other, text, ask)}, self.beside
        )
        alone = inference.asks_server(name, text) and not question.agreed
        yield attempt(
            lambda: self.what_if.show(name, text, question.edited, tag, ask, explains=not alone),
            self.what_if.flips,
        )
        if explained and not inference.explains_own(name) and not alone:
            yield self.explain(question, prediction, tag, ask, "best")
        if prediction.reason != "empty" and inference.embeds(name):
            yield self.show_embedded(name, text, ask)

    def show_prediction(self, prediction: TextPrediction, found: list[TextPrediction]) -> Updates:
        """Show tags and probabilities, and what the classifier read."""
        found.append(prediction)
        read: object = prediction.preprocessed
        if not read and not prediction.reason:
            read = gr.Textbox(value="", placeholder=READS_ITSELF)
        return {
            self.notice: show_note(DECISIONS) if prediction.decisions_only else "",
            self.predicted: render_predicted(prediction),
            self.preprocessed: read,
            self.probabilities: render_probabilities(prediction),
        }

    def explain(
        self,
        question: "Question",
        prediction: TextPrediction,
        tag: str,
        ask: Ask,
        quality: "Quality",
    ) -> Updates:
        """Show what each word of the text adds to the log-odds of a tag."""
        inference, name, text = self.services.inference, question.name, question.text
        offered = inference.asks_server(name, text) and not question.agreed
        button: Updates = {}
        if not inference.explains_own(name):
            button = {self.by_server: gr.Button(visible=offered)}
        if offered:
            words = render_words(text, inference.words(name, text), tag)
            return {**button, self.words: words, self.log_odds: show_note(BY_SERVER)}

        def show() -> Updates:
            explanation = inference.explain(name, text, tag, ask, quality)
            return {
                **button,
                self.words: render_words(
                    text,
                    explanation.words,
                    tag,
                    help_line=True,
                    is_own=not explanation.num_texts,
                ),
                self.log_odds: render_log_odds(explanation, tag, prediction),
            }

        return attempt(show, self.log_odds)

    def compare(self, name: str, other: str | None, text: str, ask: Ask = PATIENT) -> str:
        """Show the predictions of two versions side by side, "" where none is beside it."""
        if not other or other in (NOBODY, name):
            return ""
        return render_flips(
            self.services.inference.diff(name, text, other, text, ask),
            name,
            other,
            "Both versions predict the same tags.",
            title="Two versions, one text",
            gained=f"▲ by {other} alone",
            lost=f"▼ by {name} alone",
        )

    def show_embedded(self, name: str, text: str, ask: Ask) -> Updates:
        """Show the projects that the version's embeddings call similar, or else those by words."""
        found = attempt(
            lambda: {
                self.similar: render_similar(
                    self.services.inference.similar_by_embedding(name, text, ask), name
                )
            },
            self.notice,
        )
        if self.similar in found:
            return found
        return {self.similar: f"{found[self.notice]}{self.show_similar(text)}"}

    def show_similar(self, text: str) -> str:
        """Show the most similar projects of the data, if there is data."""
        try:
            service = self.services.inference
            return render_similar(service.similar(text), among=service.describe_compared())
        except TagifaiError as error:
            return show_note(escaped(error, 300))

    def show_examples(self, name: str | None) -> str:
        """Show texts to begin with; a version without predictions has none."""
        try:
            return render_examples(self.services.inference.examples(name)) if name else ""
        except TagifaiError:
            return ""

    def list_tags(self, name: str | None) -> list[str]:
        """List what can be explained of a version."""
        return [LIKELIEST, *self.known_tags(name)]

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
