"""The owner of a page that runs on their own machine: known by the token of the printed link."""

import hmac
import secrets
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse
from starlette.types import Scope

from tagifai.permissions import WriteRules
from tagifai.settings import Settings

TOKEN = "token"  # noqa: S105 - the name of the parameter


class Owner:
    """Whoever opened the link that the start printed, or sends its token.

    Parameters
    ----------
    token : str
        The secret of the link.
    port : int
        Where the app is: browsers keep one jar of cookies for all ports of a machine.
    by_path : bool
        Whether the link has the token in its path, and there is nothing for others. A page inside
        another, as in a notebook, is given no cookies.
    """

    def __init__(self, token: str, port: int, *, by_path: bool = False) -> None:
        self.token = token
        self.by_path = by_path
        self.cookie = f"tagifai-owner-{port}"

    @classmethod
    def of(cls, settings: Settings) -> "Owner | None":
        """Make the owner of an app; None where nobody is known by a token."""
        rules = WriteRules.of(settings)
        if not rules.local or not rules.token:
            return None
        return cls(settings.token or secrets.token_urlsafe(24), settings.port)

    @property
    def path(self) -> str:
        """The path that the owner alone knows; "" where the token is no part of it."""
        return f"/{self.token}" if self.by_path else ""

    def link(self, url: str) -> str:
        """Return the link that makes a browser the owner's."""
        return f"{url}{self.path}/" if self.by_path else f"{url}/?{TOKEN}={self.token}"

    def sent(self, headers: Headers) -> bool:
        """Check whether a request brings the token: in its cookie, or as `Authorization: Bearer`.

        >>> owner = Owner("abc", 7860)
        >>> owner.sent(Headers({"cookie": "tagifai-owner-7860=abc"}))
        True
        >>> owner.sent(Headers({"authorization": "Bearer abd"})), owner.sent(Headers())
        (False, False)
        """
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        cookies = cookie_parser(headers.get("cookie", ""))
        given = [cookies.get(self.cookie, ""), bearer.strip() if kind.lower() == "bearer" else ""]
        return any(self._is_right(one) for one in given)

    def welcome(self, scope: Scope) -> RedirectResponse | None:
        """Answer the link: with a cookie, and the address without the token.

        None where a request brings none. A wrong token makes nobody the owner.
        """
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        tokens = [value for name, value in query if name == TOKEN]
        if self.by_path or not tokens or scope["path"] != "/":
            return None
        rest = urlencode([pair for pair in query if pair[0] != TOKEN])
        answer = RedirectResponse("/" + (f"?{rest}" if rest else ""), status_code=303)
        if any(self._is_right(token) for token in tokens):
            answer.set_cookie(self.cookie, self.token, httponly=True, samesite="lax")
        return answer

    def _is_right(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode())
