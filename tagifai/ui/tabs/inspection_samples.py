"""Inspection: the projects behind an outcome of a tag."""

from collections.abc import Iterator, Sequence
from functools import partial

import gradio as gr

from tagifai.errors import TagifaiError
from tagifai.inspection import ORDERS, Outcome
from tagifai.inspection.export import export_outcomes
from tagifai.services.app import Services
from tagifai.services.inspection import outcome_help
from tagifai.ui.background import Background, Cancelled, Progress, Step
from tagifai.ui.events import Updates
from tagifai.ui.saving import SavedFile, alert, pack
from tagifai.ui.views.inference import render_marker
from tagifai.ui.views.influence import render_marked, render_step, render_tinted
from tagifai.ui.views.inspection import render_outcome_help, render_page
from tagifai.ui.views.markup import CHOOSE_ROW, show_error, show_note

SILENT = "This version keeps no model, so no words are marked."
OUTCOMES = {
    "false positives": "fp",
    "false negatives": "fn",
    "true positives": "tp",
}


class Samples:
    """The projects with one outcome of a tag, searched, ordered, by page, and saved as a file."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.background = Background()

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
        self.words = gr.HTML(elem_id="samples-words")
        with gr.Row(elem_classes="controls"):
            self.mark = gr.Button(
                "Mark the words", elem_id="samples-mark", size="sm", visible=False
            )
            self.stop = gr.Button("Cancel", elem_id="samples-cancel", size="sm", visible=False)
        self.progress = gr.HTML(elem_id="samples-progress", apply_default_css=False, visible=False)
        # Counts how often words were marked by the button: the list is then shown again.
        self.marked = gr.State(0)
        self.table = gr.HTML(elem_id="samples", apply_default_css=False, js_on_load=CHOOSE_ROW)
        with gr.Row(elem_classes="controls"):
            to_json = gr.Button("Save this list as JSON", elem_id="samples-json", size="sm")
            to_csv = gr.Button("Save this list as CSV", elem_id="samples-csv", size="sm")
        # Filled while a predictor is being opened: its change begins the wait for it.
        self.opening = gr.HTML(apply_default_css=False, padding=False)
        self.outputs = [self.help, self.words, self.table, self.opening]
        self.opening.change(
            self.wait_opened,
            [self.opening, version, self.marked],
            [self.progress, self.stop, self.marked],
            show_progress="hidden",
            concurrency_limit=10,
            api_visibility="private",
        )
        self.mark.click(
            self.mark_words,
            [version, tag, threshold, outcome, self.query, self.order, self.page, self.marked],
            [self.progress, self.mark, self.stop, self.marked],
            show_progress="hidden",
            concurrency_limit=10,
            api_visibility="private",
        )
        self.stop.click(self.cancel, None, None, queue=False, api_visibility="private")
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
        hidden: Updates = {self.mark: gr.Button(visible=False), self.opening: ""}
        if not tag:
            return {**dict.fromkeys(self.outputs, ""), **hidden}, 1
        code = OUTCOMES.get(outcome, outcome)
        try:
            found = self.services.inspection.outcomes(
                name, tag, code, order, query, page, threshold
            )
        except TagifaiError as error:
            return {
                **dict.fromkeys(self.outputs, ""),
                **hidden,
                self.table: show_error(error),
            }, 1
        known = self._known(name, found.items)
        tinted, words = self._tint(name, tag, known)
        shown: Updates = {
            **hidden,
            **words,
            self.help: render_outcome_help(outcome_help(code)),
            self.table: render_page(
                found, tag, outcome, tinted, known, decides=self.services.inspection.decides(name)
            ),
        }
        return shown, found.number

    def _known(self, name: str, items: Sequence[Outcome]) -> list[str]:
        """List the projects whose decisions can be explained: whose texts can be predicted."""
        texts = self.services.versions.texts()
        if not self.services.versions.can_predict(name):
            return []
        return [item.id for item in items if item.id in texts]

    def _tint(self, name: str, tag: str, known: Sequence[str]) -> tuple[dict[str, str], Updates]:
        """Return projects' texts by id, their words tinted, and what is said of it."""
        if not self.services.versions.can_predict(name):
            return {}, {self.words: show_note(SILENT)}
        if not known:
            return {}, {self.words: ""}
        texts = self.services.versions.texts()
        try:
            page = self.services.words.words_at_once(name, tag, known)
        except TagifaiError as error:
            return {}, {self.words: render_marked(problem=str(error))}
        said: Updates = {self.words: render_marked(page.words, page.waiting)}
        if page.waiting is not None and page.waiting.is_opening:
            return {}, {**said, self.opening: render_marker()}
        if page.waiting is not None:
            return {}, {**said, self.mark: gr.Button(visible=True)}
        pairs = zip(known, page.words, strict=True)
        return {one: render_tinted(texts[one], found.shares) for one, found in pairs}, said

    def wait_opened(
        self, marker: str, name: str | None, marked: int, request: gr.Request
    ) -> Iterator[Updates]:
        """Wait until a predictor is open; then show the list again, which has its words."""
        ended: Updates = {
            self.progress: gr.HTML("", visible=False),
            self.stop: gr.Button(visible=False),
        }
        if not marker or not name:
            yield ended
            return

        def work(progress: Progress, cancelled: Cancelled) -> bool:
            self.services.versions.predictor(name)
            return True

        try:
            for step in self.background.run(request.session_hash, work):
                if isinstance(step, Step):
                    yield {
                        self.progress: gr.HTML(render_step(step), visible=True),
                        self.stop: gr.Button(visible=True),
                    }
                else:
                    ended[self.marked] = marked + 1
        except TagifaiError:
            ended[self.marked] = marked + 1  # the list says what is wrong
        yield ended

    def mark_words(
        self,
        name: str | None,
        tag: str | None,
        threshold: float,
        outcome: str,
        query: str | None,
        order: str,
        page: float | None,
        marked: int,
        request: gr.Request,
    ) -> Iterator[Updates]:
        """Compute the words of the page's projects, however long it takes; then show the list."""
        yield {self.mark: gr.Button(visible=False), self.stop: gr.Button(visible=True)}
        message = show_note("Cancelled; what was known by then is remembered.")
        try:
            code = OUTCOMES.get(outcome, outcome)
            found = self.services.inspection.outcomes(
                name or "", tag or "", code, order, query or "", int(page or 1), threshold
            )
            work = partial(
                self.services.words.words_of_all,
                name or "",
                tag or "",
                self._known(name or "", found.items),
            )
            for step in self.background.run(request.session_hash, work):
                if isinstance(step, Step):
                    yield {self.progress: gr.HTML(render_step(step), visible=True)}
                else:
                    message = ""
        except TagifaiError as error:
            message = show_error(error)
        yield {
            self.progress: gr.HTML(message, visible=bool(message)),
            self.stop: gr.Button(visible=False),
            self.marked: marked + 1,
        }

    def cancel(self, request: gr.Request) -> None:
        """Cancel the marking of this session."""
        self.background.cancel(request.session_hash)

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
