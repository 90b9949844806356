"""Inspection: where a version errs, and by which projects."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from tagifai.errors import TagifaiError
from tagifai.svg import escaped
from tagifai.ui.markup import CHOOSE_ROW, show_chips, show_error, show_share, show_table

INTRO = """Each tag's figures on the **test split**, which the version never learnt from, and the
projects behind them. Look here to decide **which labels are wrong and where the model is weak**."""
OUTCOMES = {
    "false positives": "fp", "false negatives": "fn", "true positives": "tp",
}  # fmt: skip
CALIBRATION = """Probabilities are the model's own estimate. Where they are not calibrated, 0.9
does not mean nine in ten
(<a href="https://arxiv.org/abs/1706.04599" rel="noopener noreferrer" target="_blank">Guo et al.
2017, On Calibration of Modern Neural Networks</a>)."""
CALIBRATED = 0.03


def build(
    shown: Callable[..., Any],
    *,
    list_versions: Callable[[], list[str]],
    newest: Callable[[list[str]], str],
    tag_table: Callable[[str], list[dict[str, Any]]],
    slice_table: Callable[[str], list[dict[str, Any]]],
    performance: Callable[[str], Any],
    outcomes: Callable[..., Any],
    outcome_help: Callable[[str], str],
    orders: list[str],
) -> None:
    """Lay out the tab; `shown` is the event on which its first values are filled in."""
    gr.Markdown(INTRO)
    notice = gr.HTML()
    with gr.Row(elem_classes="controls"):
        version = gr.Dropdown([], label="Version", elem_id="inspect-version", interactive=True)
        tag = gr.Dropdown([], label="Tag, best F1 first", elem_id="inspect-tag", interactive=True)
        outcome = gr.Radio(
            list(OUTCOMES), value="false positives", label="Outcome", elem_id="inspect-outcome",
            interactive=True, min_width=300,
        )  # fmt: skip
    figures = gr.HTML(elem_id="tag-figures", apply_default_css=False)
    help_line = gr.HTML(elem_id="outcome-help")
    with gr.Row(elem_classes="controls"):
        query = gr.Textbox(
            label="Search these projects", placeholder="words in title, description or tags",
            elem_id="samples-search", max_length=200, scale=2,
        )  # fmt: skip
        order = gr.Dropdown(
            orders, value=orders[0], label="Order", elem_id="samples-order", interactive=True,
            min_width=150,
        )  # fmt: skip
        number = gr.Number(
            1, label="Page", precision=0, minimum=1, elem_id="samples-page", min_width=90
        )
    samples = gr.HTML(elem_id="samples", apply_default_css=False)
    calibration = gr.HTML(elem_id="calibration-note", apply_default_css=False)
    gr.Markdown("### All tags on the test split")
    tags = gr.HTML(elem_id="tag-metrics", apply_default_css=False, js_on_load=CHOOSE_ROW)
    gr.Markdown("### Slices of the test split")
    slices = gr.HTML(elem_id="slice-metrics", apply_default_css=False)

    def show_samples(
        name: str | None,
        tag: str | None,
        outcome: str,
        query: str,
        order: str,
        page: float | None = 1,
    ) -> list[Any]:
        if not name or not tag:
            return ["", "", gr.skip()]
        kind = OUTCOMES.get(outcome, outcome)
        try:
            found = outcomes(name, tag, kind, order, query or "", int(page or 1))
            line = f'<p class="note">{escaped(outcome_help(kind), 400)}</p>'
        except TagifaiError as error:
            return ["", show_error(error), gr.skip()]
        number = gr.skip() if found.number == page else found.number
        return [line, show_page(found, tag, outcome), number]

    def show_tag(name: str | None, tag: str | None, *choice: Any) -> list[Any]:
        if not name or not tag:
            return ["", "", "", gr.skip()]
        try:
            row = next((row for row in tag_table(name) if row["tag"] == tag), None)
        except TagifaiError as error:
            return [show_error(error), "", "", gr.skip()]
        return [show_figures(row) if row else "", *show_samples(name, tag, *choice)[:2], 1]

    def show_version(name: str | None, tag: str | None, *choice: Any) -> list[Any]:
        try:
            table = tag_table(name) if name else []
            measured = performance(name) if name else {}
            slice_rows = slice_table(name) if name else []
        except TagifaiError as error:
            empty = gr.Dropdown([], value=None)
            return [show_error(error), empty, "", "", "", "", "", "", gr.skip()]
        names = [row["tag"] for row in table]
        chosen = tag if tag in names else most_errors(table)
        return [
            "",
            gr.Dropdown(names, value=chosen),
            show_tags(table),
            show_slices(slice_rows),
            show_calibration(measured),
            *show_tag(name, chosen, *choice),
        ]

    def fill(chosen: str | None, *choice: Any) -> list[Any]:
        try:
            names = list_versions()
        except TagifaiError as error:
            return [gr.Dropdown([]), show_error(error)] + [gr.skip()] * 8
        name = chosen if chosen in names else newest(names)
        return [gr.Dropdown(names[::-1], value=name), *show_version(name, *choice)]

    def choose_tag(event: gr.EventData) -> str:
        return event.key

    quick: dict[str, Any] = {
        "queue": False, "show_progress": "hidden", "api_visibility": "private",
        "trigger_mode": "always_last",
    }  # fmt: skip
    inputs = [version, tag, outcome, query, order]
    page_outputs = [help_line, samples, number]
    version_outputs = [notice, tag, tags, slices, calibration, figures, *page_outputs]
    shown(fill, inputs, [version, *version_outputs], api_visibility="private")
    version.input(show_version, inputs, version_outputs, **quick)
    tag.change(show_tag, inputs, [figures, *page_outputs], **quick)
    gr.on(
        [outcome.change, query.change, order.change],
        lambda *choice: [*show_samples(*choice)[:2], 1],
        inputs,
        page_outputs,
        **quick,
    )
    number.change(show_samples, [*inputs, number], page_outputs, **quick)
    tags.select(choose_tag, None, tag, **quick)


def most_errors(rows: list[dict[str, Any]]) -> str | None:
    """Name the tag with the most false positives and negatives: where to look first.

    >>> most_errors([{"tag": "a", "fp": 1, "fn": 0}, {"tag": "b", "fp": 1, "fn": 2}])
    'b'
    """
    worst = max(rows, key=lambda row: row["fp"] + row["fn"], default=None)
    return worst["tag"] if worst else None


def show_figures(row: dict[str, Any]) -> str:
    """Show the chosen tag's figures as tiles."""
    figures = {
        "precision": f"{row['precision']:.3f}",
        "recall": f"{row['recall']:.3f}",
        "F1": f"{row['f1']:.3f}",
        "projects with the tag": f"{row['num_samples']:,}",
        "true / false positives": f"{row['tp']:,} / {row['fp']:,}",
        "false negatives": f"{row['fn']:,}",
        "threshold": f"{row['threshold']:.3f}",
    }
    few = (
        '<p class="note">⚠ Fewer than ten projects carry this tag here: one prediction moves its '
        "figures by ten points or more.</p>"
        if row["num_samples"] < 10
        else ""
    )
    tiles = "".join(
        f'<div class="figure"><b>{value}</b>{name}</div>' for name, value in figures.items()
    )
    return f'<div class="figures">{tiles}</div>{few}'


def show_tags(rows: list[dict[str, Any]]) -> str:
    """Show every tag's figures; those with fewer than ten projects greyed."""
    return show_table(
        [
            {
                **row,
                "f1": show_share(row["f1"]),
                "average_precision": row["average_precision"],
                "few": row["num_samples"] < 10,
            }
            for row in rows
        ],
        {
            "tag": "tag", "f1": "F1", "precision": "precision", "recall": "recall",
            "num_samples": "projects", "fp": "false positives", "fn": "false negatives",
            "average_precision": "average precision", "threshold": "threshold",
        },
        raw=["f1"],
        row_key="tag",
        empty="The version has no tag.",
        caption="Choose a row to see its projects; tags under ten projects are greyed",
    )  # fmt: skip


def show_slices(rows: list[dict[str, Any]]) -> str:
    """Show the slices' figures."""
    return show_table(
        [{**row, "few": (row.get("num_samples") or 0) < 10} for row in rows],
        {
            "slice": "slice", "description": "what it holds", "f1": "F1",
            "precision": "precision", "recall": "recall", "num_samples": "projects",
        },
        empty="This version's performance.json has no slice.",
        caption="Averaged over all pairs of the slice (micro); slices under ten are greyed",
    )  # fmt: skip


def show_calibration(performance: dict[str, Any]) -> str:
    """Warn where the probabilities are not calibrated, by the version's own figure."""
    overall = performance.get("overall", {})
    error = overall.get("ece_above_0_05")
    if error is None:
        told = "This version doesn't say how far its probabilities can be trusted."
        return f'<div class="notice warning">{told} {CALIBRATION}</div>'
    kind, told = (
        ("good", "These probabilities are calibrated")
        if error <= CALIBRATED
        else ("warning", "These probabilities are not calibrated")
    )
    return (
        f'<div class="notice {kind}">{told}: on the test split they are off by {error:.3f} on '
        f"average where they are above 0.05 (expected calibration error). {CALIBRATION}</div>"
    )


def show_page(found: Any, tag: str, outcome: str) -> str:
    """Show one page of projects with text, truth, prediction and probability."""
    rows = [
        {
            "id": item["id"],
            "text": show_text(item),
            "y_true": show_chips(item["y_true"]),
            "y_pred": show_compared(item),
            "probability": f"{show_share(item['probability'])}"
            f'<br><span class="minor">threshold {item["threshold"]:.3f}</span>',
        }
        for item in found.items
    ]
    pages = f"page {found.number:,} of {found.num_pages:,}"
    return (
        f'<p class="minor" data-count="{found.num_found}">{found.num_found:,} {outcome} of '
        f"{escaped(tag)}; {pages}</p>"
        + show_table(
            rows,
            {
                "id": "id", "text": "project", "y_true": "true tags", "y_pred": "predicted tags",
                "probability": f"probability of {tag}",
            },
            raw=["text", "y_true", "y_pred", "probability"],
            empty=f"No {outcome} of {tag} on the test split.",
        )
    )  # fmt: skip


def show_text(item: dict[str, Any]) -> str:
    """Show a project's title and description, or that the data no longer has it."""
    if item.get("gone", True):
        return '<span class="minor">This project is no longer in the data.</span>'
    return f"<b>{escaped(item['title'], 200)}</b><br>{escaped(item['description'], 600)}"


def show_compared(item: dict[str, Any]) -> str:
    """Show predicted tags: right ones plain, wrong ones marked; then the missed ones."""
    truth = set(item["y_true"])
    chips = [
        f'<span class="chip {"right" if tag in truth else "wrong"}" '
        f'title="{"right" if tag in truth else "not among the true tags"}">'
        f"{'✔' if tag in truth else '✘'} {escaped(tag)}</span> "
        for tag in item["y_pred"]
    ]
    return "".join(chips) or '<span class="minor">none</span>'
