"""Limit what of a request is let in, by its size, address and sender."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, urlencode

import gradio as gr
import orjson
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tagifai.services.turns import CrowdedError, Turns
from tagifai.ui.gradio_fixes.calls import NoSuchFunctionError, find_called, waits_in_vain
from tagifai.ui.gradio_fixes.logins import ADDRESS, UNDESCRIBED
from tagifai.ui.server.hosts import ServedHosts
from tagifai.ui.server.incoming import (
    RefusedError,
    check_call,
    content_policy,
    is_allowed,
    is_foreign,
    is_open,
)
from tagifai.ui.server.owner import Owner
from tagifai.ui.server.senders import Sender, with_sender
from tagifai.ui.server.shares import TOO_MUCH, AtOnce, Held, HeldBodies, Pace, Quota

MB = 2**20
# In bodies of the largest size: what one user or address has under way, and all together.
BODIES_OF_HOUSE, BODIES = 4, 16
UNFINISHED, GRACE_SECONDS = 64, 2.0
UPLOADS_OF_HOUSE, UPLOADS, UPLOADS_AT_ONCE = 10, 50, 4
BYTES_A_SECOND, UNPACED = 4 * MB, 64 * 1024
BODY_SECONDS, UPLOAD_SECONDS = 30.0, 300.0
MAX_LOGIN = 64 * 1024
CALLS_AT_ONCE, CALLS_OF_HOUSE = 3, 12
STREAMS_OF_HOUSE = 64
STREAM_SECONDS = 3600.0
_LINGER_BYTES, _LINGER_SECONDS = 256 * MB, 5.0

HEALTH = "/health"
# Browsers look for these at the host's root, whatever the page's path.
AT_THE_ROOT = ("/manifest.json", "/favicon.ico", "/static/img/logo_nosize.svg")
_API = "/gradio_api/"
_CALL = re.compile(r"/gradio_api/(run|api|call|queue|cancel|reset)(/|$)")
_STREAM = re.compile(r"/gradio_api/(queue/data|call/.*/.*|upload_progress|mcp.*)/?")
# What the page asks for needs none of these, and each has the server look for something.
_NOT_ASKED = {"page", "deep_link", "all_endpoints"}
_CREDENTIALS = (b"cookie", b"authorization")

UserOf = Callable[[Headers], str]


def _nobody(_headers: Headers) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Doors:
    """Who is let in, and to what.

    Parameters
    ----------
    hosts : ServedHosts
        The names by which the app is served.
    owner : Owner, optional
        Who is at the machine, where they are known by a token.
    user_of : callable
        Reads who logged in from a request's headers; "" for nobody.
    login : bool
        Whether one has to log in.
    framed_by : str
        The sites that may show the page inside theirs, besides itself, separated by spaces.
    mcp, uploads : bool
        Whether the addresses of MCP are open, and those by which files come in.
    """

    hosts: ServedHosts = field(default_factory=ServedHosts)
    owner: Owner | None = None
    user_of: UserOf = _nobody
    login: bool = False
    framed_by: str = ""
    mcp: bool = False
    uploads: bool = True


class Gate:
    """ASGI middleware: refuse what is too large, addresses that nobody needs, and floods.

    A request that another site's page sent is nobody's: its cookies are left out.

    Parameters
    ----------
    page
        The page whose functions are called.
    max_body, max_upload
        MB of a request, and of one that brings a file.
    max_waiting
        Calls of one function that skip the queue, at once, of one page.
    doors
        Who is let in, and to what.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body: int,
        max_upload: int,
        max_waiting: int,
        page: gr.Blocks | None = None,
        doors: Doors | None = None,
    ) -> None:
        self.app = app
        self.page = page
        self.doors = doors or Doors()
        self.max_body = max_body * MB
        self.max_upload = max_upload * MB
        self._headers = [
            (b"content-security-policy", content_policy(self.doors.framed_by).encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"same-origin"),
        ]
        self._bodies = HeldBodies(
            BODIES_OF_HOUSE * self.max_body, BODIES * self.max_body, UNFINISHED, GRACE_SECONDS
        )
        self._pace = Pace(BYTES_A_SECOND, UNPACED)
        self._uploads = Quota(UPLOADS_OF_HOUSE * self.max_upload, UPLOADS * self.max_upload)
        self._uploading = AtOnce(UPLOADS_AT_ONCE)
        self._streams = AtOnce(STREAMS_OF_HOUSE)
        self._turns = Turns(CALLS_AT_ONCE, CALLS_OF_HOUSE, max_waiting)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer why not."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *self._headers]}
            await send(message)

        body = _Body(receive)
        try:
            if scope["path"] == HEALTH:
                await self.app(scope, receive, send_headers)
                return
            scope, sender = self._admit(scope)
            welcome = self.doors.owner and self.doors.owner.welcome(scope)
            if welcome:
                await welcome(scope, receive, send_headers)
            elif scope["method"] in ("GET", "HEAD", "OPTIONS"):
                await self._pass_question(scope, sender, receive, send_headers)
            elif scope["path"].rstrip("/") == _API + "upload":
                await self._pass_upload(scope, sender, body, send_headers)
            else:
                await self._pass_body(scope, sender, body, send_headers)
        except RefusedError as error:
            await _refuse(error, body, send_headers)
        except CrowdedError as error:
            await _refuse(RefusedError(503, str(error)), body, send_headers)

    def _admit(self, scope: Scope) -> tuple[Scope, Sender]:
        """Check where a request goes and where it comes from; return who sent it."""
        headers = Headers(scope=scope)
        method, path, doors = scope["method"], scope["path"], self.doors
        by_path = doors.owner is not None and doors.owner.by_path
        if by_path and not scope.get(OWN_PATH) and path not in AT_THE_ROOT:
            raise RefusedError(404, "there is nothing here")
        if not by_path and not doors.hosts.serve(headers.get("host", "")):
            raise RefusedError(
                400, "the app is not served under this name; --allowed-host names more"
            )
        if not is_allowed(method, path, mcp=doors.mcp, uploads=doors.uploads):
            raise RefusedError(404, "there is nothing here")
        scope = {**scope, "headers": [pair for pair in scope["headers"] if self._is_kept(pair)]}
        if is_foreign(method, headers, framed=bool(doors.framed_by)):
            if path.rstrip("/") == "/login":
                raise RefusedError(403, "another site's page cannot log anybody in")
            others = [pair for pair in scope["headers"] if pair[0] not in _CREDENTIALS]
            scope = {**scope, "headers": others}
        headers = Headers(scope=scope)
        sender = Sender(
            address=scope["client"][0] if scope.get("client") else "",
            user=doors.user_of(headers),
            owner=bool(scope.get(OWN_PATH))
            or (doors.owner is not None and doors.owner.sent(headers)),
        )
        if doors.login and not sender.user and not is_open(path):
            raise RefusedError(401, "Not authenticated")
        ADDRESS.set(sender.address)
        return with_sender(scope, sender), sender

    def _is_kept(self, pair: tuple[bytes, bytes]) -> bool:
        """Check whether a header may say by which name the app was asked for."""
        name, value = pair
        if name == b"x-gradio-server":
            return False
        if name != b"x-forwarded-host":
            return True
        return all(map(self.doors.hosts.serve, value.decode("latin-1").split(",")))

    async def _pass_question(
        self, scope: Scope, sender: Sender, receive: Receive, send: Send
    ) -> None:
        self._check_length(Headers(scope=scope), self.max_body)
        query = scope["query_string"].decode("latin-1")
        if self.page is not None and waits_in_vain(self.page, scope["path"], query):
            raise RefusedError(404, "nobody waits for this")
        known = parse_qsl(query, keep_blank_values=True)
        if self.doors.login and not sender.user and scope["path"] == "/":
            # The page where one logs in would describe all endpoints too.
            scope = {**scope, "query_string": UNDESCRIBED}
        elif any(name in _NOT_ASKED for name, _ in known):
            rest = urlencode([pair for pair in known if pair[0] not in _NOT_ASKED])
            scope = {**scope, "query_string": rest.encode()}
        if not _STREAM.fullmatch(scope["path"]):
            await self.app(scope, receive, send)
            return
        with self._streams.one(sender.house), contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STREAM_SECONDS):
                await self.app(scope, receive, send)

    async def _pass_body(self, scope: Scope, sender: Sender, given: "_Body", send: Send) -> None:
        most = MAX_LOGIN if scope["path"].rstrip("/") == "/login" else self.max_body
        self._check_length(Headers(scope=scope), most)
        async with _in_time(BODY_SECONDS) as limit:
            with self._bodies.receiving(sender.house, limit) as held:
                body = await self._receive(given, held, most)
                limit.reschedule(None)
                if body is None:
                    return
                call = check_call(body) if _CALL.match(scope["path"]) else {}
                session = call.get("session_hash")
                sender = replace(
                    sender, size=len(body), session=session if isinstance(session, str) else ""
                )
                await self._answer(with_sender(scope, sender), sender, call, body, given, send)

    async def _receive(self, given: "_Body", held: Held, most: int) -> bytes | None:
        """Receive a body; None where its sender has gone."""
        body = bytearray()
        try:
            while not given.ended:
                message = await given()
                if message["type"] == "http.disconnect":
                    return None
                piece = message.get("body", b"")
                body += piece
                if len(body) > most:
                    raise _too_large(most)
                self._bodies.grow(held, len(piece))
            await asyncio.sleep(self._pace.seconds_to_wait(held.house, len(body)))
        except asyncio.CancelledError:
            if held.let_go:
                given.ended = True  # its sender is not waited for
                raise RefusedError(503, TOO_MUCH) from None
            raise
        held.complete = True
        return bytes(body)

    async def _answer(
        self,
        scope: Scope,
        sender: Sender,
        call: Mapping[str, object],
        body: bytes,
        given: "_Body",
        send: Send,
    ) -> None:
        whole: list[Message] = [{"type": "http.request", "body": body}]

        async def replay() -> Message:
            return whole.pop() if whole else await given()

        function, direct = None, False
        if self.page is not None and _CALL.match(scope["path"]):
            try:
                function, direct = find_called(self.page, scope["path"], call)
            except NoSuchFunctionError:
                raise RefusedError(404, "there is no such function") from None
        if function is None or not direct:
            await self.app(scope, replay, send)
            return
        async with self._turns.turn(sender.house, sender.name, function._id):
            await self.app(scope, replay, send)

    async def _pass_upload(self, scope: Scope, sender: Sender, given: "_Body", send: Send) -> None:
        self._check_length(Headers(scope=scope), self.max_upload)
        self._uploads.check(sender.house)
        size, over, started = 0, False, False

        async def counted() -> Message:
            nonlocal size, over
            message = await given()
            piece = len(message.get("body", b""))
            self._uploads.count(sender.house, piece)
            size += piece
            over = over or size > self.max_upload
            return {"type": "http.disconnect"} if over else message

        async def unless_over(message: Message) -> None:
            nonlocal started
            if not over or started:
                started = True
                await send(message)

        with self._uploading.one(sender.house):
            try:
                async with _in_time(UPLOAD_SECONDS):
                    await self.app(scope, counted, unless_over)
            except ClientDisconnect:
                if not over:
                    return  # whoever sent it has gone: nobody reads an answer, or a log of it
            except RefusedError:
                if not started:
                    raise
            except Exception:
                if not over:
                    raise
        if over and not started:
            raise _too_large(self.max_upload)

    def _check_length(self, headers: Mapping[str, str], most: int) -> None:
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 18 or int(length) > most:
            raise _too_large(most)


# Set in the scope of a request that came by the path that the owner alone knows.
OWN_PATH = "tagifai.own_path"


class CutPath:
    """Take a proxy's path off requests: some proxies pass it on, others cut it off themselves.

    Parameters
    ----------
    path : str
        The proxy's path, or "".
    secret : str
        A path under it that the owner alone knows, or "".
    """

    def __init__(self, app: ASGIApp, path: str, secret: str = "") -> None:
        self.app = app
        self.path = path
        self.secret = secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, its path shortened."""
        if scope["type"] == "http":
            scope, _ = _cut(scope, self.path)
            scope, known = _cut(scope, self.secret)
            if known:
                scope = {**scope, OWN_PATH: True}
        await self.app(scope, receive, send)


def _cut(scope: Scope, path: str) -> tuple[Scope, bool]:
    if not path or not f"{scope['path']}/".startswith(f"{path}/"):
        return scope, False
    rest = scope["path"].removeprefix(path) or "/"
    return {**scope, "path": rest, "raw_path": rest.encode()}, True


def _too_large(most: int) -> RefusedError:
    size = f"{most // MB:,} MB" if most >= MB else f"{most // 1024:,} KB"
    return RefusedError(413, f"larger than {size}")


@contextlib.asynccontextmanager
async def _in_time(seconds: float) -> AsyncIterator[asyncio.Timeout]:
    """Refuse what takes longer."""
    try:
        async with asyncio.timeout(seconds) as limit:
            yield limit
    except TimeoutError:
        if not limit.expired():
            raise
        raise RefusedError(408, "the request came too slowly") from None


class _Body:
    """Receives what a client sends, and knows whether that was all."""

    def __init__(self, receive: Receive) -> None:
        self.receive = receive
        self.ended = False

    async def __call__(self) -> Message:
        if self.ended:  # what follows is word that the client has gone, whenever that is
            return await self.receive()
        message = await self.receive()
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
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_SECONDS):
            while not body.ended and received < _LINGER_BYTES:
                received += len((await body()).get("body", b""))
    await send({"type": "http.response.body", "body": b""})
