"""A page whose inputs are looked at before they reach a function, and whose queues are bounded."""

import math
from typing import Any, Literal

import gradio as gr
from gradio.components import Checkbox, Dropdown, File, Number, Radio, Slider, Textbox
from gradio.queueing import Queue

from tagifai.errors import shorten

MAX_FIELD = 1_000_000
MAX_CHOSEN = 1_000
EVENT_FIELDS = ("key", "tab", "part")
UNREAD_SESSIONS = 300
AT_ONCE = 4
MAX_WAITING = 20
LOOK_SECONDS = 0.01
PROGRESS_SECONDS = 0.1


class GuardedBlocks(gr.Blocks):
    """Blocks that hold what their fields say also where a program fills them in.

    Gradio leaves it to the browser to hold `max_length`, and to the functions to bear whatever
    else a program sends in place of a text or a number.
    """

    def get_config_file(self, *given: Any, **options: Any) -> Any:
        """Describe the page for the browser, without a stream that stays open as long as the page.

        A browser opens six connections to a server that speaks HTTP/1.1, for all its windows
        together: streams of five pages would leave the sixth waiting for ever. What Gradio learns
        from the stream, that a visitor left, is not needed: who waits for an answer has a stream
        for that, and the oldest of many sessions is forgotten (`tagifai.ui.server.sessions`).
        """
        return {**super().get_config_file(*given, **options), "connect_heartbeat": False}

    async def process_api(self, *given: Any, **options: Any) -> dict[str, Any]:
        """Run a function, with what it can rely on of the event."""
        event = options.get("event_data")
        if event is not None:
            event._data = read_event(event._data)
        return await super().process_api(*given, **options)

    def queue(self, *_: Any, api_open: bool | None = None, **__: Any) -> "GuardedBlocks":
        """Take a fair queue.

        Gradio makes the server's application anew each time; here it is made where the page is
        complete, and by `launch`: a third of a second at each start.
        """
        if api_open is not None:
            self.api_open = api_open
        self._queue = FairQueue(self)
        return self

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], *rest: Any) -> list[Any]:
        """Refuse inputs that no page sends, then prepare them as Gradio does."""
        for component, value in zip(block_fn.inputs, inputs, strict=False):
            if why_not := why_refused(component, value):
                label = getattr(component, "label", None) or "input"
                raise gr.Error(f"{label}: {why_not}", print_exception=False)
        given = [
            empty_of(component, value) if value is None else value
            for component, value in zip(block_fn.inputs, inputs, strict=False)
        ]
        try:
            prepared: list[Any] = await super().preprocess_data(block_fn, given, *rest)
        except gr.Error as error:
            error.print_exception = False
            raise
        except Exception as error:
            what = shorten(str(error.__cause__ or error), 200)
            raise gr.Error(
                f"another kind of input is needed: {what}", print_exception=False
            ) from None
        return prepared


class FairQueue(Queue):
    """A queue in which each function has a line of its own: a flood at one leaves the others free.

    Answers that nobody fetches are kept for the last `UNREAD_SESSIONS` sessions.
    """

    def __init__(self, blocks: gr.Blocks, max_waiting: int = MAX_WAITING) -> None:
        super().__init__(
            live_updates=True,
            concurrency_count=blocks.max_threads,
            update_intervals=1,
            max_size=None,
            blocks=blocks,
            default_concurrency_limit=AT_ONCE,
        )
        self.max_waiting = max_waiting
        # Gradio looks a thousand times a second whether somebody waits, 7 % of a core for nothing.
        self.sleep_when_free = LOOK_SECONDS
        self.progress_update_sleep_when_free = PROGRESS_SECONDS
        self.pending_messages_per_session.max_size = UNREAD_SESSIONS

    async def push(
        self, body: Any, request: Any, username: str | None
    ) -> tuple[
        bool,
        str | list[dict[str, Any]],
        Literal["success", "error", "queue_full", "validator_error"],
    ]:
        """Take an event in, unless too many wait for its function already."""
        function = self.blocks.fns.get(body.fn_index)
        if function is None:
            return False, "There is no such function.", "error"
        line = self.event_queue_per_concurrency_id.get(function.concurrency_id)
        if line is not None and len(line.queue) >= self.max_waiting:
            return False, "Too many wait for this already; try again in a moment.", "queue_full"
        self._forget_read()
        return await super().push(body, request, username)

    def compute_analytics_summary(self, records: Any) -> dict[str, Any]:
        """Compute nothing: Gradio sums up the last ten thousand events after each one."""
        return {"functions": {}}

    def _forget_read(self) -> None:
        # Gradio keeps the names of events whose answers nobody came for, without end.
        unread = self.pending_messages_per_session
        if len(self.pending_event_ids_session) > 2 * UNREAD_SESSIONS:
            for session in list(self.pending_event_ids_session):
                if session not in unread:
                    del self.pending_event_ids_session[session]


def read_event(data: Any) -> dict[str, str]:
    """Keep what our own scripts send with an event: texts, each there and of a fair length.

    >>> read_event({"key": "nlp", "tab": 3})
    {'key': 'nlp', 'tab': '', 'part': ''}
    """
    found = data if isinstance(data, dict) else {}
    texts = {name: found.get(name) for name in EVENT_FIELDS}
    return {
        name: text if isinstance(text, str) and len(text) <= MAX_FIELD else ""
        for name, text in texts.items()
    }


def empty_of(component: Any, value: Any = None) -> Any:
    """Give what a field holds that nobody filled in, where Gradio would pass on None.

    >>> empty_of(Textbox()), empty_of(Checkbox()), empty_of(Number())
    ('', False, None)
    """
    if isinstance(component, Textbox):
        return ""
    if isinstance(component, Slider):  # as on a page that is still being opened
        return component.minimum if component.value is None else component.value
    return False if isinstance(component, Checkbox) else value


def why_refused(component: Any, value: Any) -> str:
    """Say why a component cannot have a value that somebody sent, "" where it can.

    >>> why_refused(Textbox(max_length=3), "four")
    '4 characters; at most 3 are allowed'
    >>> why_refused(Number(), float("nan")), why_refused(Checkbox(), True)
    ('a number is needed', '')
    """
    if value is None:
        return ""
    if isinstance(component, Textbox):
        most = component.max_length or MAX_FIELD
        if not isinstance(value, str):
            return "a text is needed"
        return f"{len(value):,} characters; at most {most:,} are allowed" * (len(value) > most)
    if isinstance(component, Number | Slider):
        return "a number is needed" * (not _is_number(value))
    if isinstance(component, Checkbox):
        return "yes or no is needed" * (not isinstance(value, bool))
    if isinstance(component, Dropdown) and component.multiselect:
        fine = isinstance(value, list) and len(value) <= MAX_CHOSEN and all(map(_is_choice, value))
        return f"a list of at most {MAX_CHOSEN:,} names is needed" * (not fine)
    if isinstance(component, Dropdown | Radio):
        return "one of its choices is needed" * (not _is_choice(value))
    if isinstance(component, File):
        return "an uploaded file is needed" * (not isinstance(value, dict))
    return ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value)


def _is_finite(value: int | float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer of a thousand digits
        return False


def _is_choice(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_FIELD
