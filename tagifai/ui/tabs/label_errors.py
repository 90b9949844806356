"""Suspected label errors: look at a pair with its evidence, decide, and the next one comes up."""

from collections.abc import Sequence

import gradio as gr
import orjson
from gradio.components import Component
from gradio.events import Dependency

from tagifai.errors import TagifaiError
from tagifai.label_errors.label_issues import KIND_MEANS
from tagifai.reviews.queues import STATES, Pair, QueueChoice, QueuedPair
from tagifai.selection import Paged
from tagifai.services.app import Services
from tagifai.services.review_repository import warn_of_reviews
from tagifai.services.reviews import PairDescription, ReviewService, apply_commands
from tagifai.ui.choosers import Search, choose, offer
from tagifai.ui.events import QUICK, Chosen
from tagifai.ui.links import Choice, Link, Route, Updates
from tagifai.ui.saving import SavedFile, alert, pack
from tagifai.ui.server.visits import visit_of
from tagifai.ui.views.label_errors import (
    DECIDED,
    render_commands,
    render_counts,
    render_message,
    render_pair,
    render_preview,
    render_queue,
    render_reviewer,
)
from tagifai.ui.views.markup import CHOOSE_ROW, show_error, show_note

INTRO = """Labels that the data seems to have **forgotten**, and labels that nothing speaks for:
pairs of project and tag, ranked by probabilities of models that never saw the project together
with independent evidence. Read and decide; nothing is changed until the reviews are applied."""
KINDS = {"missing labels": "missing", "wrong labels": "wrong"}
ALL_TAGS = "all tags"
SPLITS = ["all", "train", "val", "test"]
RANKS = {"all evidence": "evidence", "probability alone": "probability"}
BUTTONS = {
    "add": "Add the tag (a)",
    "remove": "Remove it (r)",
    "right": "Label is right (l)",
    "skip": "Skip (s)",
}
POINTLESS = {"missing": "remove", "wrong": "add"}
# A key presses its button, unless somebody is writing or another tab is in front.
KEYS = """
const buttons = {a: 'review-add', r: 'review-remove', l: 'review-right', s: 'review-skip',
                 u: 'review-undo'};
document.addEventListener('keydown', (event) => {
  const writing = 'textarea, select, [contenteditable], input:not([type=radio], [type=checkbox])';
  if (!element.isConnected || !element.checkVisibility()) return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.closest && event.target.closest(writing)) return;
  const button = document.getElementById(buttons[event.key.toLowerCase()]);
  if (button && !button.disabled) { event.preventDefault(); button.click(); }
});
"""
Value = str | float | None
# Gradio takes an empty dict for a value.
UNCHANGED: Updates = gr.skip()


class QueueFilters:
    """The controls that choose a queue; the version is chosen above them."""

    def __init__(self, version: gr.Dropdown) -> None:
        self.version = version

    def build(self) -> None:
        """Lay out the controls in a row."""
        with gr.Row(elem_classes="controls"):
            self.kind = gr.Radio(
                list(KINDS),
                value="missing labels",
                label="Queue",
                elem_id="issue-kind",
                interactive=True,
                min_width=330,
            )
            self.tag = _filter("Tag", "issue-tag", [ALL_TAGS], min_width=170)
            self.split = _filter("Split", "issue-split", SPLITS, min_width=110)
            self.rank = _filter("Ranked by", "issue-rank", list(RANKS), min_width=150)
            self.state = _filter("Reviews", "issue-state", list(STATES), min_width=130)

    @property
    def controls(self) -> list[gr.Dropdown | gr.Radio]:
        """The controls, in the order in which `read` takes their values."""
        return [self.version, self.kind, self.tag, self.split, self.rank, self.state]

    @property
    def link_choices(self) -> list[Choice]:
        """What a link can ask for."""
        return [
            Choice("version", self.version),
            Choice("queue", self.kind, "missing labels", codes={v: k for k, v in KINDS.items()}),
            Choice("tag", self.tag, ALL_TAGS),
            Choice("split", self.split, "all"),
            Choice("rank", self.rank, "all evidence", codes={v: k for k, v in RANKS.items()}),
            Choice("reviews", self.state, STATES[0]),
        ]

    def read(
        self, version: str, kind: str, tag: str, split: str, rank: str, state: str
    ) -> QueueChoice:
        """Return the queue that the values of the controls choose."""
        return QueueChoice(
            version,
            KINDS.get(kind, kind),
            None if tag == ALL_TAGS else tag,
            split,
            RANKS.get(rank, rank),
            state,
        )


class DecisionButtons:
    """One button for each decision, and one that undoes the last."""

    def build(self) -> None:
        """Lay out the buttons in a row."""
        with gr.Row(elem_classes="decisions"):
            self.by_decision = {
                decision: gr.Button(
                    label,
                    elem_id=f"review-{decision}",
                    min_width=110,
                    size="sm",
                    variant="primary" if decision in ("add", "remove") else "secondary",
                    interactive=False,
                )
                for decision, label in BUTTONS.items()
            }
            self.undo = gr.Button(
                "Undo (u)", elem_id="review-undo", min_width=80, size="sm", interactive=False
            )

    @property
    def all(self) -> list[Component]:
        """Every button."""
        return [*self.by_decision.values(), self.undo]

    def enable(self, reader: str, pair: PairDescription | None) -> Updates:
        """Enable the buttons that make sense for a pair and a reader who may write."""
        pointless = POINTLESS[pair.issue.kind] if pair else ""
        ready = {
            button: bool(reader and pair and decision != pointless)
            for decision, button in self.by_decision.items()
        }
        changes = {**ready, self.undo: bool(reader)}
        return {button: gr.Button(interactive=enabled) for button, enabled in changes.items()}


class LabelErrorsTab:
    """The tab of suspected label errors: a queue, one pair with its evidence, decisions.

    Parameters
    ----------
    services : Services
        What the handlers ask.
    route : Route
        What the links to this tab ask for.
    version : gr.Dropdown
        The choice of the version above.
    """

    def __init__(self, services: Services, route: Route, version: gr.Dropdown) -> None:
        self.services = services
        self.route = route
        self.filters = QueueFilters(version)
        self.buttons = DecisionButtons()

    def build(self, version_chosen: Dependency) -> None:
        """Lay out the tab and wire its events; `version_chosen` follows the choice of a version."""
        gr.Markdown(INTRO)
        self.reviewer = gr.HTML(elem_id="reviewer")
        self.filters.build()
        self.help = gr.HTML(elem_id="issue-help")
        with gr.Row(elem_classes="review-desk"):
            with gr.Column(scale=5, min_width=320):
                # Above the text, whose length would move them from pair to pair.
                self.buttons.build()
                self.card = gr.HTML(elem_id="issue-pair", apply_default_css=False, js_on_load=KEYS)
                self.note = gr.Textbox(
                    label="Note, kept with the next decision",
                    elem_id="review-note",
                    max_length=2000,
                    placeholder="why, or what to ask",
                )
            with gr.Column(scale=4, min_width=320):
                self.queue = gr.HTML(
                    elem_id="issues", apply_default_css=False, js_on_load=CHOOSE_ROW
                )
                self.number = gr.Number(
                    1, label="Page", precision=0, minimum=1, elem_id="issues-page", min_width=90
                )
        gr.Markdown("### If the reviews are accepted")
        self.effect = gr.HTML(elem_id="review-preview", apply_default_css=False)
        self.save = gr.Button("Save the reviews as JSON lines", elem_id="review-export", size="sm")
        # What is on the screen, so that a decision is about what was seen. A text box, because
        # the address has the pair as well, and the page's script reads no State.
        self.seen = gr.Textbox(visible="hidden")
        # What the queue was made of, so that whoever comes back keeps what is on the screen; None
        # before the first visit, "" where the queue could not be opened.
        self.read_from = gr.State(None)
        # Counts the versions that were followed. One event opens the queue for this and for all
        # filters, so that an answer never replaces a later one.
        self.moves = gr.State(0)
        self.file = SavedFile()
        self.route.choices = [
            *self.filters.link_choices,
            Choice("p", self.number, 1),
            Choice("pair", self.seen, ""),
        ]
        self._wire(version_chosen)

    def _wire(self, version_chosen: Dependency) -> None:
        # The scores are mostly there by now: what is left takes a moment, and need not queue.
        once = {**QUICK, "trigger_mode": "once"}
        filters, controls = self.filters, self.filters.controls
        outputs = [
            self.help,
            self.card,
            self.queue,
            self.number,
            self.seen,
            self.read_from,
            *self.buttons.all,
        ]
        whole = [self.reviewer, *controls, *outputs]
        changing = [
            self.route.on_shown(self.open_tab, whole, known=[self.read_from]),
            version_chosen.then(
                self.follow_version,
                [self.read_from, self.moves, filters.version, filters.tag],
                [self.reviewer, filters.tag, self.moves],
                # Gradio's page learns from the queue alone that a State has changed.
                **{**QUICK, "queue": True},
            ),
            self.buttons.undo.click(self.undo, controls, outputs, **once),
        ]
        gr.on(
            [self.moves.change, *(control.input for control in controls[1:])],
            self.open_queue,
            [self.read_from, *controls],
            outputs,
            **QUICK,
        )
        Search(self.list_tags).follow(filters.tag, filters.version)
        self.number.input(self.turn_page, [*controls, self.number], outputs, **QUICK)
        self.queue.select(self.choose_pair, [*controls, self.number], outputs, **once)
        decide = {
            "add": self.add_tag,
            "remove": self.remove_tag,
            "right": self.confirm_label,
            "skip": self.skip_pair,
        }
        seen = [self.seen, self.note, *controls]
        for decision, button in self.buttons.by_decision.items():
            changing.append(button.click(decide[decision], seen, [self.note, *outputs], **once))
        # Each chain ends with what the reviews change; scoring it keeps nobody waiting.
        for change in changing:
            change.then(
                self.show_effect,
                [self.read_from, filters.version],
                self.effect,
                show_progress="minimal",
                api_visibility="private",
            )
        saved = self.save.click(
            self.export,
            None,
            self.file.content,
            show_progress="hidden",
            api_visibility="private",
        )
        self.file.after(saved)

    @property
    def reviews(self) -> ReviewService:
        """The queues and the reviews."""
        return self.services.reviews

    def open_tab(self, link: Link, request: gr.Request, read_from: str | None) -> Updates:
        """Fill the tab, unless what is on the screen is still true."""
        filters = self.filters
        try:
            names = self.reviews.versions.names()
            name = self._version(link.read("version", names))
            if not link.followed and read_from == self.reviews.stamp(name):
                return {}
            tags = self.reviews.tags(name)
            tag = link.read("tag", [ALL_TAGS, *tags])
            tag = tag if tag in tags else ALL_TAGS
            kind, split, rank, state = (
                link.read(one) for one in ("queue", "split", "rank", "reviews")
            )
            choice = name, kind, tag, split, rank, state
            pair = read_pair(link.read("pair"))
            opened = (
                self._open_pair(request, pair, *choice)
                if pair
                else self.turn_page(request, *choice, link.read("p"))
            )
            named: Updates = {}
            if link.names("version"):
                named = {filters.version: gr.Dropdown(names[::-1], value=name)}
            return {
                **named,
                self.reviewer: "".join([link.refused(), self._show_reviewer(request, name)]),
                filters.tag: choose([ALL_TAGS, *tags], tag),
                filters.kind: kind,
                filters.split: split,
                filters.rank: rank,
                filters.state: state,
                **opened,
            }
        except TagifaiError as error:
            return {self.reviewer: "", **self._failed(error)}

    def list_tags(self, name: str | None) -> list[str]:
        """List what the filter by tag offers."""
        return [ALL_TAGS, *self.reviews.tags(name)] if name else []

    def follow_version(
        self, request: gr.Request, read_from: str | None, moves: int, name: str | None, tag: str
    ) -> Updates:
        """Bring the tags of another version, and have its queue opened."""
        # No pair is scored for a visitor who never opened the tab.
        if read_from is None or not name:
            return {self.moves: moves}
        moved: Updates = {self.moves: moves + 1}
        try:
            names, shown = [ALL_TAGS, *self.reviews.tags(name)], self._show_reviewer(request, name)
        except TagifaiError:
            return {self.reviewer: "", **moved}  # the queue will say what is wrong
        # A tag that was chosen meanwhile stays, unless it is gone.
        tags = offer(names, tag) if tag in names else choose(names, ALL_TAGS)
        return {self.reviewer: shown, self.filters.tag: tags, **moved}

    def open_queue(self, request: gr.Request, read_from: str | None, *choice: str) -> Updates:
        """Show the first page of a queue."""
        # The page reports a change of `moves` in a tab that was never open, too.
        if read_from is None:
            return UNCHANGED
        return self.turn_page(request, *choice, 1)

    def turn_page(self, request: gr.Request, *choice_and_page: Value) -> Updates:
        """Show a page of a queue and its first pair."""
        try:
            chosen, number = self._read(choice_and_page)
            reader = self._reader(request)
            page = self.reviews.page(chosen, number, reader=reader)
            first = page.items[0].pair if page.items else None
            return self._show(chosen, first, page, reader)
        except TagifaiError as error:
            return self._failed(error)

    def choose_pair(self, request: gr.Request, event: Chosen, *choice_and_page: Value) -> Updates:
        """Show the pair of a row."""
        try:
            chosen, number = self._read(choice_and_page)
            reader, pair = self._reader(request), read_pair(event.key)
            if pair is None:
                raise TagifaiError("no pair is chosen")
            return self._show(
                chosen, pair, self.reviews.page(chosen, number, reader=reader), reader
            )
        except TagifaiError as error:
            return self._failed(error)

    def add_tag(self, request: gr.Request, seen: str, note: str, *choice: str) -> Updates:
        """Decide that the project should carry the tag."""
        return self.decide("add", request, seen, note, *choice)

    def remove_tag(self, request: gr.Request, seen: str, note: str, *choice: str) -> Updates:
        """Decide that the project should not carry the tag."""
        return self.decide("remove", request, seen, note, *choice)

    def confirm_label(self, request: gr.Request, seen: str, note: str, *choice: str) -> Updates:
        """Decide that the label is right as it is."""
        return self.decide("right", request, seen, note, *choice)

    def skip_pair(self, request: gr.Request, seen: str, note: str, *choice: str) -> Updates:
        """Leave the pair undecided, and do not ask this reviewer again."""
        return self.decide("skip", request, seen, note, *choice)

    def decide(
        self, decision: str, request: gr.Request, seen: str, note: str, *choice: str
    ) -> Updates:
        """Save a decision on the pair that was on the screen, and show the next pair."""
        try:
            project, tag, name, digest = read_seen(seen)
            pair = (project, tag)
            saved = self.reviews.decide(visit_of(request), name, pair, decision, note or "", digest)
            chosen, _ = self._read((*choice, 1))
            following = self.reviews.after(chosen, pair, reader=saved.reviewer)
            page = self.reviews.page_with(chosen, following or pair, reader=saved.reviewer)
            message = f"Kept: {DECIDED[decision]}, {tag}, project {project}."
            shown = self._show(chosen, following, page, saved.reviewer, message)
            return {self.note: "", **shown}
        except TagifaiError as error:
            return self._failed(error)

    def undo(self, request: gr.Request, *choice: str) -> Updates:
        """Undo the visitor's last decision, and show its pair."""
        try:
            chosen, _ = self._read((*choice, 1))
            event = self.reviews.undo(visit_of(request))
            pair = (event.project, event.tag)
            page = self.reviews.page_with(chosen, pair, reader=event.reviewer)
            message = f"Taken back: {event.tag}, project {event.project}."
            return self._show(chosen, pair, page, event.reviewer, message)
        except TagifaiError as error:
            return self._failed(error)

    def show_effect(self, request: gr.Request, read_from: str | None, name: str | None) -> Updates:
        """Show the results of the reviews, and the figures if they are accepted."""
        if read_from is None:
            return {self.effect: ""}
        try:
            counts = self.reviews.counts()
            preview = self.reviews.preview(self._version(name))
            may_write = bool(self._reader(request))
        except TagifaiError as error:
            return {self.effect: show_error(error)}
        hint = render_commands(apply_commands(self.services.settings)) if may_write else ""
        return {self.effect: render_counts(counts) + render_preview(preview, counts) + hint}

    def export(self) -> Updates:
        """Save all reviews as a file."""
        try:
            return {self.file.content: pack("reviews.jsonl", self.reviews.export())}
        except TagifaiError as error:
            raise alert(error) from None

    def _open_pair(self, request: gr.Request, pair: Pair, *choice: str) -> Updates:
        try:
            chosen, _ = self._read((*choice, 1))
            reader = self._reader(request)
            page = self.reviews.page_with(chosen, pair, reader=reader)
            return self._show(chosen, pair, page, reader)
        except TagifaiError as error:
            return self._failed(error)

    def _show(
        self,
        choice: QueueChoice,
        pair: Pair | None,
        page: Paged[tuple[QueuedPair, ...]],
        reader: str,
        message: str = "",
    ) -> Updates:
        described = self.reviews.describe(choice.version, pair) if pair else None
        return {
            self.help: show_note(KIND_MEANS[choice.kind]),
            self.card: render_message(message) + render_pair(described),
            self.queue: render_queue(page, pair),
            self.number: page.number,
            self.seen: write_seen(choice.version, described),
            self.read_from: self.reviews.stamp(choice.version),
            **self.buttons.enable(reader, described),
        }

    def _failed(self, error: TagifaiError) -> Updates:
        return {self.help: show_error(error), self.read_from: ""}

    def _show_reviewer(self, request: gr.Request, version: str) -> str:
        services = self.services
        name, why_not = self.reviews.reader_of(visit_of(request))
        warning = warn_of_reviews(services.settings, services.space, services.review_repository)
        changes = self.reviews.changes_since(version)
        return render_reviewer(name, why_not, self.reviews.path, warning, changes)

    def _reader(self, request: gr.Request) -> str:
        return self.reviews.reader_of(visit_of(request))[0]

    def _version(self, name: str | None) -> str:
        return name or self.reviews.versions.latest("predictions")

    def _read(self, choice_and_page: Sequence[Value]) -> tuple[QueueChoice, int]:
        name, kind, tag, split, rank, state, number = choice_and_page
        chosen = self.filters.read(
            self._version(str(name or "")), str(kind), str(tag), str(split), str(rank), str(state)
        )
        return chosen, int(number or 1)


def _filter(label: str, elem_id: str, values: list[str], *, min_width: int) -> gr.Dropdown:
    return gr.Dropdown(
        values,
        value=values[0],
        label=label,
        elem_id=elem_id,
        interactive=True,
        min_width=min_width,
    )


def write_seen(version: str, pair: PairDescription | None) -> str:
    """Return project, tag, version and digest of the data of a pair as JSON; "[]" of none."""
    if pair is None:
        return "[]"
    issue = pair.issue
    return orjson.dumps([issue.id, issue.tag, version, pair.data_digest]).decode()


def read_seen(seen: str | None) -> list[str]:
    """Read project, tag, version and digest of the data from what `write_seen` returned.

    Raises
    ------
    TagifaiError
        Nothing was on the screen, or this page did not write it.

    Examples
    --------
    >>> read_seen('["12", "graphs", "v0.1.0", "digest"]')
    ['12', 'graphs', 'v0.1.0', 'digest']
    """
    found = _read_list(seen)
    if len(found) != 4 or not all(isinstance(one, str) for one in found):
        raise TagifaiError("no pair is chosen: there is nothing to decide")
    return [str(one) for one in found]


def read_pair(seen: str | None) -> Pair | None:
    """Read project and tag from what `write_seen` returned; None where there is no pair.

    >>> read_pair('["12", "graphs", "v0.1.0", "digest"]')
    ('12', 'graphs')
    """
    found = _read_list(seen)
    return (str(found[0]), str(found[1])) if len(found) >= 2 else None


def _read_list(text: str | None) -> list[object]:
    try:
        found = orjson.loads(text or "[]")
    except orjson.JSONDecodeError:
        return []
    return found if isinstance(found, list) else []
