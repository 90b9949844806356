"""By which names the app is served: others are refused, whoever's address they lead to."""

from collections.abc import Collection, Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from tagifai.permissions import is_loopback
from tagifai.settings import Settings
from tagifai.spaces import Space

LOOPBACK = ("127.0.0.1", "localhost", "::1")
ANY = "*"


class ServedHosts:
    """The names by which browsers reach the app.

    A page of another site can have its own name lead to this machine (DNS rebinding): its browser
    then takes it for the app's own page. It still sends the name.

    Parameters
    ----------
    names : collection of str
        Names and addresses; `*.example.org` is each name under it, `*` whatever is asked for.
    addresses : bool
        Whether each address in figures is one of the app's: no name can stand behind those.
    """

    def __init__(self, names: Iterable[str] = LOOPBACK, *, addresses: bool = False) -> None:
        self.names = {host_of(name) for name in names}
        self.addresses = addresses

    @classmethod
    def of(cls, settings: Settings, space: Space | None = None) -> "ServedHosts":
        """List the names of an app: this machine's own, and those that the settings name."""
        here = is_loopback(settings.host)
        proxied = urlsplit(settings.root_path).hostname
        names: Collection[str] = (
            *LOOPBACK,
            settings.host,
            *settings.allowed_host,
            *([proxied] if proxied else ()),
            # A Space's proxy passes on nothing that was sent to another name.
            *([ANY] if space is not None else ()),
        )
        return cls(names, addresses=not here)

    def add(self, name: str) -> None:
        """Serve one more name."""
        self.names.add(host_of(name))

    def serve(self, host: str) -> bool:
        """Check whether the app is served at a `Host`, with or without a port.

        >>> hosts = ServedHosts(["localhost", "*.example.org"])
        >>> [hosts.serve(host) for host in ("LOCALHOST:7860", "tags.example.org", "example.org")]
        [True, True, False]
        >>> ServedHosts(addresses=True).serve("192.168.1.7:7860")
        True
        """
        if ANY in self.names:
            return True
        name = host_of(host)
        if not name:
            return False
        parents = name.split(".")
        wild = {f"*.{'.'.join(parents[start:])}" for start in range(1, len(parents))}
        return name in self.names or bool(wild & self.names) or (self.addresses and _is_ip(name))


def host_of(text: str) -> str:
    """Return the name or address in a `Host`; "" where it is none.

    >>> host_of("Tags.Example.org.:443"), host_of("[::1]:7860"), host_of("::1"), host_of("a b@c")
    ('tags.example.org', '::1', '::1', '')
    """
    text = text.strip().lower()
    if _is_ip(text):
        return str(ip_address(text))
    if any(sign in text for sign in "@/?#\\ \t"):
        return ""
    try:
        name = urlsplit(f"//{text}").hostname or ""
    except ValueError:
        return ""
    return str(ip_address(name)) if _is_ip(name) else name.rstrip(".")


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
