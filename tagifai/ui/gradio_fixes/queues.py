"""Queue the events of each function in a line of its own, of bounded length.

What Gradio does
    `queue(max_size=)` counts everybody who waits, for whatever: a flood at one function fills it,
    and the other functions answer 503 too. Answers that nobody fetches are kept for 2,000
    sessions, the names of their events without end. After each event Gradio sums up the last
    10,000 events for a monitor that is off.
Versions
    4.0 to 6.31.
Without it
    200 events at one function keep the other tabs from being answered
    (`pytest tests/security --long -k "[queue]"`). The sum takes 15 ms of processor time for each
    event that is queued, about half of what the event itself takes.
Upstream
    docs/upstream/queue-per-function.md
"""

from typing import TYPE_CHECKING, Literal, TypeVar

import gradio as gr
from gradio.queueing import Queue

if TYPE_CHECKING:
    import fastapi
    from gradio.data_classes import PredictBodyInternal

UNREAD_SESSIONS = 300
AT_ONCE = 4
MAX_WAITING = 20

Outcome = Literal["success", "error", "queue_full", "validator_error"]
Built = TypeVar("Built", bound=gr.Blocks)


def bound_queue(demo: Built, max_waiting: int = MAX_WAITING) -> Built:
    """Bound how many wait for a function and how many are served at once; return the blocks."""
    demo.queue(api_open=False)
    demo._queue = FairQueue(demo, max_waiting)
    return demo


class FairQueue(Queue):
    """A queue in which a flood at one function leaves the others free.

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
        self.pending_messages_per_session.max_size = UNREAD_SESSIONS

    async def push(
        self, body: "PredictBodyInternal", request: "fastapi.Request", username: str | None
    ) -> tuple[bool, str | list[dict[str, object]], Outcome]:
        """Take an event in, unless too many wait for its function already."""
        function = self.blocks.fns.get(-1 if body.fn_index is None else body.fn_index)
        if function is None:
            return False, "There is no such function.", "error"
        line = self.event_queue_per_concurrency_id.get(function.concurrency_id)
        if line is not None and len(line.queue) >= self.max_waiting:
            return False, "Too many wait for this already; try again in a moment.", "queue_full"
        self._forget_unread()
        return await super().push(body, request, username)

    def compute_analytics_summary(self, records: object) -> dict[str, dict[str, object]]:
        """Compute nothing."""
        return {"functions": {}}

    def _forget_unread(self) -> None:
        unread = self.pending_messages_per_session
        if len(self.pending_event_ids_session) > 2 * UNREAD_SESSIONS:
            for session in list(self.pending_event_ids_session):
                if session not in unread:
                    del self.pending_event_ids_session[session]
