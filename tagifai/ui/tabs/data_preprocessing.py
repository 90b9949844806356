"""Data, preprocessing: a text, the settings, and what the classifier reads of it."""

from collections.abc import Mapping

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from tagifai.errors import TagifaiError
from tagifai.services.app import Services
from tagifai.services.data import DataSummary
from tagifai.text.languages import list_languages, stopwords_of
from tagifai.text.preprocessing import FILTERS
from tagifai.ui.events import QUICK
from tagifai.ui.links import Choice, Link, Route
from tagifai.ui.views.markup import show_error


class PreprocessingPart:
    """A playground of preprocessing, with the visitor's own text and settings."""

    def __init__(self, services: Services, route: Route) -> None:
        self.services = services
        self.route = route

    def build(self) -> None:
        """Lay out the text, its settings and the output, and wire their events."""
        gr.Markdown("### Preprocessing")
        with gr.Row():
            with gr.Column(min_width=320):
                self._build_settings()
            self.output = gr.Textbox(
                label="What the classifier reads",
                lines=3,
                interactive=False,
                buttons=["copy"],
                elem_id="preprocess-output",
                min_width=320,
            )
        self.notice = gr.HTML()
        self.choices = [
            Choice("text", self.text, typed=True),
            Choice("lower", self.lower, True),
            Choice("stem", self.stem, False),
            Choice("filters", self.filters, FILTERS, typed=True),
            Choice("stopwords", self.stopwords, typed=True),
            Choice("language", self.language),
        ]
        # In the order of the parameters of `show_preprocessed`.
        self.inputs = [choice.control for choice in self.choices]
        self.filled: list[Component] = [*self.inputs, self.output, self.notice]
        self.language.input(
            self.set_stopwords, self.language, [self.stopwords, self.route.defaults], **QUICK
        )
        gr.on(
            [control.change for control in self.inputs],
            self.show_preprocessed,
            self.inputs,
            [self.output, self.notice],
            **QUICK,
        )

    def _build_settings(self) -> None:
        self.text = gr.Textbox(label="Text", lines=3, elem_id="preprocess-input", max_length=10_000)
        with gr.Row(elem_classes="controls"):
            self.lower = gr.Checkbox(True, label="lower: to lower case", elem_id="preprocess-lower")
            self.stem = gr.Checkbox(
                False, label="stem: words to their stems", elem_id="preprocess-stem"
            )
            self.language = gr.Dropdown(
                list_languages(),
                value=None,
                label="Language",
                elem_id="preprocess-language",
                interactive=True,
                min_width=130,
            )
        self.filters = gr.Textbox(
            FILTERS,
            label="filters: what this regular expression matches becomes a space",
            elem_id="preprocess-filters",
            max_length=256,
        )
        self.stopwords = gr.Textbox(
            label="Stopwords (space-separated)", lines=2, elem_id="preprocess-stopwords"
        )

    def read_language(self, link: Link, summary: DataSummary) -> str:
        """Read the language that a link asks for; the data's where it names none."""
        return link.read("language", list_languages(), summary.language) or summary.language

    def defaults(self, summary: DataSummary, language: str) -> dict[str, object]:
        """Return by name the values that come from the data, or from the language."""
        return {
            "text": summary.text,
            "language": summary.language,
            "stopwords": write_stopwords(language),
        }

    def fill(
        self, link: Link, language: str, defaults: Mapping[str, object]
    ) -> dict[Component, object]:
        """Return what the part shows, by the link and the data's `defaults`."""
        text, lower, stem, filters, stopwords = (
            link.read(name, default=defaults.get(name))
            for name in ("text", "lower", "stem", "filters", "stopwords")
        )
        if not link.followed and link.current["language"] is None:  # nobody has been here yet
            stopwords = str(defaults["stopwords"])
        changes: dict[Component, object] = {
            self.lower: lower,
            self.stem: stem,
            self.filters: filters,
            self.stopwords: stopwords,
            self.language: language,
        }
        # Without a link the page fills in the text itself, and only an empty box.
        return {self.text: text or defaults["text"], **changes} if link.followed else changes

    def show_after(self, event: Dependency) -> None:
        """Show what is read of the text that the box holds once `event` is over."""
        event.then(self.show_preprocessed, self.inputs, [self.output, self.notice], **QUICK)

    def show_preprocessed(
        self,
        text: str,
        lower: bool,
        stem: bool,
        filters: str,
        stopwords: str,
        language: str | None,
    ) -> dict[Component, object]:
        """Show what the classifier reads of a text; the output stays where a setting is wrong."""
        try:
            read = self.services.preprocessing.preprocess(
                text, lower, stem, filters, stopwords, language or ""
            )
        except TagifaiError as error:
            return {self.notice: show_error(error)}
        return {self.output: read, self.notice: ""}

    def set_stopwords(self, language: str | None) -> dict[Component, object]:
        """Fill in the stopwords of a language."""
        words = write_stopwords(language)
        return {
            self.stopwords: words,
            self.route.defaults: self.route.write_defaults({"stopwords": words}),
        }


def write_stopwords(language: str | None) -> str:
    """Return the stopwords of a language with spaces between them; "" without a language."""
    return " ".join(stopwords_of(language)) if language else ""
