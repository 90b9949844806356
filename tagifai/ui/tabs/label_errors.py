"""Suspected label errors: look at a pair with its evidence, decide, and the next one comes up."""

import time
from collections.abc import Callable
from typing import Any

import gradio as gr
import orjson
from gradio.events import Dependency

from tagifai.charts.svg import escaped
from tagifai.errors import TagifaiError
from tagifai.label_errors.label_issues import KIND_MEANS
from tagifai.reviews.queues import STATES, Pair, QueueChoice
from tagifai.services.reviews import ReviewDesk
from tagifai.ui.links import Choice, Link, Place
from tagifai.ui.server.visits import visit_of
from tagifai.ui.views.label_errors import (
    DECIDED,
    show_commands,
    show_counts_of,
    show_pair,
    show_preview,
    show_queue,
)
from tagifai.ui.views.markup import CHOOSE_ROW, SAVE_FILE, show_error, show_note

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


SAVE_REVIEWS = f"(text) => ({SAVE_FILE.strip()})(text, 'reviews.jsonl')"


def build(
    place: Place,
    version: gr.Dropdown,
    version_chosen: Dependency,
    *,
    desk: Callable[[], ReviewDesk],
    commands: Callable[[], list[str]],
    warning: Callable[[], str],
) -> None:
    """Lay out the tab, filled when `place` comes into view; `version` is the choice above.

    `commands` gives what to run to apply the reviews, `warning` what threatens them.
    """
    gr.Markdown(INTRO)
    who = gr.HTML(elem_id="reviewer")
    with gr.Row(elem_classes="controls"):
        kind = gr.Radio(
            list(KINDS),
            value="missing labels",
            label="Queue",
            elem_id="issue-kind",
            interactive=True,
            min_width=330,
        )
        tag = gr.Dropdown(
            [ALL_TAGS],
            value=ALL_TAGS,
            label="Tag",
            elem_id="issue-tag",
            interactive=True,
            min_width=170,
        )
        split = gr.Dropdown(
            SPLITS,
            value="all",
            label="Split",
            elem_id="issue-split",
            interactive=True,
            min_width=110,
        )
        rank = gr.Dropdown(
            list(RANKS),
            value="all evidence",
            label="Ranked by",
            elem_id="issue-rank",
            interactive=True,
            min_width=150,
        )
        state = gr.Dropdown(
            list(STATES),
            value=STATES[0],
            label="Reviews",
            elem_id="issue-state",
            interactive=True,
            min_width=130,
        )
    help_line = gr.HTML(elem_id="issue-help")
    with gr.Row(elem_classes="review-desk"):
        with gr.Column(scale=5, min_width=320):
            # Above the text, whose length would move them from pair to pair.
            with gr.Row(elem_classes="decisions"):
                buttons = {
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
                undo_button = gr.Button(
                    "Undo (u)", elem_id="review-undo", min_width=80, size="sm", interactive=False
                )
            card = gr.HTML(elem_id="issue-pair", apply_default_css=False, js_on_load=KEYS)
            note = gr.Textbox(
                label="Note, kept with the next decision",
                elem_id="review-note",
                max_length=2000,
                placeholder="why, or what to ask",
            )
        with gr.Column(scale=4, min_width=320):
            queue = gr.HTML(elem_id="issues", apply_default_css=False, js_on_load=CHOOSE_ROW)
            number = gr.Number(
                1, label="Page", precision=0, minimum=1, elem_id="issues-page", min_width=90
            )
    gr.Markdown("### If the reviews are accepted")
    effect = gr.HTML(elem_id="review-preview", apply_default_css=False)
    save = gr.Button("Save the reviews as JSON lines", elem_id="review-export", size="sm")
    # What is on the screen, so that a decision is about what was seen.
    seen = gr.Textbox(visible="hidden")
    exported = gr.Textbox(visible="hidden")
    # Changes where another version's queue is to be opened. One event for this and all choices,
    # so that none is answered after a later one.
    moved = gr.Textbox(visible="hidden")

    visited = gr.State(False)
    # What the queue was read from: whoever comes back to the same keeps what is on the screen.
    read_from = gr.State("")

    def chosen_from(name: str | None, *choice: str) -> QueueChoice:
        kind, tag, split, rank, state = choice
        return QueueChoice(
            name or desk().versions.latest("predictions"),
            KINDS.get(kind, kind),
            None if tag == ALL_TAGS else tag,
            split,
            RANKS.get(rank, rank),
            state,
        )

    def show(
        choice: QueueChoice, pair: Pair | None, found: Any, reader: str, told: str = ""
    ) -> list[Any]:
        described = desk().describe(choice.version, pair) if pair else None
        kept = [*pair, choice.version, described["data_digest"]] if pair and described else []
        allowed = [
            bool(reader and described and decision != POINTLESS[described["kind"]])
            for decision in BUTTONS
        ]
        return [
            show_note(KIND_MEANS[choice.kind]),
            (told or show_told("")) + show_pair(described),
            show_queue(found, pair),
            found.number,
            orjson.dumps(kept).decode(),
            *(gr.Button(interactive=ready) for ready in (*allowed, bool(reader))),
            desk().stamp(choice.version),
        ]

    def failed(error: TagifaiError) -> list[Any]:
        return [show_error(error), *[gr.skip()] * (len(outputs) - 2), ""]

    def open_queue(request: gr.Request, *choice: Any) -> list[Any]:
        return turn_page(request, *choice, 1)

    def turn_page(request: gr.Request, *choice_and_page: Any) -> list[Any]:
        *choice, number = choice_and_page
        try:
            chosen, (reader, _) = chosen_from(*choice), desk().reader_of(visit_of(request))
            found = desk().page(chosen, int(number or 1), reader=reader)
            first = (found.items[0]["id"], found.items[0]["tag"]) if found.items else None
            return show(chosen, first, found, reader)
        except TagifaiError as error:
            return failed(error)

    def choose_pair(request: gr.Request, event: gr.EventData, *choice_and_page: Any) -> list[Any]:
        *choice, number = choice_and_page
        try:
            chosen, (reader, _) = chosen_from(*choice), desk().reader_of(visit_of(request))
            pair = read_pair(event.key)
            if pair is None:
                raise TagifaiError("no pair is chosen")
            found = desk().page(chosen, int(number or 1), reader=reader)
            return show(chosen, pair, found, reader)
        except TagifaiError as error:
            return failed(error)

    def decide(decision: str, request: gr.Request, seen: str, note: str, *choice: Any) -> list[Any]:
        try:
            project, tag, name, digest = read_seen(seen)
            pair = (project, tag)
            kept = desk().decide(visit_of(request), name, pair, decision, note or "", digest)
            chosen = chosen_from(*choice)
            following = desk().after(chosen, pair, reader=kept.reviewer)
            found = desk().page_with(chosen, following or pair, reader=kept.reviewer)
            told = show_told(f"Kept: {DECIDED[decision]}, {tag}, project {project}.")
            return ["", *show(chosen, following, found, kept.reviewer, told)]
        except TagifaiError as error:
            return [gr.skip(), *failed(error)]

    def decider(decision: str) -> Callable[..., list[Any]]:
        def decide_so(request: gr.Request, *given: Any) -> list[Any]:
            return decide(decision, request, *given)

        return decide_so

    def take_back(request: gr.Request, *choice: Any) -> list[Any]:
        try:
            chosen, event = chosen_from(*choice), desk().undo(visit_of(request))
            pair = (event.project, event.tag)
            found = desk().page_with(chosen, pair, reader=event.reviewer)
            told = show_told(f"Taken back: {event.tag}, project {event.project}.")
            return show(chosen, pair, found, event.reviewer, told)
        except TagifaiError as error:
            return failed(error)

    def open_tab(link: Link, request: gr.Request, read_from: str) -> list[Any]:
        try:
            name = link.read("version", desk().versions.names()) or desk().versions.latest(
                "predictions"
            )
            if link.asked is None and read_from == desk().stamp(name):
                return [gr.skip()] * len(whole)
            names = desk().tags(name)
            tag = link.read("tag", [ALL_TAGS, *names])
            tag = tag if tag in names else ALL_TAGS
            queue = [link.read(one) for one in ("queue", "split", "rank", "reviews")]
            choice = [name, queue[0], tag, *queue[1:]]
            opened = turn_page(request, *choice, link.read("p"))
            if pair := read_pair(link.read("pair")):
                opened = open_pair(request, pair, *choice)
            told = tell_reader(request, name)
        except TagifaiError as error:
            return [True, "", gr.skip(), *[gr.skip()] * 4, None, *failed(error)]
        return [
            True,
            link.refused() + told,
            gr.Dropdown([ALL_TAGS, *names], value=tag),
            *queue,
            None,
            *opened,
        ]

    def open_pair(request: gr.Request, pair: Pair, *choice: str) -> list[Any]:
        try:
            chosen, (reader, _) = chosen_from(*choice), desk().reader_of(visit_of(request))
            return show(chosen, pair, desk().page_with(chosen, pair, reader=reader), reader)
        except TagifaiError as error:
            return failed(error)

    def tell_reader(request: gr.Request, name: str) -> str:
        reader = show_reader(*desk().reader_of(visit_of(request)), desk().path, warning())
        changes = desk().changes_since(name)
        return reader + (show_note(changes) if changes else "")

    def follow_version(request: gr.Request, visited: bool, name: str | None, tag: str) -> list[Any]:
        # Whoever never looked in here has no pairs scored for them.
        if not visited or not name:
            return [gr.skip()] * 3
        try:
            names, told = [ALL_TAGS, *desk().tags(name)], tell_reader(request, name)
        except TagifaiError:
            return ["", gr.skip(), str(time.time_ns())]  # what is wrong the queue will say
        # A tag chosen meanwhile stays: none is told unless this one is gone.
        tags = gr.Dropdown(names) if tag in names else gr.Dropdown(names, value=ALL_TAGS)
        return [told, tags, str(time.time_ns())]

    def show_effect(request: gr.Request, visited: bool, name: str | None) -> Any:
        if not visited:
            return gr.skip()
        try:
            counts = desk().counts()
            preview = desk().preview(name or desk().versions.latest("predictions"))
            may_write = bool(desk().reader_of(visit_of(request))[0])
        except TagifaiError as error:
            return show_error(error)
        hint = show_commands(commands()) if may_write else ""
        return show_counts_of(counts) + show_preview(preview, counts) + hint

    def export() -> str:
        try:
            return desk().export()
        except TagifaiError as error:
            raise gr.Error(escaped(error, 300), print_exception=False) from None

    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    slow = {**private, "show_progress": "minimal"}
    # The scores are mostly there by now: what is left takes a moment, and need not wait in line.
    quick = {**private, "queue": False}
    choice: list[Any] = [version, kind, tag, split, rank, state]
    outputs = [help_line, card, queue, number, seen, *buttons.values(), undo_button, read_from]
    whole = [visited, who, tag, kind, split, rank, state, place.asked, *outputs]
    place.choices = [
        Choice("version", version),
        Choice("queue", kind, "missing labels", codes={v: k for k, v in KINDS.items()}),
        Choice("tag", tag, ALL_TAGS),
        Choice("split", split, "all"),
        Choice("rank", rank, "all evidence", codes={v: k for k, v in RANKS.items()}),
        Choice("reviews", state, STATES[0]),
        Choice("p", number, 1),
        Choice("pair", seen, ""),
    ]
    # Each chain ends with what the reviews change; scoring it keeps nobody waiting.
    of_effect = [visited, version]
    place.on_shown(open_tab, whole, known=[read_from]).then(show_effect, of_effect, effect, **slow)
    version_chosen.then(
        follow_version,
        [visited, version, tag],
        [who, tag, moved],
        trigger_mode="always_last",
        **quick,
    ).then(show_effect, of_effect, effect, **slow)
    gr.on(
        [moved.change, *(control.input for control in choice[1:])],
        open_queue,
        choice,
        outputs,
        trigger_mode="always_last",
        **quick,
    )
    number.input(turn_page, [*choice, number], outputs, trigger_mode="always_last", **quick)
    queue.select(choose_pair, [*choice, number], outputs, **quick)
    for decision, button in buttons.items():
        button.click(decider(decision), [seen, note, *choice], [note, *outputs], **quick).then(
            show_effect, of_effect, effect, **slow
        )
    undo_button.click(take_back, choice, outputs, **quick).then(
        show_effect, of_effect, effect, **slow
    )
    save.click(export, None, exported, **private).success(
        None, exported, None, js=SAVE_REVIEWS, api_visibility="private"
    )


def read_seen(seen: str | None) -> list[str]:
    """Read project, tag, version and digest of the data of what was on a screen.

    Raises:
        TagifaiError: nothing was on it, or this page did not write it.

    >>> read_seen('["12", "graphs", "v0.1.0", "digest"]')
    ['12', 'graphs', 'v0.1.0', 'digest']
    """
    try:
        found = orjson.loads(seen or "[]")
    except orjson.JSONDecodeError:
        found = []
    if not isinstance(found, list) or len(found) != 4 or not all(isinstance(x, str) for x in found):
        raise TagifaiError("no pair is chosen: there is nothing to decide")
    return found


def read_pair(seen: str | None) -> Pair | None:
    """Read project and tag of what was on a screen, None where there was nothing.

    >>> read_pair('["12", "graphs", "v0.1.0", "digest"]')
    ('12', 'graphs')
    """
    try:
        found = orjson.loads(seen or "[]")
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, list) or len(found) < 2:
        return None
    return str(found[0]), str(found[1])


def show_reader(name: str, why_not: str, where: object, warning: str = "") -> str:
    """Say under which name reviews are kept, where, what threatens them; or why they are off."""
    if name:
        place = f"in <code>{escaped(where, 300)}</code>"
        told = show_note(f"Your reviews are kept under the name <b>{escaped(name)}</b>, {place}.")
        return told + (show_warning(warning) if warning else "")
    return show_warning(why_not)


def show_warning(text: str) -> str:
    """Show a notice that somebody who reviews should not miss."""
    return f'<div class="notice warning" role="status">{escaped(text, 400)}</div>'


def show_told(text: str) -> str:
    """Say what became of a decision, aloud for who cannot see it; the line stays when empty."""
    told = f"✔ {escaped(text, 300)}" if text else "&nbsp;"
    return f'<p class="minor told" role="status">{told}</p>'
