"""Check what a request asks for: whether a page or a program of good faith would send it."""

import re
from collections.abc import Mapping
from functools import cache

import orjson
from starlette.routing import compile_path

from tagifai.errors import TagifaiError
from tagifai.permissions import Visit, check_same_site

MAX_VALUES = 200_000
MAX_NAME = 100

# What the page, Gradio's clients and MCP ask for. Whatever else Gradio brings, now or with a later
# version, is one more thing to break in by.
READ = (
    "/",
    "/health",
    "/config",
    "/theme.css",
    "/robots.txt",
    "/favicon.ico",
    "/manifest.json",
    "/pwa_icon",
    "/pwa_icon/{size}",
    "/assets/{file:path}",
    "/static/{file:path}",
    "/login/huggingface",
    "/login/callback",
    "/logout",
    "/gradio_api/info",
    "/gradio_api/theme.css",
    "/gradio_api/startup-events",
    "/gradio_api/login_check",
    "/gradio_api/queue/data",
    "/gradio_api/call/{name}/{event}",
    "/gradio_api/upload_progress",
    "/gradio_api/file={file:path}",
)
# What the page where one logs in is made of, and what a load balancer asks for.
OPEN = (
    "/",
    "/health",
    "/theme.css",
    "/robots.txt",
    "/favicon.ico",
    "/manifest.json",
    "/pwa_icon",
    "/pwa_icon/{size}",
    "/assets/{file:path}",
    "/static/{file:path}",
    "/login",
    "/login/huggingface",
    "/login/callback",
    "/logout",
    "/gradio_api/theme.css",
    "/gradio_api/startup-events",
)
UPLOADS = ("/gradio_api/upload", "/gradio_api/upload_progress")
WRITTEN = (
    "/login",
    "/gradio_api/queue/join",
    "/gradio_api/run/{name}",
    "/gradio_api/api/{name}",
    "/gradio_api/call/{name}",
    "/gradio_api/call/v2/{name}",
    "/gradio_api/cancel",
    "/gradio_api/reset",
    "/gradio_api/upload",
)
MCP = (
    "/gradio_api/mcp",
    "/gradio_api/mcp/sse",
    "/gradio_api/mcp/schema",
    "/gradio_api/mcp/messages",
)
_FILE = "/gradio_api/file="
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+:", re.I)
_BLANKS = re.compile(r"[\x00-\x20]")


class RefusedError(Exception):
    """A request is not let in; the message is for its sender."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def is_allowed(method: str, path: str, *, mcp: bool = False, uploads: bool = True) -> bool:
    """Check whether the page or the endpoints need an address; a file is never fetched from others.

    `mcp` and `uploads` open the addresses of MCP, and those by which files come in.

    >>> [is_allowed("POST", f"/gradio_api/{end}") for end in ("upload", "deep_link", "proxy=x")]
    [True, False, False]
    >>> [is_allowed("GET", f"/gradio_api/file={file}") for file in ("/tmp/a.csv", "http://a.b")]
    [True, False]
    """
    if path.startswith(_FILE) and names_address(path.removeprefix(_FILE)):
        return False
    plain = path.removesuffix("/") or "/"
    if not uploads and plain in UPLOADS:
        return False
    if mcp and any(pattern.fullmatch(plain) for pattern in patterns_of(MCP)):
        return True
    allowed = {"POST": WRITTEN, "OPTIONS": READ + WRITTEN}.get(method, READ)
    return any(pattern.fullmatch(plain) for pattern in patterns_of(allowed))


def is_open(path: str) -> bool:
    """Check whether an address is answered without a login.

    >>> is_open("/assets/index.js"), is_open("/gradio_api/info")
    (True, False)
    """
    plain = path.removesuffix("/") or "/"
    return any(pattern.fullmatch(plain) for pattern in patterns_of(OPEN))


@cache
def patterns_of(routes: tuple[str, ...]) -> list[re.Pattern[str]]:
    """Compile routes written as Starlette's are."""
    return [compile_path(route)[0] for route in routes]


def names_address(path: str) -> bool:
    r"""Check whether a path is an address that the server would fetch, however it is spelt.

    >>> names_address("ht\ntp://a.b"), names_address("C:/texts.csv")
    (True, False)
    """
    return bool(_SCHEME.match(_BLANKS.sub("", path)))


def is_foreign(method: str, headers: Mapping[str, str], *, framed: bool = False) -> bool:
    """Check whether another site's page sent a request; following a link to here does not count."""
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


def check_call(body: bytes) -> dict[str, object]:
    """Read the call of a function, and refuse one that is no page's or program's of good faith.

    Raises
    ------
    RefusedError
        No JSON object, too many values, a name too long, or a file elsewhere.
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


def names_file_elsewhere(value: object) -> bool:
    """Check whether some object's "path" is an address that the server would fetch.

    >>> names_file_elsewhere({"data": [{"path": "http://a.b"}]}), names_file_elsewhere(["/tmp/x"])
    (True, False)
    """
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            path = one.get("path")
            if isinstance(path, str) and names_address(path):
                return True
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return False


def content_policy(framed_by: str = "") -> str:
    """Return what a browser may load: nothing but from here, whatever a text makes it show.

    >>> "frame-ancestors 'self';" in content_policy()
    True
    """
    framers = ["'self'", *framed_by.split()]
    return (
        # Gradio's page compiles its own scripts, and styles stand in its markup.
        "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; object-src 'none'; "
        f"base-uri 'self'; form-action 'self'; frame-ancestors {' '.join(framers)};"
    )
