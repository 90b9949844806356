"""Inspection: whether a version's probabilities can be believed."""

import gradio as gr

from tagifai.errors import TagifaiError
from tagifai.services.app import Services
from tagifai.ui.events import Updates
from tagifai.ui.views.inspection import render_calibration, render_miscalibrated, render_reliability
from tagifai.ui.views.markup import CHOOSE_ROW, show_error, show_note


class Calibration:
    """The grade of a version's probabilities, their reliability, and the tags that are off."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def build(self) -> None:
        """Lay out the note and the diagrams; a row of the table chooses its tag."""
        self.note = gr.HTML(elem_id="calibration-note", apply_default_css=False)
        with gr.Accordion("Reliability of the probabilities", open=False, elem_id="calibration"):
            with gr.Row():
                self.pooled = gr.HTML(
                    elem_id="reliability-all", min_width=320, apply_default_css=False
                )
                self.of_tag = gr.HTML(
                    elem_id="reliability-tag", min_width=320, apply_default_css=False
                )
            self.tags = gr.HTML(
                elem_id="miscalibrated-tags", apply_default_css=False, js_on_load=CHOOSE_ROW
            )
        self.outputs = [self.note, self.pooled, self.of_tag, self.tags]

    def show_version(self, name: str) -> Updates:
        """Show what holds of all tags together.

        Raises
        ------
        TagifaiError
            The version has no predictions, or they cannot be read.
        """
        service = self.services.inspection
        if why := service.why_no_probabilities(name):
            message = show_note(f"{why[:1].upper()}{why[1:]}.")
            return {
                self.note: message,
                self.pooled: message,
                self.tags: "",
            }
        checked, off = service.check_calibration(name, None), service.miscalibrated_tags(name)
        return {
            self.note: render_calibration(checked, off),
            self.pooled: render_reliability(checked, "all tags, pooled"),
            self.tags: render_miscalibrated(off),
        }

    def show_tag(self, name: str | None, tag: str | None) -> Updates:
        """Show the reliability of a tag's probabilities."""
        if not name or not tag:
            return {self.of_tag: ""}
        try:
            if self.services.inspection.why_no_probabilities(name):
                return {self.of_tag: ""}
            checked = self.services.inspection.check_calibration(name, tag)
        except TagifaiError as error:
            return {self.of_tag: show_error(error)}
        return {self.of_tag: render_reliability(checked, tag)}
