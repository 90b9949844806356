"""Performance: the behavioral tests of a version, with progress, until they are cancelled."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import gradio as gr

from tagifai.errors import TagifaiError
from tagifai.services.app import Services
from tagifai.services.patience import TEST_BUDGET, PredictionCancelled
from tagifai.ui.events import QUICK, Updates
from tagifai.ui.views.behavioral import render_behavioral
from tagifai.ui.views.inference import render_cancelled, render_working
from tagifai.ui.views.markup import show_error, show_note
from tagifai.ui.working import Moved, Runs, follow

if TYPE_CHECKING:  # it brings scikit-learn
    from tagifai.services.behavior import BehavioralScore

A, B = "version A", "version B"
BUDGETED = f"""All tests are run, unless that takes longer than a few seconds or asks a server: then
tests are drawn at random whose texts are at most {TEST_BUDGET}, and a button runs the others."""


class BehavioralResults:
    """The behavioral tests that one of two versions passes and fails."""

    def __init__(self, services: Services, a: gr.Dropdown, b: gr.Dropdown) -> None:
        self.services = services
        self.a, self.b = a, b
        self.runs = Runs()

    def build(self) -> None:
        """Lay out the choice of the version and its tests."""
        with gr.Accordion("Behavioral tests of a version", open=False, elem_id="behavioral"):
            gr.Markdown(BUDGETED, elem_classes="note")
            with gr.Row(elem_classes="controls"):
                self.which = gr.Radio([B, A], value=B, label="Of", interactive=True)
                self.run = gr.Button(
                    "Show passed and failed tests", elem_id="show-behavioral", size="sm"
                )
            self.working = gr.HTML(
                elem_id="behavioral-working", apply_default_css=False, padding=False
            )
            self.cancel = gr.Button("Cancel", visible=False, size="sm", elem_id="behavioral-cancel")
            self.results = gr.HTML(elem_id="behavioral-results", apply_default_css=False)
            self.more = gr.Button(
                "Run all tests", visible=False, size="sm", elem_id="behavioral-all"
            )
        chosen = [self.a, self.b, self.which]
        self.outputs = [self.results, self.working, self.cancel, self.more]
        for button, show in ((self.run, self.show), (self.more, self.show_all)):
            button.click(
                show,
                chosen,
                self.outputs,
                show_progress="hidden",
                concurrency_limit=10,
                api_visibility="private",
            )
        self.cancel.click(self.stop, None, None, queue=False, api_visibility="private")
        # What was found for another version is out of date.
        changes = [self.a.change, self.b.change, self.which.change]
        gr.on(changes, self.clear, None, self.outputs, **QUICK)

    def show(
        self, a: str | None, b: str | None, which: str, request: gr.Request
    ) -> Iterator[Updates]:
        """Score the version on the tests of now, within the budget, and list them."""
        yield from self._score((a if which == A else b) or "", TEST_BUDGET, request)

    def show_all(
        self, a: str | None, b: str | None, which: str, request: gr.Request
    ) -> Iterator[Updates]:
        """Score the version on all tests, however long that takes, and list them."""
        yield from self._score((a if which == A else b) or "", None, request)

    def stop(self, request: gr.Request) -> None:
        """Stop the run of this session."""
        self.runs.stop(request, by_person=True)

    def clear(self, request: gr.Request) -> Updates:
        """Show no results, and stop the run that would bring some."""
        self.runs.stop(request)
        return self._ended("")

    def _score(self, name: str, budget: int | None, request: gr.Request) -> Iterator[Updates]:
        inference, run, last = self.services.inference, self.runs.start(request), self._ended("")
        yield {self.working: render_working()}
        try:
            for found in follow(
                lambda ask: iter([inference.behavioral_results(name, ask, budget)]), run
            ):
                if isinstance(found, Moved):
                    yield {
                        self.working: render_working(found),
                        self.cancel: gr.Button(visible=True),
                    }
                else:
                    last = self._ended(self._render(name, found), found)
        except PredictionCancelled:
            last = {} if run.is_superseded else self._show_known(name)
        except TagifaiError as error:
            last = self._ended(show_error(error))
        finally:
            superseded = run.is_superseded
            self.runs.finish(request, run)
        yield {self.working: gr.skip()} if superseded else last

    def _show_known(self, name: str) -> Updates:
        """Show what was answered by the time that a run was cancelled."""
        try:
            known = self.services.inference.known_results(name)
        except TagifaiError as error:
            return self._ended(show_error(error))
        if known is None:
            return self._ended(show_note("Cancelled before anything was answered."))
        return self._ended(f"{render_cancelled()}{self._render(name, known)}", known)

    def _render(self, name: str, found: "BehavioralScore") -> str:
        return render_behavioral(
            found.results, name, fresh=found.fresh, num_left_out=found.num_left_out
        )

    def _ended(self, results: str, found: "BehavioralScore | None" = None) -> Updates:
        more = found is not None and found.num_left_out > 0
        return {
            self.results: results,
            self.working: "",
            self.cancel: gr.Button(visible=False),
            self.more: gr.Button(visible=more),
        }
