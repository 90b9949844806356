"""Data, the projects: a sample, what is known of a tag, and a table to search, sort and page."""

from dataclasses import asdict

import gradio as gr
from gradio.components import Component

from tagifai.data.browse import SORTS
from tagifai.errors import TagifaiError
from tagifai.services.app import Services
from tagifai.services.data import LoadedData
from tagifai.ui.choosers import Search, choose
from tagifai.ui.events import QUICK
from tagifai.ui.links import Choice, Link
from tagifai.ui.views.data import describe_project, show_page
from tagifai.ui.views.markup import show_error

NO_SORT = "file order"


class ProjectsPart:
    """The projects and their tags, one page at a time."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def build(self, notice: gr.HTML) -> None:
        """Lay out the sample, the tag and the table, and wire their events.

        `notice` shows what is wrong with the data.
        """
        self.notice = notice
        gr.Markdown("### Projects")
        with gr.Row():
            with gr.Column(min_width=320):
                self.sample = gr.JSON(
                    label="A sample project", elem_id="sample-project", max_height=340
                )
            with gr.Column(min_width=320):
                self.tag = gr.Dropdown([], label="Tag", elem_id="data-tag", interactive=True)
                # What the box shows: Gradio copies its choices whenever an event asks the box.
                self.shown_tag = gr.State(None)
                self.details = gr.JSON(label="What is known of the tag", elem_id="tag-metadata")
        self._build_controls()
        self.table = gr.HTML(elem_id="projects-table", apply_default_css=False)
        # The search that the table shows: to fill the search box is no new search.
        self.searched = gr.State("")
        self.choices = [
            Choice("tag", self.tag),
            Choice("query", self.query, "", typed=True),
            Choice("sort", self.sort, NO_SORT),
            Choice("descending", self.descending, False),
            Choice("p", self.number, 1),
        ]
        self.filled: list[Component] = [
            self.sample,
            self.tag,
            self.details,
            self.shown_tag,
            self.table,
            self.query,
            self.sort,
            self.descending,
            self.number,
            self.searched,
        ]
        self._wire()

    def _build_controls(self) -> None:
        with gr.Row(elem_classes="controls"):
            self.query = gr.Textbox(
                label="Search",
                placeholder="words in id, title, description or tags",
                elem_id="projects-search",
                scale=3,
                max_length=200,
            )
            self.sort = gr.Dropdown(
                [NO_SORT, *SORTS],
                value=NO_SORT,
                label="Sort by",
                elem_id="projects-sort",
                interactive=True,
                min_width=130,
            )
            self.descending = gr.Checkbox(
                label="Descending", min_width=110, elem_id="projects-descending"
            )
            self.number = gr.Number(
                1, label="Page", precision=0, minimum=1, elem_id="projects-page", min_width=90
            )

    def _wire(self) -> None:
        order = [self.query, self.sort, self.descending]
        page = [self.table, self.number]
        self.tag.input(
            self.show_tag, self.tag, [self.details, self.notice, self.shown_tag], **QUICK
        )
        Search(self.list_tags).follow(self.tag)
        self.query.change(self.search, [*order, self.searched], [*page, self.searched], **QUICK)
        gr.on([self.sort.input, self.descending.input], self.show_first_page, order, page, **QUICK)
        self.number.input(self.show_projects, [*order, self.number], page, **QUICK)

    def fill(self, link: Link, data: LoadedData, first: str | None) -> dict[Component, object]:
        """Return what the part shows; `first` is the tag to describe by default."""
        tags = data.summary.tags
        tag = link.read("tag", tags)
        tag = tag if tag in tags else first
        query, sort, descending, number = (
            link.read(name) for name in ("query", "sort", "descending", "p")
        )
        return {
            self.sample: describe_project(data.summary.sample),
            self.tag: choose(tags, tag),
            self.details: asdict(data.describe_tag(tag)) if tag else None,
            self.shown_tag: tag,
            self.query: query,
            self.sort: sort,
            self.descending: descending,
            self.searched: query,
            **self.show_projects(query, sort, descending, number),
        }

    def list_tags(self, _: object) -> list[str]:
        """List the tags to choose from."""
        return self.services.data.summary().tags

    def show_tag(self, tag: str | None) -> dict[Component, object]:
        """Show what is known of a tag."""
        try:
            details = asdict(self.services.data.describe_tag(tag)) if tag else None
        except TagifaiError as error:
            return {self.notice: show_error(error), self.shown_tag: tag}
        return {self.details: details, self.notice: "", self.shown_tag: tag}

    def show_projects(
        self, query: str, sort: str, descending: bool, number: float | None = 1
    ) -> dict[Component, object]:
        """Show a page of the projects that match a search."""
        by = "" if sort == NO_SORT else sort
        try:
            page = self.services.data.page_projects(query, by, descending, int(number or 1))
        except TagifaiError as error:
            return {self.table: show_error(error)}
        return {self.table: show_page(page), self.number: page.number}

    def show_first_page(self, query: str, sort: str, descending: bool) -> dict[Component, object]:
        """Show the first page of the projects that match a search."""
        return {**self.show_projects(query, sort, descending), self.number: 1}

    def search(
        self, query: str, sort: str, descending: bool, searched: str
    ) -> dict[Component, object]:
        """Show the first page of a search, unless the table shows it already."""
        if query == searched:
            return {self.searched: searched}
        return {**self.show_first_page(query, sort, descending), self.searched: query}
