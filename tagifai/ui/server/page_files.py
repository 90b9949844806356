"""The files of Gradio's page, of which a first visit asks for ninety: answered from memory.

Gradio reads and compresses each anew for every visitor, and has browsers ask again.
"""

import gzip
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# One spelling for each file, so that no more is kept than there are.
_FILE = re.compile(r"/(?:assets|static)(?:/[\w-][\w.-]*)+")
_TEXT = re.compile(r"text/|application/(?:javascript|json)|image/svg")
_HASHED = re.compile(r"/assets/[\w.-]+-[\w-]{8}\.(?:js|css)")
_FOR_EVER = "public, max-age=31536000, immutable"
# What the answer depends on besides the address.
_PARTLY = ("range", "if-none-match", "if-modified-since", "if-range", "if-match")
_WORTH_IT, _LARGEST = 400, 10**6


class PageFiles:
    """ASGI middleware: answer for the page's files from memory, compressed once.

    Names that end in a hash of the content stay in browsers for a year.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._kept: dict[str, tuple[MutableHeaders, bytes]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on what is no such file, or is asked for in part."""
        if not _is_whole_file(scope):
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        if path not in self._kept and not await self._fetch(scope, receive, send):
            return
        headers, body = self._kept[path]
        # A copy: who compresses after this writes into the list that is sent.
        await send({"type": "http.response.start", "status": 200, "headers": [*headers.raw]})
        await send({"type": "http.response.body", "body": body})

    async def _fetch(self, scope: Scope, receive: Receive, send: Send) -> bool:
        # True where it is kept now; what is no file, or large, is passed on as it comes.
        path, pieces, found = scope["path"], bytearray(), MutableHeaders()
        refused = False

        async def collect(message: Message) -> None:
            nonlocal found, refused
            if message["type"] == "http.response.start":
                found = MutableHeaders(raw=list(message.get("headers", ())))
                size = int(found.get("content-length", _LARGEST + 1))
                refused = message["status"] != 200 or size > _LARGEST
            if refused:
                await send(message)
            else:
                pieces.extend(message.get("body", b""))

        await self.app(scope, receive, collect)
        if not refused:
            self._kept[path] = _packed(path, found, bytes(pieces))
        return not refused


def _is_whole_file(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "GET" or not _FILE.fullmatch(scope["path"]):
        return False
    asked = Headers(scope=scope)
    return "gzip" in asked.get("accept-encoding", "") and not any(n in asked for n in _PARTLY)


def _packed(path: str, headers: MutableHeaders, body: bytes) -> tuple[MutableHeaders, bytes]:
    if len(body) >= _WORTH_IT and _TEXT.match(headers.get("content-type", "")):
        body = gzip.compress(body, 6, mtime=0)
        headers["content-encoding"] = "gzip"
    headers.add_vary_header("accept-encoding")
    headers["content-length"] = str(len(body))
    if _HASHED.fullmatch(path):
        headers["cache-control"] = _FOR_EVER
    return headers, body
