"""Serve the page, or the endpoints alone, at a port, with an address that reports its health."""

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from urllib.parse import urlsplit

import gradio as gr
import uvicorn
from fastapi import FastAPI
from gradio.routes import App
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount, Route

from tagifai import __version__
from tagifai.errors import TagifaiError, install_command
from tagifai.services.app import Services
from tagifai.services.users import Logins
from tagifai.settings import Settings
from tagifai.spaces import Space
from tagifai.ui import api
from tagifai.ui.gradio_fixes.logins import checker, let_logins_end, user_of
from tagifai.ui.gradio_fixes.mcp_answers import answer_in_json
from tagifai.ui.gradio_fixes.queues import bound_queue
from tagifai.ui.gradio_fixes.sessions import keep_little
from tagifai.ui.server.connections import MOST, Connections, bound_logs, most_files
from tagifai.ui.server.hosts import ServedHosts
from tagifai.ui.server.limits import HEALTH, CutPath, Doors, Gate
from tagifai.ui.server.owner import Owner
from tagifai.ui.server.page import Appearance, Page
from tagifai.ui.server.page_files import CacheHeaders
from tagifai.ui.server.places import Places
from tagifai.ui.server.share_link import make_link

# Smaller answers leave sooner uncompressed.
WORTH_COMPRESSING = 20_000
# A Space is shown inside Hugging Face's own page.
FRAMES = "https://huggingface.co https://*.hf.space"
SESSIONS = 200
# Seconds in which requests that are open may end once the server is told to stop.
SECONDS_TO_END = 5
ACCEPTED_AT_ONCE, WAITING_TO_CONNECT = 64, 2048
Say = Callable[[str], None]


class Server(uvicorn.Server):
    """A server whose port is open as soon as it is made; `run` or `in_background` answers.

    `opened` is the port, where it is open already.
    """

    def __init__(
        self, app: FastAPI, settings: Settings, opened: socket.socket | None = None
    ) -> None:
        import_dask()
        self.socket = opened or open_port(settings.host, settings.port)
        # A Space is reached through its proxy alone.
        proxies = ["*"] if Space.of(os.environ) else [*settings.trusted_proxy]
        most = min(MOST, most_files() // 2)
        connections = Connections(most, most // 2, proxies)
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                http=connections.protocol(),
                log_level="warning",
                backlog=ACCEPTED_AT_ONCE,
                proxy_headers=bool(proxies),
                forwarded_allow_ips=proxies,
                timeout_graceful_shutdown=SECONDS_TO_END,
            )
        )
        bound_logs()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        # asyncio accepts as many at once as may wait; those that wait are no burden.
        self.socket.listen(WAITING_TO_CONNECT)

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


def import_dask() -> None:
    """Import dask's arrays, where they are installed, before threads do.

    skops imports all modules of scikit-learn, one of which imports `dask.array`; scipy, called in
    another thread meanwhile, fails where it finds it half imported.
    """
    # An installation that is broken is no reason not to start.
    with contextlib.suppress(Exception):
        import_module("dask.array")


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
    """Open the port, print the link to it, and answer until stopped.

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
    # Who computes lets others have the interpreter ten times as often: a short request needs it a
    # dozen times, and would wait five milliseconds each time.
    sys.setswitchinterval(0.0005)
    # A container is stopped by this signal; what is sent at the end is then still sent.
    signal.signal(signal.SIGTERM, stop)
    hosts = ServedHosts.of(settings, Space.of(os.environ))
    owner = Owner.of(settings)
    app = build_server_app(
        demo, settings, appearance or {}, endpoints_only, owner=owner, hosts=hosts
    )
    server = Server(app, settings)
    for line in describe_start(replace(settings, share=False), None, endpoints_only, owner):
        say(line)
    if settings.share:
        # Asking for the link may take long: the app answers meanwhile.
        threading.Thread(target=share, args=(settings, hosts, say), daemon=True).start()
    if then is not None:
        then()
    with contextlib.suppress(KeyboardInterrupt):
        server.run()


def share(settings: Settings, hosts: ServedHosts, say: Say) -> None:
    """Make a public link to the port, and print it."""
    link = make_link(settings)
    if link:
        hosts.add(urlsplit(link).netloc)
    say(describe_start(settings, link, endpoints_only=False)[-1])


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
    *,
    framed_by: str = "",
    owner: Owner | None = None,
    hosts: ServedHosts | None = None,
) -> FastAPI:
    """Build the server's application, with the page mounted at its root.

    Parameters
    ----------
    framed_by
        The sites that may show the page inside theirs, separated by spaces.
    owner
        Who is at the machine; by default nobody is known by a token.
    hosts
        The names by which the app is served; by default those of the settings.

    Raises
    ------
    TagifaiError
        The file of users cannot be read, or the packages of MCP are missing.
    """
    if settings.mcp:
        check_mcp()
    logins = Logins(settings.auth_file) if settings.auth_file else None
    space = Space.of(os.environ)
    doors = Doors(
        hosts=hosts or ServedHosts.of(settings, space),
        owner=owner,
        user_of=lambda headers: user_of(demo, headers),
        login=logins is not None,
        framed_by=FRAMES if space else framed_by,
        mcp=settings.mcp,
        uploads=not endpoints_only,
    )
    # The descriptions that FastAPI would publish name what a login hides.
    app = FastAPI(
        openapi_url=None,
        routes=routes(endpoints_only),
        middleware=middleware(demo, settings, doors, endpoints_only),
    )
    demo.state_session_capacity = SESSIONS
    gr.mount_gradio_app(
        app,
        demo,
        "/",
        # Gradio awaits an asynchronous check, though its hints do not say so.
        auth=checker(logins) if logins else None,
        root_path=settings.root_path + (owner.path if owner else "") or None,
        mcp_server=settings.mcp,
        run_history=False,
        ssr_mode=False,
        show_error=False,
        **appearance,
    )
    # Until it is mounted a page has another application, which nobody asks.
    mounts = [route for route in app.routes if isinstance(route, Mount)]
    demo.app = next(mount.app for mount in mounts if isinstance(mount.app, App))
    keep_little(demo)
    if isinstance(demo, Page):
        demo.places = Places.of(settings)
    if logins is not None:
        let_logins_end(demo, logins)
    if settings.mcp:
        answer_in_json(demo, address_of(settings))
    return app


def routes(endpoints_only: bool) -> list[BaseRoute]:
    """List the addresses that the server answers besides Gradio's."""
    found: list[BaseRoute] = [Route(HEALTH, answer_health)]
    return [*found, Route("/", list_endpoints)] if endpoints_only else found


def middleware(
    demo: gr.Blocks, settings: Settings, doors: Doors, endpoints_only: bool
) -> list[Middleware]:
    """List what each request passes through on its way in, and each answer on its way out."""
    path = urlsplit(settings.root_path).path.rstrip("/")
    before = [
        Middleware(CutPath, path=path, secret=doors.owner.path if doors.owner else ""),
        Middleware(
            Gate,
            page=demo,
            max_body=settings.max_body,
            max_upload=settings.max_upload,
            max_waiting=settings.max_waiting,
            doors=doors,
        ),
    ]
    if endpoints_only:
        return before
    # Gradio compresses files alone: its page is 400 KB, and some answers are as large.
    compressed = Middleware(GZipMiddleware, minimum_size=WORTH_COMPRESSING, compresslevel=4)
    return [*before, compressed, Middleware(CacheHeaders)]


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


def describe_start(
    settings: Settings, link: str | None, endpoints_only: bool, owner: Owner | None = None
) -> list[str]:
    """Return the lines that say where the server is."""
    url = address_of(settings)
    own = owner.link(url) if owner else f"{url}/"
    lines = [f"{'Endpoints' if endpoints_only else 'tagifai'} at {own}"]
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
