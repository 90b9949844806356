"""The page's own scripts, which must run before Gradio's: what those need they take at once."""

from functools import cache
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

SCRIPTS = ("clone.js", "waiting.js", "quiet.js", "unwatched.js")
FOLDER = Path(__file__).parent.parent / "gradio_fixes"
_HEAD = b"<head>"


class PageScripts:
    """ASGI middleware: put the scripts first into the page; Gradio would add them when it runs."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; complete the answer where it is the page."""
        if scope["type"] != "http" or scope["path"] not in ("", "/"):
            await self.app(scope, receive, send)
            return
        begun: list[Message] = []

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                begun.append(message)
                return
            if begun:
                start, whole = begun.pop(), not message.get("more_body", False)
                if whole and _HEAD in message.get("body", b""):
                    body = message["body"].replace(_HEAD, _HEAD + written(), 1)
                    kept = [pair for pair in start["headers"] if pair[0] != b"content-length"]
                    length = (b"content-length", str(len(body)).encode())
                    start = {**start, "headers": [*kept, length]}
                    message = {**message, "body": body}
                await send(start)
            await send(message)

        await self.app(scope, receive, complete)


@cache
def written() -> bytes:
    """Write the scripts as they stand in the page."""
    sources = ((FOLDER / name).read_text("utf-8") for name in SCRIPTS)
    return "".join(f"<script>{source}</script>" for source in sources).encode()
