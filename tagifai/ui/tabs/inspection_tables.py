"""Inspection: the figures of all tags and slices of a version."""

from collections.abc import Sequence

import gradio as gr

from tagifai.inspection import TagFigures
from tagifai.metrics.reading import metric_terms
from tagifai.services.app import Services
from tagifai.ui.events import Updates
from tagifai.ui.tabs.long_table import LongTable
from tagifai.ui.views.inspection import render_slices, render_tags
from tagifai.ui.views.markup import show_terms


class Tables:
    """Every tag's figures, and every slice's."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.tag_table = LongTable[TagFigures]("tag-metrics", self.render_tags, lambda row: row.tag)

    def build(self) -> None:
        """Lay out both tables; a row of the first chooses its tag."""
        gr.Markdown("### All tags on the test split")
        with gr.Accordion("How to read each metric", open=False):
            gr.HTML(show_terms(metric_terms()), apply_default_css=False)
        self.tag_table.build()
        self.tags = self.tag_table.table
        gr.Markdown("### Slices of the test split")
        self.slices = gr.HTML(elem_id="slice-metrics", apply_default_css=False)
        self.outputs = [self.tags, self.slices]

    def show_tags(self, rows: Sequence[TagFigures], name: str) -> Updates:
        """Show the figures of every tag of a version."""
        return self.tag_table.show(rows, name)

    def render_tags(self, rows: Sequence[TagFigures], name: str, *_: object) -> str:
        """Render figures of tags of a version."""
        return render_tags(rows, decides=self.services.inspection.decides(name))

    def search(self, version: gr.Dropdown, common: gr.Slider, notice: gr.HTML) -> None:
        """Show other pages of the tags, and those that a search finds."""
        self.tag_table.follow(self.list_tags, [version, common], notice)

    def list_tags(self, version: str | None, common: float | None) -> Sequence[TagFigures]:
        """Return the figures of all tags of a version."""
        return self.services.inspection.tag_table(version, common or None) if version else []

    def show_slices(self, name: str) -> Updates:
        """Show the figures of a version's slices."""
        return {self.slices: render_slices(self.services.inspection.slice_table(name))}
