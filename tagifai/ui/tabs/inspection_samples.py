"""Inspection: the projects behind an outcome of a tag."""

from collections.abc import Sequence

import gradio as gr

from tagifai.errors import TagifaiError
from tagifai.inspection import ORDERS, Outcome
from tagifai.inspection.export import export_outcomes
from tagifai.services.app import Services
from tagifai.services.inspection import outcome_help
from tagifai.ui.events import Updates
from tagifai.ui.saving import SavedFile, alert, pack
from tagifai.ui.views.influence import render_tinted
from tagifai.ui.views.inspection import render_outcome_help, render_page
from tagifai.ui.views.markup import CHOOSE_ROW, show_error

OUTCOMES = {
    "false positives": "fp",
    "false negatives": "fn",
    "true positives": "tp",
}


class Samples:
    """The projects with one outcome of a tag, searched, ordered, by page, and saved as a file."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def build(
        self, version: gr.Dropdown, tag: gr.Dropdown, threshold: gr.Slider, outcome: gr.Radio
    ) -> None:
        """Lay out the controls, the list and the buttons that save it."""
        self.help = gr.HTML(elem_id="outcome-help")
        with gr.Row(elem_classes="controls"):
            self.query = gr.Textbox(
                label="Search these projects",
                placeholder="words in title, description or tags",
                elem_id="samples-search",
                max_length=200,
                scale=2,
            )
            self.order = gr.Dropdown(
                list(ORDERS),
                value=ORDERS[0],
                label="Order",
                elem_id="samples-order",
                interactive=True,
                min_width=150,
            )
            self.page = gr.Number(
                1, label="Page", precision=0, minimum=1, elem_id="samples-page", min_width=90
            )
        self.table = gr.HTML(elem_id="samples", apply_default_css=False, js_on_load=CHOOSE_ROW)
        with gr.Row(elem_classes="controls"):
            to_json = gr.Button("Save this list as JSON", elem_id="samples-json", size="sm")
            to_csv = gr.Button("Save this list as CSV", elem_id="samples-csv", size="sm")
        self.outputs = [self.help, self.table]
        self.file = SavedFile()
        for button, save in ((to_json, self.save_json), (to_csv, self.save_csv)):
            saved = button.click(
                save,
                [version, tag, threshold, outcome, self.query, self.order],
                self.file.content,
                show_progress="hidden",
                api_visibility="private",
            )
            self.file.after(saved)

    def show(
        self,
        name: str,
        tag: str,
        threshold: float,
        outcome: str,
        query: str,
        order: str,
        page: int,
    ) -> tuple[Updates, int]:
        """Show a page of the projects; return its number as well, which may be lower."""
        if not tag:
            return dict.fromkeys(self.outputs, ""), 1
        code = OUTCOMES.get(outcome, outcome)
        try:
            found = self.services.inspection.outcomes(
                name, tag, code, order, query, page, threshold
            )
            tinted = self._tint(name, tag, found.items)
        except TagifaiError as error:
            return {self.help: "", self.table: show_error(error)}, 1
        shown: Updates = {
            self.help: render_outcome_help(outcome_help(code)),
            self.table: render_page(found, tag, outcome, tinted),
        }
        return shown, found.number

    def _tint(self, name: str, tag: str, items: Sequence[Outcome]) -> dict[str, str]:
        """Show projects' texts by id, their words tinted; none where no model can explain them."""
        service = self.services.influence
        texts = service.versions.texts()
        known = [item.id for item in items if item.id in texts]
        try:
            words = service.words_of_all(name, tag, known)
        except TagifaiError:
            return {}
        pairs = zip(known, words, strict=True)
        return {one: render_tinted(texts[one], shares) for one, shares in pairs}

    def save_json(
        self,
        name: str | None,
        tag: str | None,
        threshold: float,
        outcome: str,
        query: str,
        order: str,
    ) -> Updates:
        """Write the whole list as JSON."""
        return self._save("json", name or "", tag or "", threshold, outcome, query, order)

    def save_csv(
        self,
        name: str | None,
        tag: str | None,
        threshold: float,
        outcome: str,
        query: str,
        order: str,
    ) -> Updates:
        """Write the whole list as CSV."""
        return self._save("csv", name or "", tag or "", threshold, outcome, query, order)

    def _save(
        self,
        kind: str,
        name: str,
        tag: str,
        threshold: float,
        outcome: str,
        query: str,
        order: str,
    ) -> Updates:
        code = OUTCOMES.get(outcome, outcome)
        try:
            rows = self.services.inspection.all_outcomes(
                name, tag, code, order, query or "", threshold
            )
        except TagifaiError as error:
            raise alert(error) from None
        text = export_outcomes(rows, kind, tag=tag, outcome=code)
        return {self.file.content: pack(f"{name}-{tag}-{code}.{kind}", text)}
