"""Inspection: which tags' errors fall together with those of a tag."""

import gradio as gr

from tagifai.errors import TagifaiError
from tagifai.services.app import Services
from tagifai.ui.events import QUICK, Chosen, Updates
from tagifai.ui.views.inspection import render_confusions, render_shared_errors
from tagifai.ui.views.markup import CHOOSE_ROW, show_error


class Confusions:
    """The tags that a tag is confused with, and the projects on which it is."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def build(self, version: gr.Dropdown, tag: gr.Dropdown) -> None:
        """Lay out the table, whose rows choose another tag, and the projects."""
        with gr.Accordion("Confused with other tags", open=False, elem_id="confusion"):
            self.table = gr.HTML(
                elem_id="confusions", apply_default_css=False, js_on_load=CHOOSE_ROW
            )
            self.samples = gr.HTML(elem_id="confused-samples", apply_default_css=False)
        self.outputs = [self.table, self.samples]
        self.table.select(self.choose, [version, tag], self.samples, **QUICK)

    def show(self, name: str | None, tag: str | None) -> Updates:
        """Show how other tags' errors fall together with a tag's; no projects yet."""
        if not name or not tag:
            return dict.fromkeys(self.outputs, "")
        try:
            rows = self.services.inspection.confusions(name, tag)
        except TagifaiError as error:
            return {self.table: show_error(error), self.samples: ""}
        return {self.table: render_confusions(rows, tag), self.samples: ""}

    def choose(self, name: str | None, tag: str | None, event: Chosen) -> Updates:
        """Show the projects on which the errors of the tag and of the chosen one fall together."""
        try:
            rows = self.services.inspection.confused(name or "", tag or "", event.key)
            decides = self.services.inspection.decides(name or "")
        except TagifaiError as error:
            return {self.samples: show_error(error)}
        return {self.samples: render_shared_errors(rows, tag or "", event.key, decides=decides)}
