"""Queue the events of each function in a line of its own, by turns of those who ask.

What Gradio does
    `queue(max_size=)` counts everybody who waits, for whatever: a flood at one function fills it,
    and the other functions answer 503 too. Who came first is served first, so that whoever asks
    often is served alone. Answers that nobody fetches are kept for 2,000 sessions, however large
    they are, the names of their events without end. After each event Gradio sums up the last
    10,000 events for a monitor that is off.
Versions
    4.0 to 6.31.
Without it
    200 events at one function keep the other tabs from being answered
    (`pytest tests/security --long -k "[queue]"`), one visitor keeps the others waiting
    (`-k "[greedy]"`), and answers that nobody fetches fill the memory (`-k "[unread]"`). The sum
    takes 15 ms of processor time for each event that is queued, about half of what the event
    itself takes.
Upstream
    docs/upstream/queue-per-function.md
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import gradio as gr
import orjson
from gradio.queueing import Event, EventQueue, Queue
from gradio.server_messages import EventMessage, ProcessCompletedMessage
from pydantic import PrivateAttr

from tagifai.services.turns import BUSY
from tagifai.ui.server.senders import Sender, sender_of

if TYPE_CHECKING:
    import fastapi
    from gradio.data_classes import PredictBodyInternal

MB = 2**20
AT_ONCE = 4
MAX_WAITING = 20
# Events of one page that run at once: of one function, and of all; the same of a user or address.
OF_FUNCTION, OF_PAGE = 2, 3
OF_HOUSE = 8
# How much waits in the line of one function, and what all that waits may weigh.
LONGEST_LINE = 10
WAITING_OF_HOUSE, WAITING = 16 * MB, 64 * MB
# Answers that nobody has fetched: their sessions, and what they weigh.
UNREAD_SESSIONS_OF_HOUSE, UNREAD_SESSIONS = 100, 1_000
UNREAD_OF_HOUSE, UNREAD = 32 * MB, 128 * MB
MAX_ANSWER = 32 * MB
_WORTH_PACKING = 64 * 1024
_SERVED = 1_000

Outcome = Literal["success", "error", "queue_full", "validator_error"]
Built = TypeVar("Built", bound=gr.Blocks)


def bound_queue(demo: Built, max_waiting: int = MAX_WAITING) -> Built:
    """Bound how many wait for a function and how many are served at once; return the blocks."""
    demo.queue(api_open=False)
    demo._queue = FairQueue(demo, max_waiting)
    return demo


class PackedMessage(ProcessCompletedMessage):
    """An answer that waits to be fetched as bytes, which take a tenth of what objects take."""

    _packed: bytes = PrivateAttr(b"")

    @classmethod
    def of(cls, message: ProcessCompletedMessage, packed: bytes) -> "PackedMessage":
        """Pack an answer whose output is written in `packed`."""
        small = cls(**{**message.model_dump(exclude={"output"}), "output": {}})
        small._packed = packed
        return small

    @property
    def size(self) -> int:
        """The bytes of the answer."""
        return len(self._packed)

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """Return the answer as it was."""
        return {**super().model_dump(**options), "output": orjson.loads(self._packed)}


class FairQueue(Queue):
    """A queue in which a flood at one function leaves the others free, and each has their turn.

    Of one function at most `max_waiting` events wait for one user or address. Answers that nobody
    fetches are kept while there is room for them, those of each user or address apart.
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
        self._houses: OrderedDict[str, str] = OrderedDict()
        self._served: OrderedDict[str, int] = OrderedDict()
        self._number = 0

    async def push(
        self, body: "PredictBodyInternal", request: "fastapi.Request", username: str | None
    ) -> tuple[bool, str | list[dict[str, object]], Outcome]:
        """Take an event in, unless too many wait for its function already."""
        function = self.blocks.fns.get(-1 if body.fn_index is None else body.fn_index)
        if function is None:
            return False, "There is no such function.", "error"
        sender = replace(
            sender_of(getattr(request, "scope", None)), session=body.session_hash or ""
        )
        line = self.event_queue_per_concurrency_id.get(function.concurrency_id)
        if line is not None and not self._has_room(line, sender):
            return False, "Too many wait for this already; try again in a moment.", "queue_full"
        taken = await super().push(body, request, username)
        if taken[0] and body.session_hash:
            self._houses[body.session_hash] = sender.house
            self._houses.move_to_end(body.session_hash)
            self._forget_unread(sender.house)
        return taken

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        """Take the next event out: of whoever has fewest running, and was served longest ago."""
        running = [event for job in self.active_jobs for event in job or ()]
        of_page = Counter(_sender(event).name for event in running)
        of_house = Counter(_sender(event).house for event in running)
        for concurrency_id, line in sorted(
            self.event_queue_per_concurrency_id.items(),
            key=lambda pair: self._served.get(f"line {pair[0]}", 0),
        ):
            limit = line.concurrency_limit
            if not line.queue or (limit is not None and line.current_concurrency >= limit):
                continue
            here = [event for event in running if event.concurrency_id == concurrency_id]
            # Some room is left for others.
            for_house = max(1, (limit or AT_ONCE) - 1)
            names = Counter(_sender(event).name for event in here)
            houses = Counter(_sender(event).house for event in here)
            ready = [
                event
                for event in line.queue
                if (sender := _sender(event))
                and of_page[sender.name] < OF_PAGE
                and of_house[sender.house] < OF_HOUSE
                and names[sender.name] < OF_FUNCTION
                and houses[sender.house] < for_house
            ]
            if ready:
                event = min(ready, key=lambda one: self._turn_of(_sender(one), of_house))
                line.queue.remove(event)
                self._note(f"line {concurrency_id}", _sender(event).house, _sender(event).name)
                return [event], False, concurrency_id
        return None

    def send_message(self, event: Event, event_message: EventMessage) -> None:
        """Leave a message for whoever asked, packed where it is large."""
        if event.session_hash not in self.pending_messages_per_session:
            return  # what was left for them has been forgotten
        if isinstance(event_message, ProcessCompletedMessage):
            packed = orjson.dumps(event_message.output, default=str, option=orjson.OPT_NON_STR_KEYS)
            if len(packed) > MAX_ANSWER:
                event_message = ProcessCompletedMessage(
                    output={"error": f"the answer is larger than {MAX_ANSWER // MB} MB; ask less"},
                    success=False,
                )
            elif len(packed) > _WORTH_PACKING:
                event_message = PackedMessage.of(event_message, packed)
        super().send_message(event, event_message)
        if isinstance(event_message, PackedMessage):
            self._make_room_for_unread(event)

    def compute_analytics_summary(self, records: object) -> dict[str, dict[str, object]]:
        """Compute nothing."""
        return {"functions": {}}

    def _turn_of(self, sender: Sender, running: Counter[str]) -> tuple[int, int, int]:
        served = self._served
        return running[sender.house], served.get(sender.house, 0), served.get(sender.name, 0)

    def _note(self, *served: str) -> None:
        self._number += 1
        for who in served:
            self._served[who] = self._number
            self._served.move_to_end(who)
        while len(self._served) > _SERVED:
            self._served.popitem(last=False)

    def _has_room(self, line: EventQueue, sender: Sender) -> bool:
        """Check whether one more may wait; whoever waits most often makes room for others."""
        everybody = [event for one in self.event_queue_per_concurrency_id.values()
                     for event in one.queue]  # fmt: skip
        weight: Counter[str] = Counter()
        for event in everybody:
            weight[_sender(event).house] += _sender(event).size
        if weight[sender.house] + sender.size > WAITING_OF_HOUSE:
            return False
        if weight.total() + sender.size > WAITING:
            largest, _ = weight.most_common(1)[0]
            if largest == sender.house:
                return False
            self._turn_away([event for event in everybody if _sender(event).house == largest])
        own = [event for event in line.queue if _sender(event).house == sender.house]
        if len(own) >= self.max_waiting:
            return self._take_from(Counter(map(_name, own)), _name, sender.name, own)
        if len(line.queue) >= LONGEST_LINE * self.max_waiting:
            return self._take_from(
                Counter(map(_house, line.queue)), _house, sender.house, line.queue
            )
        return True

    def _take_from(
        self, waiting: Counter[str], who: "Any", newcomer: str, events: Iterable[Event]
    ) -> bool:
        """Turn away the last event of whoever waits most often, if that is not the newcomer."""
        greedy, number = waiting.most_common(1)[0]
        if number <= waiting[newcomer] + 1:
            return False
        self._turn_away([event for event in events if who(event) == greedy])
        return True

    def _turn_away(self, events: list[Event]) -> None:
        event = events[-1]
        self.event_queue_per_concurrency_id[event.concurrency_id].queue.remove(event)
        self.event_ids_to_events.pop(event._id, None)
        self.send_message(event, ProcessCompletedMessage(output={"error": BUSY}, success=False))

    def _make_room_for_unread(self, newest: Event) -> None:
        """Forget the oldest answers of whoever has too many, or of all too many."""
        boxes = self.pending_messages_per_session
        sizes: dict[str, int] = {
            session: sum(one.size for one in box._queue if isinstance(one, PackedMessage))
            for session, box in boxes.items()
        }
        houses: Counter[str] = Counter()
        for session, size in sizes.items():
            houses[self._houses.get(session, "")] += size
        own = self._houses.get(newest.session_hash, "")
        for session in [*self._houses]:
            if houses[own] > UNREAD_OF_HOUSE:
                full = own
            elif houses.total() > UNREAD:
                full = houses.most_common(1)[0][0]
            else:
                return
            mine = self._houses[session] == full and sizes.get(session)
            if mine and session != newest.session_hash:
                houses[full] -= sizes[session]
                self._forget(session)

    def _forget_unread(self, house: str) -> None:
        """Forget the oldest sessions of a house that has too many, and the names of lost events."""
        busy = {event.session_hash for event in self.event_ids_to_events.values()}
        own = [one for one, where in self._houses.items() if where == house and one not in busy]
        for session in own[:-UNREAD_SESSIONS_OF_HOUSE]:
            self._forget(session)
        for names in (self.pending_event_ids_session, self._houses):
            if len(names) > 2 * UNREAD_SESSIONS:
                for session in [*names]:
                    if session not in self.pending_messages_per_session:
                        self._forget(session)

    def _forget(self, session: str) -> None:
        self._houses.pop(session, None)
        self.pending_messages_per_session.pop(session, None)
        self.pending_event_ids_session.pop(session, None)


def _sender(event: Event) -> Sender:
    """Return who sent an event."""
    known: Sender | None = getattr(event, "sender", None)
    if known is None:
        session = event.session_hash if event.session_hash != event._id else ""
        known = replace(sender_of(getattr(event.request, "scope", None)), session=session)
        event.sender = known  # type: ignore[attr-defined]
    return known


def _name(event: Event) -> str:
    return _sender(event).name


def _house(event: Event) -> str:
    return _sender(event).house
