"""Find what a request calls, as Gradio's router finds it.

What Gradio does
    A function is called by its number, in any spelling that pydantic takes for one (50, "050"), or
    by its name. A number or a name that is none ends as a traceback, and so does asking for the
    answers of a page or an event that is not known.
Versions
    4.0 to 6.31.
Without it
    A limit that counts what was spelt is passed by spelling it otherwise, and each such request
    writes 6 KB into the log (`pytest tests/security --long -k "[routes]"`).
Upstream
    docs/upstream/unknown-calls.md
"""

import re
from collections.abc import Mapping
from urllib.parse import parse_qs

import gradio as gr
from gradio.block_function import BlockFunction
from pydantic import TypeAdapter, ValidationError

_INDEX: TypeAdapter[int | None] = TypeAdapter(int | None)
_CALL = re.compile(r"/gradio_api/(run|api|call/v2|call)/([^/]+)/?")
_EVENT = re.compile(r"/gradio_api/call/(?:v2/)?([^/]+)/([^/]+)/?")
_JOIN = re.compile(r"/gradio_api/queue/join/?")
_DATA = re.compile(r"/gradio_api/queue/data/?")


class NoSuchFunctionError(Exception):
    """Nothing is called by this number or name."""


def find_called(
    page: gr.Blocks, path: str, body: Mapping[str, object]
) -> tuple[BlockFunction | None, bool]:
    """Return the function that a request calls, and whether it skips the queue.

    None where it calls none, or Gradio will refuse it for its form.

    Raises
    ------
    NoSuchFunctionError
        It calls one that is not there.
    """
    if _JOIN.fullmatch(path):
        return _by_index(page, body, ""), False
    if not (match := _CALL.fullmatch(path)):
        return None, False
    kind, name = match.groups()
    if kind in ("run", "api"):
        return _by_index(page, body, name), True
    function = _by_name(page, name)
    if kind == "call/v2" and function.api_visibility != "public":
        raise NoSuchFunctionError
    return function, False


def _by_index(page: gr.Blocks, body: Mapping[str, object], name: str) -> BlockFunction | None:
    try:
        index = _INDEX.validate_python(body.get("fn_index"))
    except ValidationError:
        return None
    if index is None:
        return _by_name(page, name) if name else None
    if index not in page.fns:
        raise NoSuchFunctionError
    return page.fns[index]


def _by_name(page: gr.Blocks, name: str) -> BlockFunction:
    for function in page.fns.values():
        if function.api_name == name:
            return function
    raise NoSuchFunctionError


def waits_in_vain(page: gr.Blocks, path: str, query: str) -> bool:
    """Check whether a request waits for answers that will never come: nobody asked for them."""
    queue = page._queue
    known = queue.pending_messages_per_session
    if _DATA.fullmatch(path):
        (session, *_) = parse_qs(query).get("session_hash", [""])
        return session not in known
    if match := _EVENT.fullmatch(path):
        event = match[2]
        waited_for = queue.pending_event_ids_session.values()
        return (
            event not in known
            and event not in queue.event_ids_to_events
            and not any(event in events for events in waited_for)
        )
    return False
