"""Save a text as a behavioral test of the data folder."""

from collections.abc import Callable, Iterator, Sequence

import gradio as gr

from tagifai.errors import TagifaiError
from tagifai.services.app import Services
from tagifai.services.patience import Ask, PredictionCancelled
from tagifai.ui.choosers import Search, offer
from tagifai.ui.events import Updates
from tagifai.ui.server.visits import visit_of
from tagifai.ui.views.behavioral import TYPES, render_saved
from tagifai.ui.views.inference import render_working
from tagifai.ui.views.markup import show_error, show_note
from tagifai.ui.working import Moved, Runs, follow

HELP = """**MFT**: the text must have, or must not have, the tags below. **INV**: its tags must not
change in the edited text under “What if”; tags named below must hold in both. **DIR**: they must
change, and the edited text must have, or must not have, the tags below."""


class SaveForm:
    """A form that saves a text, or a text and its edited form, as a behavioral test.

    Parameters
    ----------
    services
        Where tests are saved, and run.
    version, text, edited
        The version that a saved test is run on, the text, and its edited form.
    """

    def __init__(
        self, services: Services, version: gr.Dropdown, text: gr.Textbox, edited: gr.Textbox
    ) -> None:
        self.services = services
        self.version, self.text, self.edited = version, text, edited
        self.runs = Runs()

    def build(self) -> None:
        """Lay out the form."""
        gr.Markdown(HELP)
        with gr.Row(elem_classes="controls"):
            self.kind = gr.Radio(
                list(TYPES),
                value="MFT",
                label="Type",
                elem_id="keep-type",
                interactive=True,
                min_width=200,
            )
            self.expected = gr.Dropdown(
                [], multiselect=True, label="Must have", elem_id="keep-expected", interactive=True
            )
            self.forbidden = gr.Dropdown(
                [],
                multiselect=True,
                label="Must not have",
                elem_id="keep-forbidden",
                interactive=True,
            )
            self.group = gr.Textbox(
                "saved", label="Group", max_length=100, elem_id="keep-group", min_width=110
            )
        self.button = gr.Button("Save test", variant="primary", elem_id="keep-save")
        self.result = gr.HTML(elem_id="keep-result", apply_default_css=False)
        self.cancel = gr.Button("Cancel", visible=False, size="sm", elem_id="keep-stop")
        texts = [self.version, self.text, self.edited]
        self.button.click(
            self.save,
            [*texts, self.kind, self.expected, self.forbidden, self.group],
            [self.result, self.cancel],
            show_progress="hidden",
            concurrency_limit=10,
            api_visibility="private",
        )
        self.cancel.click(self.stop, None, None, queue=False, api_visibility="private")

    def offer(self, tags: Sequence[str]) -> Updates:
        """Offer a version's tags."""
        return {box: offer(tags, None) for box in (self.expected, self.forbidden)}

    def search(self, names: Callable[[str | None], Sequence[str]]) -> None:
        """Find a version's tags on the server where there are many."""
        for box in (self.expected, self.forbidden):
            Search(names).follow(box, self.version)

    def save(
        self,
        name: str | None,
        text: str,
        edited: str,
        kind: str,
        expected: list[str] | None,
        forbidden: list[str] | None,
        group: str,
        request: gr.Request,
    ) -> Iterator[Updates]:
        """Save the test, and show whether the version passes it."""
        run, message = self.runs.start(request), ""
        given = (name or "", kind, group.strip(), [text, *([edited] if edited else [])])

        def work(ask: Ask) -> Iterator[str]:
            saved = self.services.inference.save_test(
                *given, expected or [], forbidden or [], visit_of(request), ask
            )
            yield render_saved(saved, name or "")

        try:
            for found in follow(work, run):
                if isinstance(found, Moved):
                    yield {self.result: render_working(), self.cancel: gr.Button(visible=True)}
                else:
                    message = found
        except PredictionCancelled:
            message = show_note("Cancelled: the test is saved, and the version was not scored.")
        except TagifaiError as error:
            message = show_error(error)
        finally:
            self.runs.finish(request, run)
        yield {self.result: message, self.cancel: gr.Button(visible=False)}

    def stop(self, request: gr.Request) -> None:
        """Stop the scoring of this session."""
        self.runs.stop(request, by_person=True)
