"""Ask a server, bounded in every way: addresses, redirects, time, size, tries and rate."""

import ipaddress
import re
import socket
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import msgspec

from tagifai.errors import TagifaiError, shorten
from tagifai.models.predictor_spec import host_of, names_private

if TYPE_CHECKING:
    import httpx

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that may be better a moment later."""
REDIRECTS = frozenset({301, 302, 307, 308})
MAX_REDIRECTS = 3
MAX_PAUSE = 60.0
MAX_SHOWN = 200
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Resolve = Callable[[str, int], list[str]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often a server is asked.

    Attributes
    ----------
    timeout : float
        Seconds that one answer may take, from the first byte sent to the last one read.
    retries : int
        How often what may pass is tried again.
    backoff : float
        Seconds before the second try; twice as many before each further one, unless the server
        says how long to wait.
    requests_per_second : float
        The most requests that are begun in a second; 0 for as many as there are.
    max_bytes : int
        The largest answer that is read.
    """

    timeout: float = 30.0
    retries: int = 3
    backoff: float = 0.5
    requests_per_second: float = 0.0
    max_bytes: int = 32 * 2**20

    @property
    def longest(self) -> float:
        """The seconds after which the last try has ended, however long a server asks to wait."""
        turn = 1 / self.requests_per_second if self.requests_per_second > 0 else 0.0
        return (self.retries + 1) * (self.timeout + turn) + self.retries * MAX_PAUSE


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered: its status, and the JSON or bytes of it."""

    status: int
    content: bytes
    seconds: float

    def json(self, where: str) -> object:
        """Return the JSON of the answer.

        Raises
        ------
        TagifaiError
            It is none.
        """
        try:
            found: object = msgspec.json.decode(self.content)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise TagifaiError(
                f"{where}: the answer is no JSON ({shorten(str(error))}): {self.shown}"
            ) from None
        return found

    @property
    def shown(self) -> str:
        """The beginning of the answer, in one printable line."""
        text = " ".join(self.content[: MAX_SHOWN * 4].decode("utf-8", "replace").split())
        return shorten("".join(c if c.isprintable() else "?" for c in text), MAX_SHOWN)


class _PassingError(Exception):
    """A failure that another try may mend; `pause` is what the server asked for."""

    def __init__(self, message: str, pause: float = 0.0) -> None:
        super().__init__(message)
        self.pause = pause


@dataclass
class Endpoint:
    """A server that is asked for JSON, at the address that was checked and at no other.

    A name is resolved, each of its addresses is checked, and the connection goes to one of those
    very addresses: a name that resolves to something else a moment later gains nothing.
    Redirects stay on the same host. Proxies of the environment are not used, because what
    they connect to cannot be checked.

    Attributes
    ----------
    url : str
        Where requests go.
    headers : mapping
        Sent with each request; may hold a key, so they are never shown.
    patience : Patience
        How long and how often it is asked.
    private_hosts : collection of str
        Hosts that may be at a private address.
    where : str
        What messages start with.
    resolve : callable
        From a host and a port to addresses.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    patience: Patience = field(default_factory=Patience)
    private_hosts: Collection[str] = ()
    where: str = ""
    resolve: Resolve = field(default=lambda host, port: resolve(host, port))
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _next: float = 0.0
    _client: "httpx.Client | None" = field(default=None, repr=False)

    def post(self, body: object, accepted: Collection[int] = (200,)) -> Answer:
        """Send JSON and return the answer.

        Parameters
        ----------
        body : object
            What becomes JSON.
        accepted : collection of int
            Statuses that the caller can use; others are errors.

        Raises
        ------
        TagifaiError
            Not reached, not in time, too large, a redirect elsewhere, or another status.
        """
        content = msgspec.json.encode(body)
        tries = self.patience.retries + 1
        last = ""
        for i in range(tries):
            self._take_turn()
            try:
                return self._follow(content, accepted)
            except _PassingError as error:
                last, pause = str(error), error.pause
            if i + 1 < tries:
                time.sleep(min(pause or self.patience.backoff * 2**i, MAX_PAUSE))
        tried = "tried once" if tries == 1 else f"tried {tries} times"
        raise self._error(f"{last}; {tried}")

    def _take_turn(self) -> None:
        if self.patience.requests_per_second <= 0:
            return
        with self._lock:
            start = max(self._next, time.monotonic())
            self._next = start + 1 / self.patience.requests_per_second
        time.sleep(max(0.0, start - time.monotonic()))

    def _follow(self, content: bytes, accepted: Collection[int]) -> Answer:
        url = self.url
        for _ in range(MAX_REDIRECTS + 1):
            status, found, location, seconds = self._send(url, content)
            if location is None or status not in REDIRECTS:
                break
            target = urljoin(url, location)
            if not _same_origin(target, self.url):
                raise self._error(
                    f"redirects to {shorten(target)!r}, another server; only {self.url} was allowed"
                )
            url = target
        else:
            raise self._error(f"redirects more than {MAX_REDIRECTS} times")
        answer = Answer(status, found, seconds)
        if status in accepted:
            return answer
        message = f"the server answered {status}: {answer.shown or 'nothing more'}"
        if status in PASSING:
            raise _PassingError(message, _pause(location if status not in REDIRECTS else None))
        if status in (401, 403):
            message += " (is a key missing from the environment?)"
        raise self._error(message)

    def _send(self, url: str, content: bytes) -> tuple[int, bytes, str | None, float]:
        """Send one request; the third value is the target of a redirect, or Retry-After."""
        import httpx

        started = time.monotonic()
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        last: Exception | None = None
        for address in self._addresses(host_of(url), port):
            target = httpx.URL(url).copy_with(host=address)
            request = self._connect().build_request(
                "POST",
                target,
                content=content,
                headers={**self.headers, **_HEADERS, "Host": parts.netloc},
                # The certificate is that of the name, whatever address it was found at.
                extensions={
                    "sni_hostname": host_of(url),
                    "timeout": httpx.Timeout(self.patience.timeout).as_dict(),
                },
            )
            try:
                response = self._connect().send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                last = error  # another of its addresses may answer
                continue
            except httpx.TimeoutException:
                raise self._late() from None
            except (httpx.HTTPError, OSError) as error:
                raise _PassingError(f"{url}: cut off ({_plain(error)})") from None
            try:
                body = self._read(response, started)
            finally:
                response.close()
            status = response.status_code
            header = "location" if status in REDIRECTS else "retry-after"
            return status, body, response.headers.get(header), time.monotonic() - started
        raise _PassingError(f"{url}: cannot be reached ({_plain(last)})")

    def _read(self, response: "httpx.Response", started: float) -> bytes:
        import httpx

        most = self.patience.max_bytes
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            raise self._error(
                f"the answer is packed ({shorten(encoding)}), which was not asked for"
            )
        body = bytearray()
        try:
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > most:
                    raise self._error(f"the answer has more than the {most:,} bytes that are read")
                if time.monotonic() - started > self.patience.timeout:
                    raise self._late()
        except httpx.TimeoutException:
            raise self._late() from None
        except httpx.HTTPError as error:
            raise _PassingError(f"{self.url}: the answer was cut off ({_plain(error)})") from None
        return bytes(body)

    def _addresses(self, host: str, port: int) -> list[str]:
        try:
            found = self.resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise _PassingError(f"{host}: no such host ({_plain(error)})") from None
        for address in found:
            if not self._may_reach(host, address):
                raise self._error(
                    f"{host} is at {address}, a private address, which is not asked unless its "
                    f"host is allowed by name: --allow-predictor private:{host}"
                )
        if not found:
            raise _PassingError(f"{host}: no such host")
        return found

    def _may_reach(self, host: str, address: str) -> bool:
        if is_public(address):
            return True
        if host not in self.private_hosts:
            return False
        # "localhost" is this machine alone.
        return host != "localhost" or ipaddress.ip_address(address).is_loopback

    def _connect(self) -> "httpx.Client":
        import httpx

        with self._lock:
            if self._client is None:
                # Certificates as everywhere else: SSL_CERT_FILE, or those that certifi ships.
                trusted = httpx.create_ssl_context(trust_env=True)
                self._client = httpx.Client(verify=trusted, trust_env=False, follow_redirects=False)
            return self._client

    def _late(self) -> _PassingError:
        return _PassingError(f"{self.url}: no answer within {self.patience.timeout:g} seconds")

    def _error(self, message: str) -> TagifaiError:
        return TagifaiError(f"{self.where}: {message}")

    def refuse_plain_key(self) -> None:
        """Refuse to send a key in clear text to anything but a private network.

        Raises
        ------
        TagifaiError
            The address is http:// and public, and there is a key.
        """
        host = host_of(self.url)
        private = names_private(host) or host in self.private_hosts
        if self.url.startswith("http://") and not private:
            raise self._error("a key is only sent over https://")


_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_RESERVED = re.compile(
    "host|content-.*|transfer-encoding|connection|accept.*|te|trailer|upgrade|expect|cookie|proxy-.*",
    re.IGNORECASE,
)


def check_header(name: str, where: str) -> None:
    """Refuse a header that would change what a request is.

    Raises
    ------
    TagifaiError
        Not a name of a header, or one that is set here.
    """
    if not _HEADER.fullmatch(name) or _RESERVED.fullmatch(name):
        raise TagifaiError(f"{where}: the header {shorten(name)!r} cannot be set")


_HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    # As the bytes are: a packed answer could be a thousand times as large.
    "Accept-Encoding": "identity",
    "User-Agent": "tagifai",
}


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, in the order in which the system would try them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_public(address: str) -> bool:
    """Check whether an address is of the public internet, whatever it is wrapped in.

    >>> [is_public(a) for a in ("8.8.8.8", "127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1")]
    [True, False, False, False]
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def _same_origin(url: str, other: str) -> bool:
    """Check whether two addresses are of one server; a malformed one is of none."""
    try:
        return "@" not in urlsplit(url).netloc and _origin(url) == _origin(other)
    except ValueError:
        return False


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, host_of(url), parts.port or (443 if parts.scheme == "https" else 80)


def _pause(retry_after: str | None) -> float:
    """Return the seconds that Retry-After asks for; 0 for none, a date or nonsense."""
    if retry_after is None or not retry_after.strip().isdigit():
        return 0.0
    return min(float(retry_after), MAX_PAUSE)


def _plain(error: object) -> str:
    return shorten(str(error) or type(error).__name__)
