"""Who may write: one person at the machine itself, or reviewers who are named and logged in."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from tagifai.errors import TagifaiError
from tagifai.settings import Settings
from tagifai.spaces import Space, warn_of_disk

LOCAL = "local"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


@dataclass(frozen=True, slots=True)
class Visit:
    """What a request says about who sent it, and from which page.

    Parameters
    ----------
    host : str
        The host that was asked for.
    client : str
        The address that the request came from.
    forwarded : bool
        Whether a proxy passed it on.
    origin, fetch_site : str
        The browser's headers; "" where it sent none.
    user : str
        Who logged in; "" for nobody.
    owner : bool
        Whether it brought the token of the link that the start printed.
    """

    host: str = ""
    client: str = ""
    forwarded: bool = False
    origin: str = ""
    fetch_site: str = ""
    user: str = ""
    owner: bool = False

    @classmethod
    def of(
        cls, headers: Mapping[str, str], client: str | None, user: str | None, owner: bool = False
    ) -> "Visit":
        """Read a visit from its headers, the address it came from and who logged in.

        >>> Visit.of({"Host": "127.0.0.1:7860"}, "127.0.0.1", None).host
        '127.0.0.1:7860'
        """
        known = {name.lower(): value for name, value in headers.items()}
        return cls(
            known.get("host", ""),
            client or "",
            any(name in known for name in _FORWARDED),
            known.get("origin", ""),
            known.get("sec-fetch-site", ""),
            user or "",
            owner,
        )


@dataclass(frozen=True, slots=True)
class WriteRules:
    """Who may write: `local`, the one at the machine; else the `reviewers` who log in.

    Parameters
    ----------
    local : bool
        Whether the one at the machine writes.
    reviewers : frozenset of str
        Who else writes, once logged in.
    token : bool
        Whether the one at the machine is known by the token of the printed link; else whoever
        asks from this machine is taken for them.
    """

    local: bool = True
    reviewers: frozenset[str] = frozenset()
    token: bool = True

    @classmethod
    def of(cls, settings: Settings) -> "WriteRules":
        """Derive the rules from the settings.

        With a login, a share link or a proxy's path others can open the page: then nobody
        counts as the person at the machine.
        """
        local = is_loopback(settings.host) and not (
            settings.share or settings.auth_file or settings.root_path
        )
        return cls(local, settings.reviewer_names, not settings.no_token)

    def reviewer_of(self, visit: Visit) -> str:
        """Return who writes with this visit.

        Raises
        ------
        TagifaiError
            The visitor may only read, or another site's page sent the request.
        """
        check_same_site(visit)
        return self.reader_of(visit)

    def reader_of(self, visit: Visit) -> str:
        """Return who would write with this visit, wherever the request came from.

        Raises
        ------
        TagifaiError
            The visitor may only read; the message says who may write.
        """
        if self.local:
            if visit.owner if self.token else self._is_here(visit):
                return LOCAL
            raise TagifaiError(
                "read-only: open the link that was printed when the app started; its token shows "
                "that you are at the machine. Others write once they log in (--auth-file and "
                "--reviewers)"
                if self.token
                else "read-only: this page was reached from elsewhere; reviews are taken at the "
                "machine itself, or from reviewers who log in (--auth-file and --reviewers)"
            )
        if not self.reviewers:
            raise TagifaiError(
                "read-only: the page is open to others and nobody is named as a reviewer; "
                "start it with --auth-file and --reviewers"
            )
        if not visit.user:
            raise TagifaiError("read-only: reviews are taken from reviewers who logged in")
        if visit.user not in self.reviewers:
            raise TagifaiError(
                f"read-only: {visit.user!r} is not among the reviewers; --reviewers names them"
            )
        return visit.user

    def _is_here(self, visit: Visit) -> bool:
        return is_loopback(visit.client) and is_loopback(visit.host) and not visit.forwarded


def check_same_site(visit: Visit) -> None:
    """Check that no page of another site sent a request in the name of its reader.

    A browser says so itself (Sec-Fetch-Site), or else sends the page's origin with every POST.
    A program that sends neither is no browser.

    Raises
    ------
    TagifaiError
        The request came from another site.
    """
    if visit.fetch_site:
        same = visit.fetch_site in ("same-origin", "none")
    else:
        same = not visit.origin or urlsplit(visit.origin).netloc.lower() == visit.host.lower()
    if not same:
        raise TagifaiError(
            f"refused: the request came from another site ({visit.origin or visit.fetch_site}), "
            f"not from this page"
        )


def is_loopback(address: str) -> bool:
    """Return whether a host, with or without port, is this machine.

    >>> [is_loopback(host) for host in ("localhost:7860", "[::1]:7860", "127.0.0.1", "0.0.0.0")]
    [True, True, True, False]
    """
    host = address.strip().lower()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    return host in _LOOPBACK


def warnings_of(settings: Settings, space: Space | None = None) -> list[str]:
    """Return one line on who else can see the page, and one on what may happen to reviews."""
    disk = warn_of_disk(settings.reviews_file, space, settings.reviews_repo)
    return [line for line in (warning_of(settings, space), disk) if line]


def warning_of(settings: Settings, space: Space | None = None) -> str:
    """Return a line on who else can see the page and whether reviews are off, or ""."""
    if settings.auth_file or not (settings.share or not is_loopback(settings.host)):
        return ""
    if space is not None and space.login:
        if settings.reviewers:
            return ""
        return (
            "whoever may open this Space may look; reviews are off (--reviewers names who writes)"
        )
    who = (
        f"whoever may open the Space {space.name} sees the data and its texts"
        if space is not None
        else "the link is public: whoever has it sees the data and its texts"
        if settings.share
        else f"{settings.host} lets in whoever reaches this machine"
    )
    how = (
        "hf_oauth in its README and --reviewers turn them on"
        if space is not None
        else "--auth-file and --reviewers turn them on"
    )
    return f"{who}; reviews are off ({how})"
