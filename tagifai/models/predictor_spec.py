"""Which predictor: `KIND:SOURCE`, and what a stranger's file may ask for."""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from tagifai.errors import TagifaiError, one_of, shorten
from tagifai.settings import flag_of, variable_of

# A kind and how its source is written.
KINDS: Mapping[str, str] = {
    "own": "own:FILE.skops",
    "sklearn": "sklearn:FILE.skops",
    "transformers": "transformers:FOLDER_OR_HUB_NAME[@REVISION]",
    "setfit": "setfit:FOLDER_OR_HUB_NAME[@REVISION]",
    "spacy": "spacy:FOLDER",
    "onnx": "onnx:FOLDER_OR_FILE.onnx",
    "http": "http:URL",
    "openai": "openai:URL#MODEL",
    "python": "python:MODULE:NAME",
}
FROM_HUB = ("transformers", "setfit")
# What runs code or asks a server: never because a file in a version's folder says so.
NEED_PERMISSION: Mapping[str, str] = {
    "python": "runs code",
    "http": "sends texts to a server",
    "openai": "sends texts to a server",
}
PRIVATE, TYPE = "private", "type"
_ALLOW = f"{flag_of('allow_predictor')} or {variable_of('allow_predictor')}"
MAX_SOURCE = 2_000
_HOST = re.compile(r"[\w-]+(\.[\w-]+)*")
_HUB_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
_SECRET = re.compile(r"(api[-_]?)?key|.*token|.*secret|pass(word|wd)?|sig(nature)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PredictorSpec:
    """Which predictor, and how it is loaded.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    source : str
        A path, a name on the Hub, a URL or ``MODULE:NAME``.
    revision : str
        Of a name on the Hub; "" for the latest.
    options : mapping
        What the kind's adapter lets one choose; never a key or password.
    """

    kind: str
    source: str
    revision: str = ""
    options: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.kind}:{self.source}" + (f"@{self.revision}" if self.revision else "")


def parse_predictor(text: str) -> PredictorSpec:
    """Read ``KIND:SOURCE``.

    >>> parse_predictor("transformers:org/model@v2")
    PredictorSpec(kind='transformers', source='org/model', revision='v2', options={})
    >>> str(parse_predictor("https://tags.example/predict"))
    'http:https://tags.example/predict'

    Raises
    ------
    TagifaiError
        An unknown kind, or a source that is not of its kind's form.
    """
    text = text.strip()
    if text.startswith(("http://", "https://")):
        text = f"http:{text}"
    kind, colon, source = text.partition(":")
    if kind not in KINDS:
        if not colon:
            raise TagifaiError(
                f"predictor {shorten(text)!r}: KIND:SOURCE is needed, as in sklearn:model.skops; "
                f"kinds: {', '.join(KINDS)}"
            )
        raise one_of("kind of predictor", kind, KINDS)
    revision = ""
    # A folder's name may hold an @ too.
    if kind in FROM_HUB and "@" in source and find_path(source) is None:
        source, _, revision = source.rpartition("@")
    return check_spec(PredictorSpec(kind, source, revision))


def find_path(source: str) -> Path | None:
    """Return the file or folder that a person who typed a source means; None where none is there.

    >>> find_path("~nobody-of-this-name/model") is None
    True
    """
    try:
        path = Path(source).expanduser()
        return path if path.exists() else None
    except (OSError, ValueError, RuntimeError):  # too long a name, or nobody's home
        return None


def with_whole_path(spec: PredictorSpec) -> PredictorSpec:
    """Return a predictor with the whole path of its file or folder, where it is one of this disk.

    The app may be started elsewhere.
    """
    if spec.kind in NEED_PERMISSION or spec.revision:
        return spec
    path = find_path(spec.source)
    return spec if path is None else replace(spec, source=str(path.resolve()))


def check_spec(spec: PredictorSpec) -> PredictorSpec:
    """Check the form of a source; nothing is opened or asked.

    Raises
    ------
    TagifaiError
        The message says which form is needed.
    """
    if spec.kind not in KINDS:
        raise one_of("kind of predictor", spec.kind, KINDS)
    where = f"predictor {shorten(str(spec), 120)}"
    form = KINDS[spec.kind]
    source = spec.source
    if not source.strip() or len(source) > MAX_SOURCE or not source.isprintable():
        raise TagifaiError(f"{where}: {form} is needed, got {shorten(source)!r}")
    if spec.revision and spec.kind not in FROM_HUB:
        raise TagifaiError(f"{where}: only {' and '.join(FROM_HUB)} have a revision")
    if spec.kind in FROM_HUB and spec.revision and not is_hub_name(source):
        raise TagifaiError(f"{where}: a revision belongs to a name on the Hub, as in ORG/NAME@v1")
    if spec.kind == "http":
        check_url(source, where)
    elif spec.kind == "openai":
        url, hash_sign, model = source.partition("#")
        check_url(url, where)
        if not hash_sign or not model.strip():
            raise TagifaiError(f"{where}: {form} is needed, as in openai:https://api.example/v1#m")
    elif spec.kind == "python":
        module, _, name = source.partition(":")
        if not all(part.isidentifier() for part in [*module.split("."), *name.split(".")]):
            raise TagifaiError(f"{where}: {form} is needed, as in python:my_package.models:tagger")
    elif source.startswith(("//", "\\\\")):
        raise TagifaiError(f"{where}: a path on another machine is not opened")
    return spec


def check_url(url: str, where: str) -> None:
    """Check an address without asking it.

    Raises
    ------
    TagifaiError
        Not http or https, no host, a user, password or key in it, or steps upwards in its path.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise TagifaiError(f"{where}: not an address ({shorten(str(error))})") from None
    if parts.scheme not in ("http", "https") or not host or " " in url:
        raise TagifaiError(
            f"{where}: an address with http:// or https:// is needed, got {shorten(url)!r}"
        )
    if not host.isascii():
        raise TagifaiError(
            f"{where}: the host {shorten(host)!r} is needed in ASCII, as in xn--….example"
        )
    if "@" in parts.netloc:
        raise TagifaiError(
            f"{where}: no user or password in an address: keys come from the environment"
        )
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        if _SECRET.fullmatch(name):
            raise TagifaiError(
                f"{where}: no key in an address ({shorten(name)!r}): keys come from the environment"
            )
    if parts.fragment:
        raise TagifaiError(f"{where}: an address of a server has no #")
    if ".." in unquote(parts.path).replace("\\", "/").split("/"):
        raise TagifaiError(f"{where}: the path of an address has no ..")


def is_hub_name(source: str) -> bool:
    """Check whether a source has the form of a name on the Hub, which a folder's may have too.

    >>> is_hub_name("org/model"), is_hub_name("./model"), is_hub_name("a/b/c")
    (True, False, False)
    """
    return _HUB_NAME.fullmatch(source) is not None and ".." not in source


@dataclass(frozen=True, slots=True)
class AllowedPredictors:
    """What the person who starts the program allows (`--allow-predictor`).

    Attributes
    ----------
    specs : tuple of PredictorSpec
        Predictors that may run code or ask a server. An address allows all below it, one of
        `openai` without a model all its models.
    private_hosts : frozenset of str
        Hosts that may be at an address of a private network: those that are allowed as such an
        address or as localhost, and each HOST of ``private:HOST``.
    types : frozenset of str
        Types that a skops file may hold beside those that skops knows: each NAME of
        ``type:NAME``.
    """

    specs: tuple[PredictorSpec, ...] = ()
    private_hosts: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()

    @classmethod
    def of(cls, texts: Iterable[str]) -> "AllowedPredictors":
        """Read what `--allow-predictor` was given.

        >>> allowed = AllowedPredictors.of(["http:http://127.0.0.1:8000/tag"])
        >>> allowed.permits(parse_predictor("http:http://127.0.0.1:8000/tag"))
        True
        >>> sorted(allowed.private_hosts)
        ['127.0.0.1']

        Raises
        ------
        TagifaiError
            One is neither ``KIND:SOURCE`` nor ``private:HOST`` nor ``type:NAME``.
        """
        specs, private, types = [], set(), set()
        for text in texts:
            kind, _, rest = text.strip().partition(":")
            try:
                if kind == PRIVATE:
                    private.add(_host_alone(rest))
                    continue
                if kind == TYPE:
                    types.add(_type_name(rest))
                    continue
                spec = _parse_allowed(kind, rest) or parse_predictor(text)
            except TagifaiError as error:
                raise TagifaiError(f"{_ALLOW}: {error}") from None
            specs.append(spec)
            if spec.kind not in NEED_PERMISSION:
                # Whichever folder the app is started in.
                specs.append(with_whole_path(spec))
            if spec.kind in ("http", "openai"):
                host = host_of(spec.source)
                if names_private(host):
                    private.add(host)
        return cls(tuple(specs), frozenset(private), frozenset(types))

    def permits(self, spec: PredictorSpec) -> bool:
        """Check whether this very predictor was allowed."""
        return any(_covers(allowed, spec) for allowed in self.specs)

    def check(self, spec: PredictorSpec) -> None:
        """Refuse what runs code or asks a server and was not allowed.

        Raises
        ------
        TagifaiError
            The message says which flag allows it.
        """
        why = NEED_PERMISSION.get(spec.kind)
        if why and not self.permits(spec):
            raise TagifaiError(
                f"predictor {spec}: it {why}, which only the person who starts the app may allow: "
                f"--allow-predictor '{spec}'"
            )


def host_of(source: str) -> str:
    """Return the host of an address, in small letters.

    >>> host_of("https://API.example:8443/v1#model")
    'api.example'
    """
    return (urlsplit(source).hostname or "").lower().rstrip(".")


def names_private(host: str) -> bool:
    """Check whether a host's name itself says that it is on a private network.

    >>> names_private("localhost"), names_private("10.0.0.1"), names_private("tags.example")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def _parse_allowed(kind: str, rest: str) -> PredictorSpec | None:
    """Read what only a permission may be: an endpoint without a model, for all of its models."""
    if kind != "openai" or "#" in rest:
        return None
    check_url(rest, f"predictor {shorten(f'{kind}:{rest}')}")
    return PredictorSpec(kind, rest)


def _host_alone(text: str) -> str:
    host = text.strip().lower().strip("[]").rstrip(".")
    if not _HOST.fullmatch(host) and not _is_address(host):
        raise TagifaiError(
            f"private:HOST: the name of a host is needed, without a port, got {shorten(text)!r}"
        )
    return host


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _type_name(text: str) -> str:
    name = text.strip()
    if "." not in name or not all(part.isidentifier() for part in name.split(".")):
        raise TagifaiError(
            f"type:NAME: the full name of a type is needed, as in sklearn.tree._tree.Tree, "
            f"got {shorten(text)!r}"
        )
    return name


def _covers(allowed: PredictorSpec, spec: PredictorSpec) -> bool:
    if allowed.kind != spec.kind:
        return False
    if spec.kind not in ("http", "openai"):
        return allowed.source == spec.source and allowed.revision in ("", spec.revision)
    one, other = urlsplit(allowed.source), urlsplit(spec.source)
    same = _origin(allowed.source) == _origin(spec.source)
    above, path = one.path.rstrip("/"), other.path.rstrip("/")
    below = path == above or path.startswith(above + "/")
    query = not one.query or one.query == other.query
    return same and below and query and one.fragment in ("", other.fragment)


def _origin(source: str) -> tuple[str, str, int]:
    parts = urlsplit(source)
    return parts.scheme, host_of(source), parts.port or {"https": 443}.get(parts.scheme, 80)
