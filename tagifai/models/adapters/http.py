"""A server that takes texts as JSON and answers probabilities as JSON: `http:URL`."""

import hashlib
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import msgspec
import numpy as np

from tagifai.arrays import Array
from tagifai.errors import TagifaiError, counted, one_of, shorten
from tagifai.models.adapters.endpoints import Endpoint, Patience, check_header
from tagifai.models.adapters.loading import LoadContext, left_out
from tagifai.models.predictor_spec import PredictorSpec
from tagifai.models.usage import Usage

INSTALL = "pip install httpx"
PROBE = "text"
_NAMES, _VALUES = ("label", "tag", "name"), ("score", "probability", "value")

Positive = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Count = Annotated[int, msgspec.Meta(ge=1, le=10_000)]


class Options(msgspec.Struct, frozen=True):
    """How a server is asked, and where its answer holds what.

    A field's path has dots between its steps, as in ``data.predictions``; "" is the whole body.

    Attributes
    ----------
    texts_field : str
        Where the request holds the texts.
    one_text : bool
        Whether the server takes one text a request, and answers one row.
    extra : mapping
        What else each request holds.
    probabilities_field : str
        Where the answer holds a row for each text: a list of numbers, an object from tags to
        numbers, or a list of objects with a label and a score.
    tags_field : str
        Where the answer names the columns; "" where it does not.
    missing : str
        "error" or "zero": what a tag is that an object of an answer does not name.
    headers_from : mapping
        Names of headers, and the environment variable (``TAGIFAI_KEY_…``) that each is read from.
    batch_size, concurrency : int
        The most texts of a request, and the most requests at once.
    timeout : float
        Seconds that one answer may take.
    retries : int
        How often a request that failed for the moment is tried again.
    backoff : float
        Seconds before the second try; twice as many before each further one.
    requests_per_second : float
        The most requests that are begun in a second; 0 for no limit.
    max_bytes : int
        The largest answer.
    keep_hours : float
        How long an answer is used again for the same text; 0 for never. `add-version` always asks
        again, since another model may stand behind the address by then.
    """

    texts_field: str = "texts"
    one_text: bool = False
    extra: dict[str, object] = {}
    probabilities_field: str = "probabilities"
    tags_field: str = "tags"
    missing: Annotated[str, msgspec.Meta(pattern="^(error|zero)$")] = "error"
    headers_from: dict[str, str] = {}
    batch_size: Count = 32
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    timeout: Positive = 30.0
    retries: Annotated[int, msgspec.Meta(ge=0, le=10)] = 3
    backoff: Annotated[float, msgspec.Meta(ge=0, le=60)] = 0.5
    requests_per_second: Annotated[float, msgspec.Meta(ge=0, le=10_000)] = 0.0
    max_bytes: Annotated[int, msgspec.Meta(ge=1, le=2**30)] = 32 * 2**20
    keep_hours: Annotated[float, msgspec.Meta(ge=0, le=10_000)] = 24.0

    @property
    def patience(self) -> Patience:
        """How long and how often the server is asked."""
        return Patience(
            self.timeout, self.retries, self.backoff, self.requests_per_second, self.max_bytes
        )


class HttpPredictor:
    """A server that tags texts.

    Parameters
    ----------
    endpoint : Endpoint
        What is asked.
    options : Options
        How.
    context : LoadContext
        The tags, and where answers are kept; a server is asked about one short text where the
        tags are not known.

    Attributes
    ----------
    usage : Usage
        What asking has cost so far.
    """

    remote = True

    def __init__(self, endpoint: Endpoint, options: Options, context: LoadContext) -> None:
        self.endpoint = endpoint
        self.options = options
        self._size = 1 if options.one_text else options.batch_size
        # Of one call: as many requests at once as are allowed, each full.
        self.batch_size = self._size * options.concurrency
        self.timeout = options.patience.longest
        self._cache = context.cache if options.keep_hours else None
        self.usage = Usage()
        self._lock = threading.Lock()
        self._names = {tag or left_out(name): name for name, tag in context.tag_map.items()}
        if context.tags:
            self.tags = context.rename(context.tags, endpoint.where)
        else:
            self.tags = context.name_columns(self._ask_names(), None, endpoint.where)

    @property
    def columns(self) -> tuple[str, ...]:
        """What the server calls its columns: with them, it need not be asked for their names."""
        return tuple(self._names.get(tag, tag) for tag in self.tags)

    def predict_proba(self, texts: Sequence[str]) -> Array:
        """Return the server's probabilities, (n_texts, n_tags), or those kept of it."""
        keys = [self._key(text) for text in texts]
        found = [self._read_kept(key) for key in keys]
        with self._lock:
            self.usage = self.usage.plus(cached=sum(row is not None for row in found))
        missing = [place for place, row in enumerate(found) if row is None]
        parts = [missing[i : i + self._size] for i in range(0, len(missing), self._size)]

        def ask(part: list[int]) -> None:
            rows = self._predict([texts[place] for place in part])
            for place, row in zip(part, rows, strict=True):
                found[place] = row
                self._keep(keys[place], row)

        if len(parts) == 1:
            ask(parts[0])
        else:
            with ThreadPoolExecutor(self.options.concurrency) as pool:
                list(pool.map(ask, parts))
        return np.array(found, np.float64).reshape(len(texts), len(self.tags))

    def _read_kept(self, key: str) -> list[float] | None:
        if self._cache is None:
            return None
        kept = self._cache.get(key, max_age=3600 * self.options.keep_hours)
        return None if kept is None or len(kept) != len(self.tags) else list(kept)

    def _keep(self, key: str, row: Sequence[float]) -> None:
        # What is no probability is an error, which another try may mend.
        if self._cache is not None and all(0 <= value <= 1 for value in row):
            self._cache.put(key, row)

    def _key(self, text: str) -> str:
        """Return the digest of all that an answer depends on."""
        options = self.options
        parts = (
            "http", self.endpoint.url, self.columns, options.texts_field, options.one_text,
            options.extra, options.probabilities_field, options.tags_field, options.missing,
            options.headers_from, text,
        )  # fmt: skip
        return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()

    def _predict(self, texts: list[str]) -> list[list[float]]:
        answer = self._ask(texts)
        rows = self._rows(answer)
        if len(rows) != len(texts):
            raise self._error(
                f"{counted(len(texts), 'text')} sent, {counted(len(rows), 'row')} answered"
            )
        named = bool(rows) and as_named(rows[0]) is not None
        order = range(len(self.tags)) if named else self._order(answer)
        return [self._read_row(row, order) for row in rows]

    def _rows(self, answer: object) -> list[object]:
        found = self._find(answer, self.options.probabilities_field)
        if self.options.one_text:
            # Some servers answer a list of the one row, others the row itself.
            nested = isinstance(found, list) and len(found) == 1 and isinstance(found[0], list)
            return [found[0]] if isinstance(found, list) and nested else [found]
        if not isinstance(found, list):
            raise self._error(f"a list with a row for each text is needed, got {_shown(found)}")
        return found

    def _ask(self, texts: list[str]) -> object:
        sent: object = texts[0] if self.options.one_text else texts
        body = dict(self.options.extra)
        *parents, last = self.options.texts_field.split(".")
        place = body
        for name in parents:
            inner = place.get(name)
            place[name] = inner = dict(inner) if isinstance(inner, dict) else {}
            place = inner
        place[last] = sent
        whole = body if self.options.texts_field else sent
        answer = self.endpoint.post(whole)
        with self._lock:
            self.usage = self.usage.plus(requests=1, seconds=answer.seconds)
        return answer.json(self.endpoint.where)

    def _find(self, answer: object, field: str) -> object:
        found = answer
        for step in field.split(".") if field else ():
            if isinstance(found, dict) and step in found:
                found = found[step]
            elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
                found = found[int(step)]
            else:
                raise self._error(
                    f"the answer has no {shorten(field)!r} (at {shorten(step)!r}): {_shown(found)}"
                )
        return found

    def _order(self, answer: object) -> Sequence[int]:
        """Return where in a row of numbers each tag is, by the names that the answer gives."""
        named, known = self._columns(answer), list(self.columns)
        if named is None or named == known:
            return range(len(known))
        if sorted(named) != sorted(known):
            raise self._error(
                f"the answer's tags are {_shown(named)}, and {_shown(known)} are expected"
            )
        return [named.index(name) for name in known]

    def _columns(self, answer: object) -> list[str] | None:
        if not self.options.tags_field:
            return None
        try:
            found = self._find(answer, self.options.tags_field)
        except TagifaiError:
            return None
        is_names = isinstance(found, list) and all(isinstance(name, str) for name in found)
        return list(found) if is_names and isinstance(found, list) and found else None

    def _ask_names(self) -> list[str] | None:
        """Ask about one short text, for the names of the tags."""
        answer = self._ask([PROBE])
        found = self._find(answer, self.options.probabilities_field)
        row = found[0] if isinstance(found, list) and found and _is_row(found[0]) else found
        named = as_named(row) or as_named(found)
        return list(named) if named else self._columns(answer)

    def _read_row(self, row: object, order: Sequence[int]) -> list[float]:
        named = as_named(row)
        if named is None:
            if not isinstance(row, list) or not all(_is_number(value) for value in row):
                raise self._error(f"a row of numbers is needed, got {_shown(row)}")
            if len(row) != len(self.tags):
                raise self._error(
                    f"a row of {counted(len(row), 'number')} for {counted(len(self.tags), 'tag')}"
                )
            return [float(row[place]) for place in order]
        known = self.columns
        unknown = next((name for name in named if name not in set(known)), None)
        if unknown is not None:
            raise self._error(str(one_of("tag", unknown, known)))
        if self.options.missing == "error":
            lost = next((name for name in known if name not in named), None)
            if lost is not None:
                raise self._error(
                    f"the answer has no probability of {shorten(lost)!r}; where what is left out "
                    'is 0, set the option missing to "zero"'
                )
        return [named.get(name, 0.0) for name in known]

    def _error(self, message: str) -> TagifaiError:
        return TagifaiError(f"{self.endpoint.where}: {message}")


def load(spec: PredictorSpec, options: Options, context: LoadContext) -> HttpPredictor:
    """Prepare to ask a server, which the person has allowed."""
    where = f"predictor {spec}"
    for name in options.headers_from:
        check_header(name, where)
    headers = {
        name: context.key(variable, (), where) for name, variable in options.headers_from.items()
    }
    for name, value in headers.items():
        if not value:
            variable = options.headers_from[name]
            raise TagifaiError(f"{where}: the variable {variable} (header {name}) is not set")
    endpoint = Endpoint(
        spec.source,
        headers,
        options.patience,
        context.allowed.private_hosts,
        where,
    )
    if headers:
        endpoint.refuse_plain_key()
    return HttpPredictor(endpoint, options, context)


def as_named(row: object) -> dict[str, float] | None:
    """Return a row that names its tags as {tag: number}; None where it does not.

    >>> as_named([{"label": "cv", "score": 0.5}]), as_named({"cv": 1}), as_named([0.5])
    ({'cv': 0.5}, {'cv': 1.0}, None)
    """
    if isinstance(row, Mapping):
        pairs = list(row.items())
    elif isinstance(row, list) and row and all(isinstance(one, dict) for one in row):
        pairs = [(_first(one, _NAMES), _first(one, _VALUES)) for one in row]
    else:
        return None
    if not all(isinstance(name, str) and _is_number(value) for name, value in pairs):
        return None
    return {str(name): float(value) for name, value in pairs}


def _first(found: Mapping[str, object], names: Sequence[str]) -> object:
    return next((found[name] for name in names if name in found), None)


def _is_row(found: object) -> bool:
    return isinstance(found, list | dict)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _shown(found: object) -> str:
    return shorten(repr(found), 120)
