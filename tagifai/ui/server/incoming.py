"""What a request asks for: whether a page or a program of good faith would send it."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from tagifai.errors import TagifaiError
from tagifai.permissions import Visit, check_same_site

MAX_VALUES = 200_000
MAX_NAME = 100

# What Gradio brings and this page has no use for: each is one more thing to break in by.
_CLOSED = re.compile(
    r"/gradio_api/(process_recording|deep_link|component_server|stream|run-history|runs|proxy=|dev"
    r"|vibe|undo-vibe|profiling)|/monitoring"
)
_FETCHED = re.compile(r"/gradio_api/file[=/][a-z][a-z0-9+.-]+:", re.I)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+:", re.I)
_BLANKS = re.compile(r"[\x00-\x20]")


class RefusedError(Exception):
    """A request is not let in; the message is for its sender."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def is_closed(path: str) -> bool:
    """Tell whether an address is one that the page has no use for, or that fetches from others.

    >>> [is_closed(f"/gradio_api/{end}") for end in ("upload", "proxy=x", "file=http://a.b")]
    [False, True, True]
    """
    plain = _BLANKS.sub("", path)
    return bool(_CLOSED.match(plain) or _FETCHED.match(plain))


def is_foreign(method: str, headers: Mapping[str, str], *, framed: bool = False) -> bool:
    """Tell whether another site's page sent a request; following a link to here does not count."""
    opened = ("document", "iframe") if framed else ("document",)
    followed = (
        method in ("GET", "HEAD")
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") in opened
    )
    try:
        check_same_site(Visit.of(headers, None, None))
    except TagifaiError:
        return not followed
    return False


def check_call(body: bytes) -> dict[str, Any]:
    """Read the call of a function, and refuse one that is no page's or program's of good faith.

    Raises:
        RefusedError: no JSON object, too many values, a name too long, or a file elsewhere.
    """
    if body.count(b",") > MAX_VALUES or body.count(b"[") + body.count(b"{") > MAX_VALUES:
        raise RefusedError(413, f"more than {MAX_VALUES:,} values in one call")
    try:
        call = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise RefusedError(400, "a JSON object is needed") from None
    if not isinstance(call, dict):
        raise RefusedError(400, "a JSON object is needed")
    for name in ("session_hash", "event_id"):
        value = call.get(name)
        if value is not None and (not isinstance(value, str) or len(value) > MAX_NAME):
            raise RefusedError(400, f"{name}: a string of at most {MAX_NAME} characters is needed")
    if names_file_elsewhere(call):
        raise RefusedError(400, "a file is uploaded, never fetched from an address")
    return call


def names_file_elsewhere(value: Any) -> bool:
    """Tell whether some object's "path" is an address that the server would fetch.

    >>> names_file_elsewhere({"data": [{"path": "http://a.b"}]}), names_file_elsewhere(["/tmp/x"])
    (True, False)
    """
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            path = one.get("path")
            if isinstance(path, str) and _SCHEME.match(_BLANKS.sub("", path)):
                return True
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return False


def content_policy(framed_by: str = "") -> str:
    """Write what a browser may load: nothing but from here, whatever a text makes it show.

    >>> "frame-ancestors 'self';" in content_policy()
    True
    """
    framers = ["'self'", *framed_by.split()]
    return (
        # Gradio's page compiles its own scripts, and styles stand in its markup.
        "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; object-src 'none'; "
        f"base-uri 'self'; form-action 'self'; frame-ancestors {' '.join(framers)};"
    )
