"""Many texts: from pasted lines or a file to a table and a download, with progress."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache

from tagifai.errors import TagifaiError
from tagifai.inference.batches import BatchAnswer, BatchRow, kind_of, to_csv, to_jsonl
from tagifai.services.app import Services
from tagifai.services.patience import Ask, PredictionCancelled
from tagifai.ui.events import Updates
from tagifai.ui.views.inference_many import render_answers, render_progress
from tagifai.ui.views.markup import show_error
from tagifai.ui.working import Moved, Runs, follow

KINDS = {"one text a line": "lines", "CSV": "csv", "JSON lines": "jsonl"}
HELP = """Paste texts, or bring a file: `.csv` with a column *text* (or *title* and
*description*), `.jsonl` with the same keys, or plain lines. Bad rows are reported by their number
and the others go on."""
MAX_PASTED = 4_000_000


class ManyTexts:
    """The part of the tab that predicts many texts with the chosen version.

    Parameters
    ----------
    services
        What reads and predicts texts.
    version
        The choice of the version.
    """

    def __init__(self, services: Services, version: gr.Dropdown) -> None:
        self.services = services
        self.version = version
        # With Gradio's own `cancels`, the page ends with an error, and what was predicted by then
        # is lost.
        self.runs = Runs()

    def build(self) -> None:
        """Lay out what is read, the buttons, the table and the downloads."""
        gr.Markdown(HELP)
        with gr.Row():
            with gr.Column(min_width=320, scale=2):
                self.pasted = gr.Textbox(
                    label="Texts",
                    lines=5,
                    elem_id="many-texts",
                    placeholder="one text a line",
                    max_length=MAX_PASTED,
                )
                self.kind = gr.Radio(
                    list(KINDS),
                    value="one text a line",
                    label="Pasted as",
                    elem_id="many-kind",
                    interactive=True,
                )
            with gr.Column(min_width=240):
                self.file = gr.File(
                    label="or a file",
                    file_types=[".csv", ".jsonl", ".ndjson", ".txt"],
                    elem_id="many-file",
                    height=150,
                )
                with gr.Row():
                    self.run = gr.Button(
                        "Predict", variant="primary", elem_id="many-run", min_width=90
                    )
                    self.stop = gr.Button("Cancel", elem_id="many-cancel", min_width=90)
        self.progress = gr.HTML(elem_id="many-progress", apply_default_css=False)
        self.table = gr.HTML(elem_id="many-table", apply_default_css=False)
        with gr.Row():
            self.as_csv = gr.DownloadButton(
                "Download CSV", visible=False, elem_id="many-csv", size="sm", min_width=120
            )
            self.as_jsonl = gr.DownloadButton(
                "Download JSON lines", visible=False, elem_id="many-jsonl", size="sm", min_width=120
            )
        self.run.click(
            self.predict,
            [self.version, self.pasted, self.kind, self.file],
            [self.progress, self.table, self.as_csv, self.as_jsonl],
            show_progress="hidden",
            concurrency_limit=4,
            api_visibility="private",
        )
        self.stop.click(self.cancel, None, None, queue=False, api_visibility="private")

    def predict(
        self, name: str | None, pasted: str, kind: str, file: str | None, request: gr.Request
    ) -> Iterator[Updates]:
        """Predict the texts part by part; the table and the files come in the end."""
        inference, answers = self.services.inference, list[BatchAnswer]()
        try:
            rows = inference.read_texts(*_given(pasted, kind, file))
        except TagifaiError as error:
            yield {self.progress: show_error(error), **self.without_results()}
            return
        run = self.runs.start(request)
        yield {self.progress: render_progress(0, len(rows)), **self.without_results()}
        try:
            for part in follow(lambda ask: self._answer(name or "", rows, ask), run):
                if not isinstance(part, Moved):
                    answers += part
                yield {self.progress: render_progress(len(answers), len(rows))}
        except PredictionCancelled:
            pass  # what was predicted by then is shown
        except TagifaiError as error:
            yield {self.progress: show_error(error), **self.without_results()}
            return
        finally:
            self.runs.finish(request, run)
        cancelled = len(answers) < len(rows)
        yield {
            self.progress: render_progress(len(answers), len(rows), cancelled=cancelled),
            self.table: render_answers(answers),
            **self.offer_files(answers, name or ""),
        }

    def _answer(self, name: str, rows: Sequence[BatchRow], ask: Ask) -> Iterator[list[BatchAnswer]]:
        # Parts are counted by themselves: a predictor counts the texts of one part alone.
        quiet = Ask(cancelled=ask.cancelled)
        for part in self.services.inference.predict_rows(name, rows, quiet):
            yield part
            if quiet.cancelled is not None and quiet.cancelled():
                return

    def cancel(self, request: gr.Request) -> None:
        """Stop the run of this session after the part under way."""
        self.runs.stop(request, by_person=True)

    def without_results(self) -> Updates:
        """Hide the table and the files of the run before."""
        hidden = gr.DownloadButton(visible=False)
        return {self.table: "", self.as_csv: hidden, self.as_jsonl: hidden}

    def offer_files(self, answers: Sequence[BatchAnswer], name: str) -> Updates:
        """Write what was predicted, to be downloaded as CSV and as JSON lines."""
        stem = "predictions-" + "".join(c if c.isalnum() or c in ".-_" else "-" for c in name)
        files = (
            (self.as_csv, "csv", to_csv(answers)),
            (self.as_jsonl, "jsonl", to_jsonl(answers)),
        )
        return {
            button: gr.DownloadButton(
                value=save_bytes_to_cache(text.encode(), f"{stem}.{suffix}", button.GRADIO_CACHE),
                visible=True,
            )
            for button, suffix, text in files
        }


def _given(pasted: str, kind: str, file: str | None) -> tuple[bytes, str]:
    if file is None:
        return pasted.encode("utf-8", "replace"), KINDS.get(kind, kind)
    path = Path(file)
    return path.read_bytes(), kind_of(path.name)
