"""Let a login end: with its time, its user or its password.

What Gradio does
    Who logged in is kept as a name beside a token, for as long as the server runs. A user who was
    removed, or whose password was changed, goes on; tokens are never forgotten. Whether a password
    is right is asked without the address that it came from. The page where one logs in
    describes all endpoints.
Versions
    3.0 to 6.31.
Without it
    A removed reviewer's browser still writes reviews (`pytest tests/security --long -k
    "[sessions]"`), and wrong passwords from anywhere keep a name from logging in (`-k "[crowd]"`).
Upstream
    docs/upstream/logins.md
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextvars import ContextVar

import gradio as gr
from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from tagifai.services.users import LoggedIn, Logins

LOGINS_OF_USER = 20
# A page that is none, and all endpoints: `let_logins_end` leaves their description empty.
UNDESCRIBED = b"page=-&all_endpoints=1"
# Set for each request that logs somebody in: Gradio's check is told name and password alone.
ADDRESS: ContextVar[str] = ContextVar("address", default="")


class Tokens(MutableMapping[str, str]):
    """The users' names by token, as Gradio keeps them; a login that has ended is not there."""

    def __init__(self, logins: Logins) -> None:
        self._logins = logins
        self._known: OrderedDict[str, LoggedIn] = OrderedDict()

    def __getitem__(self, token: str) -> str:
        """Return who logged in with a token."""
        login = self._known[token]
        if not self._logins.holds(login):
            del self._known[token]
            raise KeyError(token)
        return login.name

    def __setitem__(self, token: str, name: str) -> None:
        """Begin a login; of one user's too many, the oldest ends."""
        self._known[token] = self._logins.begin(name)
        of_user = [one for one, login in self._known.items() if login.name == name]
        for one in of_user[:-LOGINS_OF_USER]:
            del self._known[one]

    def __delitem__(self, token: str) -> None:
        """End a login."""
        del self._known[token]

    def __iter__(self) -> Iterator[str]:
        """List the tokens."""
        return iter([*self._known])

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._known)


def checker(logins: Logins) -> Callable[[str, str], Awaitable[bool]]:
    """Return what Gradio asks whether a password is right."""

    async def check(name: str, password: str) -> bool:
        return await logins.check(name, password, ADDRESS.get())

    return check


def let_logins_end(page: gr.Blocks, logins: Logins) -> None:
    """Let the logins of a page end, and the page where one logs in describe nothing."""
    page.app.tokens = Tokens(logins)  # type: ignore[assignment]
    nothing: dict[str, dict[str, object]] = {"named_endpoints": {}, "unnamed_endpoints": {}}
    page.app.all_app_info = nothing  # type: ignore[assignment]


def user_of(page: gr.Blocks, headers: Headers) -> str:
    """Return who is logged in, as Gradio reads it from the cookies; "" for nobody."""
    app = getattr(page, "app", None)
    if app is None or app.auth is None:
        return ""
    cookies = cookie_parser(headers.get("cookie", ""))
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
    token = cookies.get(names[0]) or cookies.get(names[1])
    return (app.tokens.get(token) if token else None) or ""
