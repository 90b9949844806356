"""How long browsers may keep the page's files."""

import re

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Gradio's build puts a hash of the content at the end of these names.
HASHED = re.compile(r"/assets/[\w.-]+-[\w-]{8}\.(?:js|css)")
FOR_A_YEAR = "public, max-age=31536000, immutable"


class CacheHeaders:
    """ASGI middleware: let browsers keep files whose name changes with their content.

    Gradio sends its ninety scripts without a word about caching, so browsers ask for each again.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; add the header to the answer where it is such a file."""

        async def send_with_header(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                MutableHeaders(scope=message)["cache-control"] = FOR_A_YEAR
            await send(message)

        hashed = scope["type"] == "http" and HASHED.fullmatch(scope["path"])
        await self.app(scope, receive, send_with_header if hashed else send)
