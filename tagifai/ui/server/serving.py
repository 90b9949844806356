"""Serve the page, or the endpoints alone, at a port, with an address that reports its health."""

import contextlib
import io
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from urllib.parse import urlsplit

import gradio as gr
import uvicorn
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tagifai import __version__
from tagifai.errors import TagifaiError, install_command
from tagifai.services.app import Services
from tagifai.services.users import Logins
from tagifai.settings import Settings
from tagifai.spaces import Space
from tagifai.ui import api
from tagifai.ui.gradio_fixes.mcp_answers import answer_in_json
from tagifai.ui.gradio_fixes.queues import bound_queue
from tagifai.ui.gradio_fixes.sessions import keep_little
from tagifai.ui.server.limits import Gate
from tagifai.ui.server.page import Appearance, Page
from tagifai.ui.server.page_files import CacheHeaders

HEALTH = "/health"
# Smaller answers leave sooner uncompressed.
WORTH_COMPRESSING = 20_000
# A Space is shown inside Hugging Face's own page.
FRAMES = "https://huggingface.co https://*.hf.space"
SESSIONS = 200
# Seconds in which requests that are open may end once the server is told to stop.
SECONDS_TO_END = 5
Say = Callable[[str], None]


class Server(uvicorn.Server):
    """A server whose port is open as soon as it is made; `run` or `in_background` answers.

    `opened` is the port, where it is open already.
    """

    def __init__(
        self, app: FastAPI, settings: Settings, opened: socket.socket | None = None
    ) -> None:
        self.socket = opened or open_port(settings.host, settings.port)
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                log_level="warning",
                timeout_graceful_shutdown=SECONDS_TO_END,
            )
        )

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer until told to stop."""
        super().run(sockets or [self.socket])

    @contextlib.contextmanager
    def in_background(self) -> Iterator[None]:
        """Answer from a thread while the block runs."""
        thread = threading.Thread(target=self.run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.should_exit = True
            thread.join()


def build_api(services: Services) -> gr.Blocks:
    """Build the endpoints without the page."""
    with Page(title="tagifai", analytics_enabled=False) as demo:
        api.build(services)
    return bound_queue(demo, services.settings.max_waiting)


def serve(
    demo: gr.Blocks,
    settings: Settings,
    *,
    say: Say,
    appearance: Appearance | None = None,
    endpoints_only: bool = False,
    then: Callable[[], None] | None = None,
) -> None:
    """Open the port, print where it is, and answer until stopped.

    Parameters
    ----------
    say
        Prints a line at the terminal.
    then
        Is called once the port is open.

    Raises
    ------
    TagifaiError
        The file of users cannot be read, the port is taken, or the packages of MCP are missing.
    """
    # A container is stopped by this signal; what is sent at the end is then still sent.
    signal.signal(signal.SIGTERM, stop)
    server, link = None, None
    if settings.share:
        link = launch_shared(demo, settings, appearance or {}, endpoints_only)
    else:
        server = Server(
            build_server_app(demo, settings, appearance or {}, endpoints_only), settings
        )
    for line in describe_start(settings, link, endpoints_only):
        say(line)
    if then is not None:
        then()
    with contextlib.suppress(KeyboardInterrupt):
        demo.block_thread() if server is None else server.run()


def stop(*_: object) -> None:
    """End the program, once: a second signal must not cut short what is sent at the end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(0)


def open_port(host: str, port: int) -> socket.socket:
    """Listen at a port.

    Raises
    ------
    TagifaiError
        The port is taken or not allowed, or the host is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise cannot_open(host, port, error) from None


def cannot_open(host: str, port: int, error: OSError) -> TagifaiError:
    """Return the error that says why a port cannot be opened."""
    return TagifaiError(
        f"port {port} of {host} cannot be opened: another program may "
        f"have it; --port takes another ({error.strerror or 'in use'})"
    )


def build_server_app(
    demo: gr.Blocks,
    settings: Settings,
    appearance: Appearance,
    endpoints_only: bool = False,
    framed_by: str = "",
) -> FastAPI:
    """Build the server's application, with the page mounted at its root.

    `framed_by` are the sites that may show the page inside theirs, separated by spaces.

    Raises
    ------
    TagifaiError
        The file of users cannot be read, or the packages of MCP are missing.
    """
    if settings.mcp:
        check_mcp()
    # The descriptions that FastAPI would publish name what a login hides.
    app = FastAPI(
        openapi_url=None,
        routes=routes(endpoints_only),
        middleware=middleware(settings, endpoints_only, framed_by),
    )
    demo.state_session_capacity = SESSIONS
    gr.mount_gradio_app(
        app,
        demo,
        "/",
        auth=check_logins(settings),
        root_path=settings.root_path or None,
        mcp_server=settings.mcp,
        run_history=False,
        ssr_mode=False,
        show_error=False,
        **appearance,
    )
    complete(demo, settings)
    return app


def launch_shared(
    demo: gr.Blocks, settings: Settings, appearance: Appearance, endpoints_only: bool
) -> str | None:
    """Let Gradio open the port and a public link to it; return the link, None without one.

    Raises
    ------
    TagifaiError
        As `serve`.
    """
    if settings.mcp:
        check_mcp()
    try:
        # What Gradio prints is for whoever writes an app.
        with contextlib.redirect_stdout(io.StringIO()):
            demo.launch(
                share=True,
                server_name=settings.host,
                server_port=settings.port,
                app_kwargs={
                    "routes": routes(endpoints_only),
                    "middleware": middleware(settings, endpoints_only),
                },
                state_session_capacity=SESSIONS,
                prevent_thread_lock=True,
                quiet=True,
                auth=check_logins(settings),
                root_path=settings.root_path or None,
                mcp_server=settings.mcp,
                run_history=False,
                ssr_mode=False,
                show_error=False,
                **appearance,
            )
    except OSError as error:
        raise cannot_open(settings.host, settings.port, error) from None
    complete(demo, settings)
    return demo.share_url


def complete(demo: gr.Blocks, settings: Settings) -> None:
    """Put the workarounds in place that need the application that Gradio has made."""
    keep_little(demo)
    if settings.mcp:
        answer_in_json(demo, address_of(settings))


def check_logins(settings: Settings) -> Callable[[str, str], bool] | None:
    """Return what checks a name and a password; None where there is no file of users."""
    if not settings.auth_file:
        return None
    # Gradio awaits an asynchronous check, though its hints do not say so.
    return Logins(settings.auth_file).check  # type: ignore[return-value]


def routes(endpoints_only: bool) -> list[BaseRoute]:
    """List the addresses that the server answers besides Gradio's."""
    found: list[BaseRoute] = [Route(HEALTH, answer_health)]
    return [*found, Route("/", list_endpoints)] if endpoints_only else found


def middleware(settings: Settings, endpoints_only: bool, framed_by: str = "") -> list[Middleware]:
    """List what each request passes through on its way in, and each answer on its way out."""
    path = urlsplit(settings.root_path).path.rstrip("/")
    gate = Middleware(
        Gate,
        max_body=settings.max_body,
        max_upload=settings.max_upload,
        max_waiting=settings.max_waiting,
        framed_by=FRAMES if Space.of(os.environ) else framed_by,
        mcp=settings.mcp,
    )
    before = [Middleware(CutPath, path=path), gate] if path else [gate]
    if endpoints_only:
        return before
    # Gradio compresses files alone: its page is 400 KB, and some answers are as large.
    compressed = Middleware(GZipMiddleware, minimum_size=WORTH_COMPRESSING, compresslevel=4)
    return [*before, compressed, Middleware(CacheHeaders)]


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


def answer_health(_request: Request) -> JSONResponse:
    """Answer a load balancer, which has no login."""
    return JSONResponse({"status": "ok", "version": __version__})


def list_endpoints(_request: Request) -> JSONResponse:
    """Answer where the endpoints are, in place of the page."""
    return JSONResponse(
        {
            "name": "tagifai",
            "version": __version__,
            "call": "gradio_api/call/{endpoint}",
            "endpoints": "gradio_api/info",
        }
    )


def check_mcp() -> None:
    """Check that Gradio can serve MCP.

    Raises
    ------
    TagifaiError
        A package is missing; the message says what to install.
    """
    if find_spec("mcp") is None:
        raise TagifaiError(f"--mcp needs a package that is not installed: {install_command('mcp')}")


def address_of(settings: Settings) -> str:
    """Return the address at which a browser on this machine finds the server.

    >>> address_of(Settings(host="0.0.0.0", port=7860))
    'http://127.0.0.1:7860'
    """
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def describe_start(settings: Settings, link: str | None, endpoints_only: bool) -> list[str]:
    """Return the lines that say where the server is."""
    url = address_of(settings)
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
