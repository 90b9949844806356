"""Inspection: the figures of all tags and slices of a version."""

from collections.abc import Sequence

import gradio as gr

from tagifai.inspection import TagFigures
from tagifai.metrics.reading import metric_terms
from tagifai.services.app import Services
from tagifai.ui.events import Updates
from tagifai.ui.views.inspection import render_slices, render_tags
from tagifai.ui.views.markup import CHOOSE_ROW, show_terms


class Tables:
    """Every tag's figures, and every slice's."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def build(self) -> None:
        """Lay out both tables; a row of the first chooses its tag."""
        gr.Markdown("### All tags on the test split")
        with gr.Accordion("How to read each metric", open=False):
            gr.HTML(show_terms(metric_terms()), apply_default_css=False)
        self.tags = gr.HTML(elem_id="tag-metrics", apply_default_css=False, js_on_load=CHOOSE_ROW)
        gr.Markdown("### Slices of the test split")
        self.slices = gr.HTML(elem_id="slice-metrics", apply_default_css=False)
        self.outputs = [self.tags, self.slices]

    def show_tags(self, rows: Sequence[TagFigures], *, decides: bool = False) -> Updates:
        """Show every tag's figures; `decides`: those of decisions without probabilities."""
        return {self.tags: render_tags(rows, decides=decides)}

    def show_slices(self, name: str) -> Updates:
        """Show the figures of a version's slices."""
        return {self.slices: render_slices(self.services.inspection.slice_table(name))}
