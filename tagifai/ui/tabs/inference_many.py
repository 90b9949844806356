"""Many texts: from pasted lines or a file to a table and a download, with progress."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache

from tagifai.charts.svg import escaped
from tagifai.errors import TagifaiError
from tagifai.inference.batches import kind_of, to_csv, to_jsonl
from tagifai.ui.views.markup import show_chips, show_error, show_table

KINDS = {"one text a line": "lines", "CSV": "csv", "JSON lines": "jsonl"}
HELP = """Paste texts, or bring a file: `.csv` with a column *text* (or *title* and
*description*), `.jsonl` with the same keys, or plain lines. Bad rows are reported by their number
and the others go on."""
MAX_PASTED = 4_000_000
MOST_SHOWN = 100
MOST_BAD_SHOWN = 20


def build(
    version: gr.Dropdown,
    *,
    read_texts: Callable[[bytes, str], list[Any]],
    predict_rows: Callable[[str, Sequence[Any]], Iterator[list[Any]]],
) -> None:
    """Lay out the part of the tab that predicts many texts with the chosen version."""
    gr.Markdown(HELP)
    with gr.Row():
        with gr.Column(min_width=320, scale=2):
            pasted = gr.Textbox(
                label="Texts",
                lines=5,
                elem_id="many-texts",
                placeholder="one text a line",
                max_length=MAX_PASTED,
            )
            kind = gr.Radio(
                list(KINDS),
                value="one text a line",
                label="Pasted as",
                elem_id="many-kind",
                interactive=True,
            )
        with gr.Column(min_width=240):
            file = gr.File(
                label="or a file",
                file_types=[".csv", ".jsonl", ".ndjson", ".txt"],
                elem_id="many-file",
                height=150,
            )
            with gr.Row():
                run = gr.Button("Predict", variant="primary", elem_id="many-run", min_width=90)
                stop = gr.Button("Cancel", elem_id="many-cancel", min_width=90)
    progress = gr.HTML(elem_id="many-progress", apply_default_css=False)
    table = gr.HTML(elem_id="many-table", apply_default_css=False)
    with gr.Row():
        as_csv = gr.DownloadButton(
            "Download CSV", visible=False, elem_id="many-csv", size="sm", min_width=120
        )
        as_jsonl = gr.DownloadButton(
            "Download JSON lines", visible=False, elem_id="many-jsonl", size="sm", min_width=120
        )

    # Sessions with a run, and whether it is to stop. Gradio's own `cancels` leaves the page with
    # an error.
    stopped: dict[str | None, bool] = {}

    def predict_many(
        name: str | None, pasted: str, kind: str, file: str | None, request: gr.Request
    ) -> Iterator[list[Any]]:
        hidden = gr.DownloadButton(visible=False)
        try:
            rows = read_texts(*_given(pasted, kind, file))
            stopped[request.session_hash] = False
            yield [show_progress(0, len(rows)), "", hidden, hidden]
            answers: list[Any] = []
            for part in predict_rows(name or "", rows):
                answers += part
                if stopped.get(request.session_hash):
                    break
                yield [show_progress(len(answers), len(rows)), gr.skip(), gr.skip(), gr.skip()]
        except TagifaiError as error:
            yield [show_error(error), "", hidden, hidden]
            return
        finally:
            stopped.pop(request.session_hash, None)
        stem = "predictions-" + "".join(c if c.isalnum() or c in ".-_" else "-" for c in name or "")
        files = [
            save_bytes_to_cache(text.encode(), f"{stem}.{suffix}", button.GRADIO_CACHE)
            for text, suffix, button in (
                (to_csv(answers), "csv", as_csv),
                (to_jsonl(answers), "jsonl", as_jsonl),
            )
        ]
        yield [
            show_progress(len(answers), len(rows), cancelled=len(answers) < len(rows)),
            show_answers(answers),
            *(gr.DownloadButton(value=path, visible=True) for path in files),
        ]

    def cancel(request: gr.Request) -> None:
        if request.session_hash in stopped:
            stopped[request.session_hash] = True

    run.click(
        predict_many,
        [version, pasted, kind, file],
        [progress, table, as_csv, as_jsonl],
        show_progress="hidden",
        concurrency_limit=2,
        api_visibility="private",
    )
    stop.click(cancel, None, None, queue=False, api_visibility="private")


def show_progress(done: int, total: int, *, cancelled: bool = False) -> str:
    """Show how many texts are done."""
    if cancelled:
        return (
            f'<div class="notice warning">Cancelled after {done:,} of {total:,} texts; '
            "what follows is of these.</div>"
        )
    return (
        f'<div class="progress-line"><progress max="{total}" value="{done}"></progress> '
        f"<span>{done:,} of {total:,} texts</span></div>"
    )


def show_answers(answers: Sequence[Any]) -> str:
    """Show what was predicted: bad rows first, then the first rows."""
    bad = [answer.row for answer in answers if answer.row.error]
    listed = "".join(
        f"<li>row {row.number}: {escaped(row.error, 200)}</li>" for row in bad[:MOST_BAD_SHOWN]
    )
    more = f"<li>… and {len(bad) - MOST_BAD_SHOWN:,} more</li>" if len(bad) > MOST_BAD_SHOWN else ""
    notice = (
        f'<div class="notice warning">Bad rows, left out: {len(bad):,}. The others were '
        f"predicted.<ul>{listed}{more}</ul></div>"
        if bad
        else ""
    )
    good = [answer for answer in answers if not answer.row.error]
    rows = [
        {
            "row": answer.row.number,
            "text": answer.row.text,
            "tags": show_chips([tag for tag, _ in answer.tags])
            or '<span class="minor">none</span>',
            "sure": ", ".join(f"{p:.2f}" for _, p in answer.tags),
            "near": ", ".join(f"{tag} {p:.2f}" for tag, p in answer.near),
            "note": answer.reason,
        }
        for answer in good[:MOST_SHOWN]
    ]
    shown = f"the first {MOST_SHOWN} of " if len(good) > MOST_SHOWN else ""
    return notice + show_table(
        rows,
        {
            "row": "row",
            "text": "text",
            "tags": "tags",
            "sure": "probability",
            "near": "near misses",
            "note": "note",
        },
        raw=["tags"],
        empty="No text was predicted.",
        caption=f"{shown}{len(good):,} texts",
    )


def _given(pasted: str, kind: str, file: str | None) -> tuple[bytes, str]:
    if file is None:
        return (pasted or "").encode("utf-8", "replace"), KINDS.get(kind, kind)
    path = Path(file)
    return path.read_bytes(), kind_of(path.name)
