"""Open the port: the page, or the endpoints alone, with an address that tells of its health."""

import contextlib
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

import gradio as gr
import orjson
from gradio import http_server
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tagifai import __version__
from tagifai.errors import TagifaiError
from tagifai.services.app import Services
from tagifai.services.users import Logins
from tagifai.settings import Settings
from tagifai.spaces import Space
from tagifai.ui import api
from tagifai.ui.server.guarded import FairQueue, GuardedBlocks
from tagifai.ui.server.limits import Gate
from tagifai.ui.server.page_files import PageFiles
from tagifai.ui.server.page_scripts import PageScripts
from tagifai.ui.server.sessions import keep_little

HEALTH = "/health"
# What is smaller leaves sooner as it is.
WORTH_COMPRESSING = 20_000
# A Space is shown inside Hugging Face's own page.
FRAMES = "https://huggingface.co https://*.hf.space"
LAUNCH: dict[str, Any] = {
    "run_history": False,
    "ssr_mode": False,
    "show_error": False,
    "state_session_capacity": 200,
}
Say = Callable[[str], None]


def build_api(services: Services) -> gr.Blocks:
    """Build the endpoints without the page."""
    with GuardedBlocks(title="tagifai", analytics_enabled=False) as demo:
        api.build(services)
    return with_queue(demo, services.settings)


def with_queue(demo: gr.Blocks, settings: Settings) -> gr.Blocks:
    """Bound how many wait and how many are served at once, so that a flood keeps nobody out."""
    demo.queue(api_open=False)
    demo._queue = FairQueue(demo, settings.max_waiting)
    return demo


def serve(
    demo: gr.Blocks,
    settings: Settings,
    *,
    say: Say,
    options: dict[str, Any] | None = None,
    endpoints_only: bool = False,
    then: Callable[[], None] | None = None,
) -> None:
    """Open the port, say where it is, and answer until stopped.

    `options` are further arguments of `launch`, those of the page; `say` prints a line for the
    one at the terminal; `then` is called once the port answers.

    Raises:
        TagifaiError: the file of users cannot be read, the port is taken, or MCP is not there.
    """
    start(demo, settings, say=say, options=options, endpoints_only=endpoints_only)
    if then is not None:
        then()
    # A container is told to stop like this; what is sent at the end is then still sent.
    signal.signal(signal.SIGTERM, stop)
    demo.block_thread()


def stop(*_: object) -> None:
    """End the program, once: being told again must not cut short what is sent at the end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(0)


def start(
    demo: gr.Blocks,
    settings: Settings,
    *,
    say: Say,
    options: dict[str, Any] | None = None,
    endpoints_only: bool = False,
) -> None:
    """Open the port and say where it is; the server goes on in the background.

    Raises:
        TagifaiError: as `serve`.
    """
    logins = Logins(settings.auth_file) if settings.auth_file else None
    if settings.mcp:
        check_mcp()
    # Gradio awaits an asynchronous check, though its hints don't say so.
    check: Any = logins.check if logins else None
    try:
        # What Gradio prints is for whoever writes an app; what it says is said below.
        with contextlib.redirect_stdout(io.StringIO()), patient_start():
            demo.launch(
                auth=check,
                server_name=settings.host,
                server_port=settings.port,
                share=settings.share,
                root_path=settings.root_path or None,
                mcp_server=settings.mcp,
                app_kwargs=app_options(settings, endpoints_only),
                prevent_thread_lock=True,
                quiet=True,
                **LAUNCH,
                **(options or {}),
            )
    except OSError as error:
        raise TagifaiError(
            f"port {settings.port} of {settings.host} cannot be opened: another program may "
            f"have it; --port takes another ({error.strerror or 'in use'})"
        ) from None
    keep_little(demo)
    if settings.mcp:
        answer_in_json(demo)
    for line in describe_start(settings, demo.share_url, endpoints_only):
        say(line)


@contextlib.contextmanager
def patient_start() -> Iterator[None]:
    """Wait for the server as long as it takes: a busy machine needs more than Gradio's 5 s."""
    hasty = http_server.Server

    class PatientServer(hasty):  # type: ignore[misc, valid-type]
        def run_in_thread(self) -> None:
            self.thread = threading.Thread(target=self.run, daemon=True)
            self.thread.start()
            while not self.started:
                if not self.thread.is_alive():
                    raise OSError("the server ended before it answered")
                time.sleep(0.001)

    http_server.Server = PatientServer  # type: ignore[misc]
    try:
        yield
    finally:
        http_server.Server = hasty  # type: ignore[misc]


def app_options(settings: Settings, endpoints_only: bool) -> dict[str, Any]:
    """Give what the server has beside Gradio's own: addresses open to all, and its path."""
    routes = [Route(HEALTH, tell_health)]
    if endpoints_only:
        routes.append(Route("/", tell_endpoints))
    path = urlsplit(settings.root_path).path.rstrip("/")
    gate = Middleware(
        Gate,
        max_body=settings.max_body,
        max_upload=settings.max_upload,
        max_waiting=settings.max_waiting,
        framed_by=FRAMES if Space.of(os.environ) else "",
    )
    middleware = [Middleware(CutPath, path=path)] * bool(path) + [gate]
    if not endpoints_only:
        # Gradio compresses files alone: its page is 400 KB, and so are large answers.
        compressed = Middleware(GZipMiddleware, minimum_size=WORTH_COMPRESSING, compresslevel=4)
        middleware += [compressed, Middleware(PageScripts), Middleware(PageFiles)]
    return {"routes": routes, "middleware": middleware}


class CutPath:
    """Take a proxy's path off requests: some proxies pass it on, others cut it off themselves."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self.app = app
        self.path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, its path shortened."""
        if scope["type"] == "http" and f"{scope['path']}/".startswith(f"{self.path}/"):
            rest = scope["path"].removeprefix(self.path) or "/"
            scope = {**scope, "path": rest, "raw_path": rest.encode()}
        await self.app(scope, receive, send)


def tell_health(_request: Request) -> JSONResponse:
    """Answer a load balancer, which has no login."""
    return JSONResponse({"status": "ok", "version": __version__})


def tell_endpoints(_request: Request) -> JSONResponse:
    """Say where the endpoints are, in place of the page."""
    return JSONResponse(
        {
            "name": "tagifai",
            "version": __version__,
            "call": "gradio_api/call/{endpoint}",
            "endpoints": "gradio_api/info",
        }
    )


def check_mcp() -> None:
    """Make sure that Gradio can serve MCP.

    Raises:
        TagifaiError: a package is missing; the message says what to install.
    """
    if find_spec("mcp") is None:
        raise TagifaiError(
            "--mcp needs a package that is not installed: `pip install -r requirements-mcp.txt`"
        )


def answer_in_json(demo: gr.Blocks) -> None:
    """Have MCP answer with JSON, where Gradio writes an object as Python does."""
    from mcp.types import TextContent

    def write(data: list[Any], _root_url: str) -> list[TextContent]:
        return [TextContent(type="text", text=orjson.dumps(one).decode()) for one in data]

    server: Any = demo.mcp_server_obj
    server.postprocess_output_data = write


def describe_start(settings: Settings, link: str | None, endpoints_only: bool) -> list[str]:
    """Say in lines where the server is to be found."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
    url = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    lines = [f"{'Endpoints' if endpoints_only else 'tagifai'} at {url}/"]
    if settings.root_path:
        lines.append(f"Behind a proxy at {settings.root_path}/")
    if settings.mcp:
        lines.append(f"MCP at {url}/gradio_api/mcp/")
    if link:
        lines.append(f"Public link, for a week at most: {link}")
    elif settings.share:
        lines.append(
            "No public link could be made: is there a network? The app goes on at this machine."
        )
    return lines
