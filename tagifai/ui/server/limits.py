"""Limit what of a request is let in, by its size, address and sender."""

import asyncio
import contextlib
import re
import time
from collections import Counter, deque
from collections.abc import Mapping

import orjson
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tagifai.ui.server.incoming import (
    MAX_NAME,
    RefusedError,
    check_call,
    content_policy,
    is_allowed,
    is_foreign,
)

MB = 2**20
BODIES_AT_ONCE = 4
UPLOADS_AN_HOUR = 50
PIECE_SECONDS = 30.0
_LINGER_BYTES, _LINGER_SECONDS = 256 * MB, 5.0

_API = "/gradio_api/"
_CALL = re.compile(r"/gradio_api/(run|api|call|queue|cancel|reset)(/|$)")
_DIRECT = re.compile(r"/gradio_api/(?:run|api)/([^/]*)/?$")


class Gate:
    """ASGI middleware: refuse what is too large, addresses that nobody needs, and floods.

    A request that another site's page sent is nobody's: its cookies are left out.

    Parameters
    ----------
    max_body, max_upload
        MB of a request, and of one that brings a file.
    max_waiting
        Calls of one function that skip the queue, at once.
    framed_by
        The sites that may show the page inside theirs, besides itself, separated by spaces.
    mcp
        Whether the addresses of MCP are open.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body: int,
        max_upload: int,
        max_waiting: int,
        framed_by: str = "",
        mcp: bool = False,
    ) -> None:
        self.app = app
        self.mcp = mcp
        self.max_body = max_body * MB
        self.max_upload = max_upload * MB
        self.max_waiting = max_waiting
        self.framed_by = framed_by
        self._headers = [
            (b"content-security-policy", content_policy(framed_by).encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"same-origin"),
        ]
        self._held = 0
        self._calls: Counter[str] = Counter()
        self._uploads: deque[tuple[float, int]] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer why not."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *self._headers]}
            await send(message)

        headers = Headers(scope=scope)
        body = _Body(receive)
        try:
            if not is_allowed(scope["method"], scope["path"], mcp=self.mcp):
                raise RefusedError(404, "there is nothing here")
            if is_foreign(scope["method"], headers, framed=bool(self.framed_by)):
                others = [pair for pair in scope["headers"] if pair[0] != b"cookie"]
                scope = {**scope, "headers": others}
            if scope["method"] in ("GET", "HEAD", "OPTIONS"):
                self._check_length(headers, self.max_body)
                await self.app(scope, receive, send_headers)
            elif scope["path"].rstrip("/") == _API + "upload":
                await self._pass_upload(scope, headers, body, send_headers)
            else:
                await self._pass_body(scope, headers, body, send_headers)
        except RefusedError as error:
            await _refuse(error, body, send_headers)

    async def _pass_body(self, scope: Scope, headers: Headers, given: "_Body", send: Send) -> None:
        self._check_length(headers, self.max_body)
        body = bytearray()
        called = ""
        try:
            while not given.ended:
                message = await given()
                if message["type"] == "http.disconnect":
                    return
                piece = message.get("body", b"")
                body += piece
                self._held += len(piece)
                if len(body) > self.max_body:
                    raise _too_large(self.max_body)
                if self._held > BODIES_AT_ONCE * self.max_body:
                    raise RefusedError(503, "too much is being sent at once; try again")
            if _CALL.match(scope["path"]):
                called = self._enter(scope["path"], check_call(bytes(body)))
            whole: list[Message] = [{"type": "http.request", "body": bytes(body)}]

            async def replay() -> Message:
                return whole.pop() if whole else await given()

            await self.app(scope, replay, send)
        finally:
            self._held -= len(body)
            if called:
                self._calls[called] -= 1
                self._calls += Counter()  # less those at nought

    async def _pass_upload(
        self, scope: Scope, headers: Headers, given: "_Body", send: Send
    ) -> None:
        self._check_length(headers, self.max_upload)
        hour_ago = time.monotonic() - 3600
        while self._uploads and self._uploads[0][0] < hour_ago:
            self._uploads.popleft()
        if sum(size for _, size in self._uploads) > UPLOADS_AN_HOUR * self.max_upload:
            raise RefusedError(503, "too many files were uploaded within an hour; try again later")
        size, over, started = 0, False, False

        async def counted() -> Message:
            nonlocal size, over
            message = await given()
            size += len(message.get("body", b""))
            over = over or size > self.max_upload
            return {"type": "http.disconnect"} if over else message

        async def unless_over(message: Message) -> None:
            nonlocal started
            if not over or started:
                started = True
                await send(message)

        try:
            await self.app(scope, counted, unless_over)
        except Exception:
            if not over:
                raise
        finally:
            self._uploads.append((time.monotonic(), size))
        if over and not started:
            raise _too_large(self.max_upload)

    def _enter(self, path: str, call: Mapping[str, object]) -> str:
        """Count a call that skips the queue; return what it is counted under."""
        direct = _DIRECT.match(path)
        if direct is None:
            return ""
        name = f"{call.get('fn_index', direct[1])}"[:MAX_NAME]
        if self._calls[name] >= self.max_waiting:
            raise RefusedError(503, "too many ask for this at once; try again in a moment")
        self._calls[name] += 1
        return name

    def _check_length(self, headers: Mapping[str, str], most: int) -> None:
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 18 or int(length) > most:
            raise _too_large(most)


def _too_large(most: int) -> RefusedError:
    return RefusedError(413, f"larger than {most // MB:,} MB")


class _Body:
    """Receives what a client sends; each piece of its body must come in time."""

    def __init__(self, receive: Receive) -> None:
        self.receive = receive
        self.ended = False

    async def __call__(self) -> Message:
        if self.ended:  # what follows is word that the client has gone, whenever that is
            return await self.receive()
        try:
            async with asyncio.timeout(PIECE_SECONDS):
                message = await self.receive()
        except TimeoutError:
            self.ended = True
            raise RefusedError(408, "the request came too slowly") from None
        self.ended = not message.get("more_body", False)
        return message


async def _refuse(error: RefusedError, body: _Body, send: Send) -> None:
    answer = orjson.dumps({"error": str(error), "detail": str(error)})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(answer)).encode()),
        (b"connection", b"close"),
        *([(b"retry-after", b"5")] if error.status == 503 else []),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer, "more_body": True})
    # A sender who is cut off while still sending never reads the answer.
    received = 0
    with contextlib.suppress(TimeoutError, RefusedError):
        async with asyncio.timeout(_LINGER_SECONDS):
            while not body.ended and received < _LINGER_BYTES:
                received += len((await body()).get("body", b""))
    await send({"type": "http.response.body", "body": b""})
