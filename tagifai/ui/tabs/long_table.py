"""A table of names: all rows while they are few, else a page of those that a search finds."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import gradio as gr
from gradio.components import Component

from tagifai.data.names import fold_text
from tagifai.errors import TagifaiError
from tagifai.selection import paged
from tagifai.ui.events import QUICK, Updates
from tagifai.ui.views.markup import CHOOSE_ROW, show_error

SHOWN_WHOLE = 200
"""Rows that are shown at once."""
ON_PAGE = 100
"""Rows on a page of more."""
Row = TypeVar("Row")


class LongTable(Generic[Row]):
    """A table whose rows have names and can be chosen.

    Parameters
    ----------
    elem_id
        The table's id; those of its search and its page begin with it.
    render
        Renders rows; it is given what they depend on, too.
    name_of
        Returns the name of a row, which is searched.
    """

    def __init__(
        self,
        elem_id: str,
        render: Callable[..., str],
        name_of: Callable[[Row], str],
    ) -> None:
        self._id = elem_id
        self._render = render
        self._name_of = name_of

    def build(self) -> None:
        """Lay out the search, the number of the page, and the table."""
        with gr.Row(elem_classes="controls", visible=False) as self.controls:
            self.query = gr.Textbox(
                label="Search",
                placeholder="part of a name",
                elem_id=f"{self._id}-search",
                max_length=200,
                scale=3,
            )
            self.number = gr.Number(
                1,
                label="Page",
                precision=0,
                minimum=1,
                elem_id=f"{self._id}-page",
                min_width=90,
            )
        self.table = gr.HTML(elem_id=self._id, apply_default_css=False, js_on_load=CHOOSE_ROW)
        self.outputs: list[gr.blocks.Block] = [self.table, self.controls]

    def follow(
        self, rows: Callable[..., Sequence[Row]], of: Sequence[Component], place: gr.HTML
    ) -> None:
        """Show another page, or what a search finds.

        Parameters
        ----------
        rows
            Returns all rows; it is given what `of` hold.
        of
            What the rows depend on.
        place
            Where errors are shown.
        """
        self._rows, self._place = rows, place
        events = [self.query.change, self.number.input]
        given = [self.query, self.number, *of]
        gr.on(events, self.show_page, given, [self.table, place], **QUICK)

    def show_page(self, query: str, number: float | None, *of: object) -> Updates:
        """Show a page of the rows that a search finds."""
        try:
            return {self.table: self._write(self._rows(*of), of, query, int(number or 1))}
        except TagifaiError as error:
            return {self._place: show_error(error)}

    def show(self, rows: Sequence[Row], *of: object) -> Updates:
        """Show all rows, or of many the first; `of` is what they depend on."""
        return {
            self.controls: gr.Row(visible=len(rows) > SHOWN_WHOLE),
            self.table: self._write(rows, of, "", 1),
        }

    def _write(self, rows: Sequence[Row], of: Sequence[object], query: str, number: int) -> str:
        if len(rows) <= SHOWN_WHOLE:
            return self._render(rows, *of)
        wanted = fold_text(query.strip())
        found = [row for row in rows if wanted in fold_text(self._name_of(row))]
        page = paged(found, number, ON_PAGE)
        note = (
            f"{page.num_found:,} of {len(rows):,} tags; page {page.number:,} of {page.num_pages:,}"
        )
        return f'<p class="minor">{note}</p>{self._render(page.items, *of)}'
