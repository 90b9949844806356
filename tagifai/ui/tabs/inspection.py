"""Inspection: where a version errs, and by which projects."""

from dataclasses import dataclass, replace

import gradio as gr

from tagifai.errors import TagifaiError
from tagifai.inspection import ORDERS
from tagifai.services.app import Services
from tagifai.ui.choosers import Search, choose, offer
from tagifai.ui.events import QUICK, Updates, drawn_once, put_row
from tagifai.ui.links import Choice, Link, Route, Value
from tagifai.ui.tabs.inspection_calibration import Calibration
from tagifai.ui.tabs.inspection_confusions import Confusions
from tagifai.ui.tabs.inspection_samples import OUTCOMES, Samples
from tagifai.ui.tabs.inspection_tables import Tables
from tagifai.ui.tabs.inspection_thresholds import Thresholds
from tagifai.ui.tabs.inspection_why import Decision, Question
from tagifai.ui.views.inspection import most_errors, render_curve, render_figures, render_notes
from tagifai.ui.views.markup import show_error

INTRO = """Each tag's figures on the **test split**, which the version never learnt from, and the
projects behind them. Look here to decide **which labels are wrong and where the model is weak**."""

# Gradio takes an empty mapping for a value.
NO_CHANGE: Updates = gr.skip()


@dataclass(frozen=True, slots=True)
class View:
    """What the tab shows, or what is chosen in it: the values of its controls.

    Attributes
    ----------
    common : float
        The threshold of all tags; 0 where each has its own.
    stamp : str
        What changes with the content of the version.
    marked : int
        How often words of the list were marked by the button.
    crossing : {"", "filled", "chosen"}
        Whether the answer that filled the tab may still be on its way, and whether a choice was
        answered meanwhile, which then may have been the first to arrive.
    filled : float
        The threshold that the answer set which filled the tab.
    """

    version: str
    tag: str
    common: float
    outcome: str
    query: str
    order: str
    page: int
    threshold: float
    stamp: str = ""
    marked: int = 0
    crossing: str = ""
    filled: float = 0.0

    @classmethod
    def of(
        cls,
        version: str | None,
        tag: str | None,
        common: float | None,
        outcome: str,
        query: str | None,
        order: str,
        page: float | None,
        threshold: float | None,
        *,
        marked: int | None = None,
    ) -> "View":
        """Read the values of the controls, which may be empty."""
        return cls(
            version or "",
            tag or "",
            common or 0.0,
            outcome,
            query or "",
            order,
            int(page or 1),
            threshold or 0.0,
            marked=marked or 0,
        )

    def is_of_tag(self, other: "View | None") -> bool:
        """Check whether another view is of the same tag and version."""
        return other is not None and (self.version, self.tag) == (other.version, other.tag)

    @property
    def content(self) -> tuple[str, str]:
        """The version and its content, which the tables of all tags depend on."""
        return self.version, self.stamp

    @property
    def figures(self) -> tuple[str, str, str, float]:
        """What a tag's figures depend on."""
        return *self.content, self.tag, self.threshold

    @property
    def samples(self) -> tuple[object, ...]:
        """What the list of projects depends on, except for its page."""
        return *self.figures, self.outcome, self.query, self.order

    @property
    def listed(self) -> tuple[object, ...]:
        """What the list of projects shows: its page, and the words that are marked."""
        return *self.samples, self.page, self.marked


class InspectionTab:
    """The tab: a tag's figures, the projects behind them, calibration, confusions, all tags.

    One event shows whatever is chosen. The page sends it again where a choice was made before the
    answer came, so that no late answer stays in place of a later choice.
    """

    def __init__(self, services: Services, route: Route, version: gr.Dropdown) -> None:
        self.services = services
        self.route = route
        self.version = version
        self.thresholds = Thresholds(services)
        self.samples = Samples(services)
        self.decision = Decision(services)
        self.calibration = Calibration(services)
        self.confusions = Confusions(services)
        self.tables = Tables(services)

    def build(self) -> None:
        """Lay out the tab; it is filled when its route comes into view."""
        gr.Markdown(INTRO)
        self.notice = gr.HTML()
        with gr.Row(elem_classes="controls"):
            self.tag = gr.Dropdown(
                [], label="Tag, best F1 first", elem_id="inspect-tag", interactive=True
            )
            self.outcome = gr.Radio(
                list(OUTCOMES),
                value="false positives",
                label="Outcome",
                elem_id="inspect-outcome",
                interactive=True,
                min_width=300,
            )
        self.figures = gr.HTML(elem_id="tag-figures", apply_default_css=False)
        self.thresholds.build(self.version, self.tag)
        self.samples.build(self.version, self.tag, self.thresholds.threshold, self.outcome)
        self.decision.build(self.version, self.tag, self.samples.table)
        self.calibration.build()
        self.confusions.build(self.version, self.tag)
        self.tables.build()
        self.view = gr.State(None)
        self._listen()

    def _choices(self) -> list[Choice]:
        codes = {code: name for name, code in OUTCOMES.items()}
        return [
            Choice("version", self.version),
            Choice("tag", self.tag),
            Choice("common", self.thresholds.common, 0),
            Choice("outcome", self.outcome, "false positives", codes=codes),
            Choice("query", self.samples.query, "", typed=True),
            Choice("order", self.samples.order, ORDERS[0]),
            Choice("p", self.samples.page, 1),
            Choice("threshold", self.thresholds.threshold),
        ]

    def _listen(self) -> None:
        self.route.choices = self._choices()
        controls, thresholds, samples = self.route.controls, self.thresholds, self.samples
        # What has no value without a version or a tag.
        self.cleared = [
            self.figures,
            thresholds.curve,
            *samples.outputs,
            *self.calibration.outputs,
            *self.confusions.outputs,
            *self.tables.outputs,
        ]
        set_by_answers = [self.tag, thresholds.threshold, samples.page]
        said = [thresholds.message, samples.progress]
        shown = [
            self.view, self.notice, samples.mark, *said, *thresholds.of_version,
            self.tables.tag_table.controls, *self.cleared,
        ]  # fmt: skip
        self.route.on_shown(self.fill, [*controls, *shown], known=[self.view, samples.marked])
        Search(self._tags_of).follow(self.tag, self.version)
        self.tables.search(self.version, thresholds.common, self.notice)
        put_row(self.tables.tags, self.tag)
        put_row(self.calibration.tags, self.tag)
        asked = [self.view, samples.marked, *controls]
        answered = [*shown, *set_by_answers]
        gr.on(
            [
                self.version.input,
                # Rows of tables set the tag, and buttons the thresholds.
                self.tag.change,
                thresholds.threshold.change,
                thresholds.common.change,
                self.outcome.input,
                samples.query.change,
                samples.order.input,
                samples.marked.change,
                thresholds.saved.change,
                # A choice made while the tab was being filled is still to be shown.
                self.route.times_filled.change,
            ],
            self.show,
            asked,
            answered,
            **QUICK,
        )
        # The page reports a choice made with the mouse twice: only its own event tells of another
        # page, since the second report may come with the page of before.
        samples.page.input(self.show_page, asked, answered, **QUICK).then(
            self.show, asked, answered, **QUICK
        )
        # The page runs the functions of an event in turn: what follows comes after `show`.
        self.version_chosen = drawn_once(
            "version", [self.version.change], after=[self.version.input]
        )
        # What is folded away keeps nobody waiting.
        changes = [self.version.change, self.tag.change, self.route.times_filled.change]
        shown_then = [self.version.input, self.tag.change, self.route.times_filled.change]
        drawn_once("folded", changes, after=shown_then).then(
            self.show_folded,
            [self.decision.question, self.version, self.tag],
            [self.calibration.of_tag, *self.confusions.outputs, *self.decision.outputs],
            **QUICK,
        )

    def show(self, before: View | None, marked: int | None, *controls: Value) -> Updates:
        """Show what is chosen, unless it is shown already; the page of the list stays."""
        chosen = View.of(*controls, marked=marked)
        if not chosen.version:
            return NO_CHANGE
        asked = replace(chosen, page=before.page if before else 1)
        try:
            if before and before.crossing == "chosen":
                # Whichever answer came last, this one is of all that is chosen: the threshold too,
                # unless the answer that filled the tab came late and set it once more.
                late = asked.threshold == before.filled
                moved = before.threshold if late else asked.threshold
                view, shown = self._show_changes(
                    None, asked, moved if asked.is_of_tag(before) else None
                )
            else:
                view, shown = self._show_changes(before, asked)
                if before and before.crossing and shown.keys() - {self.view}:
                    shown[self.view] = replace(view, crossing="chosen", filled=before.filled)
            if view.page != chosen.page:
                shown[self.samples.page] = view.page
        except TagifaiError as error:
            shown = self._show_error(error)
        return shown or NO_CHANGE

    def show_page(self, before: View | None, marked: int | None, *controls: Value) -> Updates:
        """Show another page of the list."""
        asked = View.of(*controls, marked=marked)
        if before is None or not asked.version:
            return NO_CHANGE  # the list is still to come, with its first page
        try:
            _, shown = self._show_changes(before, asked)
        except TagifaiError as error:
            shown = self._show_error(error)
        return shown or NO_CHANGE

    def fill(self, link: Link, _: gr.Request, before: View | None, marked: int) -> Updates:
        """Show what the link asks for, or else what is chosen."""
        versions = self.services.versions
        try:
            names = versions.names()
            chosen = link.read("version", names)
            name = chosen if chosen in names else versions.latest("predictions", names)
        except TagifaiError as error:
            link.postpone()
            return {self.version: gr.Dropdown([]), self.notice: show_error(error)}
        tag = link.read("tag", self._tags_of(name))
        common, outcome, query, order, page, threshold = (
            link.read(choice.name) for choice in self.route.choices[2:]
        )
        asked = View.of(name, tag, common, outcome, query, order, page, threshold, marked=marked)
        moved = link.names("threshold") if link.followed else asked.is_of_tag(before)
        try:
            self._refuse_thresholds(link, name)
            view, shown = self._show_changes(None, asked, threshold if moved else None)
            # Without a link, the controls hold what they held.
            if link.followed:
                shown |= self._show_controls(view)
            shown[self.view] = replace(view, crossing="filled", filled=view.threshold)
        except TagifaiError as error:
            shown = self._show_error(error)
        shown[self.notice] = f"{link.refused()}{shown[self.notice]}"
        shown[self.version] = gr.Dropdown(names[::-1], value=name)
        return shown

    def _refuse_thresholds(self, link: Link, name: str) -> None:
        """Note that a link moves thresholds of a version that has none to move."""
        if link.names("threshold") or link.names("common"):
            why = self.services.inspection.why_no_probabilities(name)
            link.problems += [why] if why else []

    def _show_controls(self, view: View) -> Updates:
        return {
            self.tag: choose(self._tags_of(view.version), view.tag or None),
            self.thresholds.common: view.common,
            self.thresholds.threshold: view.threshold,
            self.outcome: view.outcome,
            self.samples.query: view.query,
            self.samples.order: view.order,
            self.samples.page: view.page,
        }

    def _tags_of(self, name: str | None) -> list[str]:
        try:
            return [row.tag for row in self.services.inspection.tag_table(name)] if name else []
        except TagifaiError:
            return []  # the notice says what is wrong with the version

    def _show_changes(
        self, before: View | None, asked: View, threshold: float | None = None
    ) -> tuple[View, Updates]:
        """Show what differs from what was shown before; `threshold` stands for the tag's own."""
        service = self.services.inspection
        asked = replace(asked, stamp=str(service.versions.stamp(asked.version)))
        if decides := service.decides(asked.version):
            # What was moved in another version, or by a link, moves nothing here.
            asked = replace(asked, common=0.0)
        shown: Updates = {}
        if not asked.is_of_tag(before):
            # What was said of another tag or version.
            shown |= {
                self.thresholds.message: "",
                self.samples.progress: gr.HTML("", visible=False),
            }
        if before is None or before.content != asked.content:
            asked, of_version = self._show_version(asked)
            shown |= of_version
        elif before.common != asked.common:
            rows = service.tag_table(asked.version, asked.common or None)
            shown |= self.tables.show_tags(rows, asked.version)
        if decides and asked.tag:
            threshold = service.threshold_of(asked.version, asked.tag)
        elif threshold is None:
            threshold = self._threshold_of(before, asked)
        if threshold != asked.threshold:
            asked = replace(asked, threshold=threshold)
            shown[self.thresholds.threshold] = threshold
        if before is None or before.figures != asked.figures:
            shown |= self._show_tag(asked)
        page = asked.page
        if before and before.samples != asked.samples:
            asked = replace(asked, page=1)
        if before is None or before.listed != asked.listed:
            samples, found = self.samples.show(
                asked.version, asked.tag, asked.threshold, asked.outcome, asked.query, asked.order,
                asked.page,
            )  # fmt: skip
            shown |= samples
            asked = replace(asked, page=found)
        if page != asked.page:
            shown[self.samples.page] = asked.page
        return asked, shown if asked == before else {**shown, self.view: asked}

    def _show_version(self, asked: View) -> tuple[View, Updates]:
        """Show what is of all tags; where the version lacks the tag, another is chosen."""
        name = asked.version
        rows = self.services.inspection.tag_table(name, asked.common or None)
        names = [row.tag for row in rows]
        tag = asked.tag if asked.tag in names else most_errors(rows)
        shown = {
            self.notice: render_notes(self.services.inspection.notes(name)),
            # The value is left out where it is still right: a tag chosen meanwhile stays.
            self.tag: offer(names, tag) if tag == asked.tag else choose(names, tag or None),
            **self.thresholds.show_version(name),
            **self.tables.show_tags(rows, name),
            **self.tables.show_slices(name),
            **self.calibration.show_version(name),
        }
        return replace(asked, tag=tag), shown

    def _threshold_of(self, before: View | None, asked: View) -> float:
        if asked.is_of_tag(before) and before and before.common == asked.common:
            return asked.threshold  # which may have been moved
        if asked.common or not asked.tag:
            return asked.common
        return self.services.inspection.threshold_of(asked.version, asked.tag)

    def _show_tag(self, asked: View) -> Updates:
        if not asked.tag:
            return {self.figures: "", self.thresholds.curve: ""}
        service, name, tag = self.services.inspection, asked.version, asked.tag
        figures = service.threshold_metrics(name, tag, asked.threshold)
        return {
            self.figures: render_figures(figures, decides=service.decides(name)),
            self.thresholds.curve: render_curve(service.curve(name, tag), figures, tag),
        }

    def _show_error(self, error: TagifaiError) -> Updates:
        return {
            **dict.fromkeys(self.cleared, ""),
            self.samples.mark: gr.Button(visible=False),
            self.notice: show_error(error),
            self.tag: gr.Dropdown([], value=None),
            self.view: None,
        }

    def show_folded(self, question: Question, name: str | None, tag: str | None) -> Updates:
        """Show what is folded away about a tag; a decision on another tag is no longer shown."""
        return {
            **self.calibration.show_tag(name, tag),
            **self.confusions.show(name, tag),
            **self.decision.show_tag(question, name, tag),
        }
