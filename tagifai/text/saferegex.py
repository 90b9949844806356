"""Run a visitor's pattern where it cannot hang the app.

Python's `re` can take years over a short pattern, and holds the interpreter's lock meanwhile. So
it runs in a child process that is killed when it takes too long.
"""

import queue
import threading
import weakref
from collections import deque
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from tagifai.errors import TagifaiError, shorten
from tagifai.text.classes import expand_classes
from tagifai.text.languages import DEFAULT_LANGUAGE
from tagifai.text.preprocessing import (
    FILTERS,
    invalid_filters,
    preprocess_text,
    preprocess_with,
)
from tagifai.text.regexchild import ChildDiedError, ChildTimeoutError, RegexChild

MAX_PATTERN = 256
MAX_TEXT = 10_000
# The longest list of a language, Slovene, has 1,784.
MAX_STOPWORDS = 2_000
MAX_STOPWORD = 64
SECONDS = 0.1
_WAIT_SECONDS = 5.0


class SafeRegex:
    """Preprocess visitors' texts with visitors' patterns, in at most `max_children` processes.

    Safe to share between threads. Processes start at the first pattern that needs one, and end
    with `close`, with the object, or with the program.
    """

    def __init__(self, *, max_children: int = 2, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._slots = _Slots(max_children)
        self._living: set[RegexChild] = set()
        self._closed = threading.Event()
        self._finalizer = weakref.finalize(self, _close_all, self._living)

    def preprocess_text(
        self,
        text: str,
        *,
        lower: bool = True,
        stem: bool = False,
        filters: str = FILTERS,
        stopwords: Iterable[str] | None = None,
        language: str = DEFAULT_LANGUAGE,
    ) -> str:
        """Return what `preprocessing.preprocess_text` returns, or give up in time.

        Raises
        ------
        TagifaiError
            `filters` is no regular expression or takes too long on this text, the language is
            unknown, or the pattern (256 characters), the text (10,000) or the stopwords (2,000)
            are too many.
        """
        _check_length("text", text, MAX_TEXT)
        words = _checked_stopwords(stopwords)
        if filters in ("", FILTERS):
            return preprocess_text(
                text, lower=lower, stem=stem, filters=filters, stopwords=words, language=language
            )
        _check_length("filters", filters, MAX_PATTERN)
        return preprocess_with(
            lambda plain: self._replace(filters, plain),
            text,
            lower=lower,
            stem=stem,
            stopwords=words,
            language=language,
        )

    def replace(self, pattern: str, text: str) -> str:
        """Replace each match of `pattern` by a space, as `re.sub` does.

        Raises:
            TagifaiError: as `preprocess_text` does.
        """
        _check_length("filters", pattern, MAX_PATTERN)
        _check_length("text", text, MAX_TEXT)
        return self._replace(pattern, text)

    def close(self) -> None:
        """End the processes; patterns are refused from now on."""
        self._closed.set()
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _replace(self, pattern: str, text: str) -> str:
        expanded = expand_classes(pattern)
        try:
            child = self._slots.take(_WAIT_SECONDS)
        except queue.Empty:
            raise TagifaiError("too many patterns are being tried at once; try again") from None
        try:
            kind, value = "died", ""
            for _ in range(2):  # a child that ended while idle says nothing about this pattern
                child = child or self._start()
                try:
                    kind, value = child.replace(expanded, text, self._seconds)
                    break
                except ChildDiedError:
                    self._living.discard(child)
                    child = None
        except ChildTimeoutError:
            self._living.discard(child)
            child = None
            child = self._start()  # now, so that it is ready for whoever comes next
            raise TagifaiError(
                f"filters: {shorten(pattern)!r} took more than {self._seconds * 1000:.0f} ms "
                f"on this text; simplify it"
            ) from None
        finally:
            self._slots.give(child)
        if kind == "invalid":
            raise invalid_filters(pattern, expanded, value)
        if kind != "done":
            raise TagifaiError(
                f"filters: {shorten(pattern)!r} needs too much memory on this text; simplify it"
            )
        return value

    def _start(self) -> RegexChild:
        child = RegexChild()
        self._living.add(child)
        if self._closed.is_set():  # asked afterwards: `close` may have come in between
            _close_all(self._living)
            raise TagifaiError("patterns are no longer tried: the app is closing")
        return child


class _Slots:
    """Hand out children, or None where one is still to be started, in the order of asking.

    A `queue.Queue` lets whoever has just given one back take it again at once: a visitor who
    tries one slow pattern after the other would keep the others waiting.
    """

    def __init__(self, number: int) -> None:
        self._lock = threading.Lock()
        self._idle: list[RegexChild | None] = [None] * number
        self._waiting: deque[queue.SimpleQueue[RegexChild | None]] = deque()

    def take(self, seconds: float) -> RegexChild | None:
        """Wait for one; raise `queue.Empty` after `seconds`."""
        mine: queue.SimpleQueue[RegexChild | None] = queue.SimpleQueue()
        with self._lock:
            if self._idle:
                return self._idle.pop()
            self._waiting.append(mine)
        try:
            return mine.get(timeout=seconds)
        except queue.Empty:
            with self._lock:
                if mine in self._waiting:
                    self._waiting.remove(mine)
                    raise
            return mine.get()  # it was handed over just then

    def give(self, child: RegexChild | None) -> None:
        """Hand one to who has waited longest, or keep it."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().put(child)
            else:
                self._idle.append(child)


def _close_all(children: set[RegexChild]) -> None:
    while children:
        children.pop().close()


def _check_length(what: str, text: str, most: int) -> None:
    if len(text) > most:
        raise TagifaiError(f"{what}: {len(text):,} characters; at most {most:,} are allowed here")


def _checked_stopwords(stopwords: Iterable[str] | None) -> Iterable[str] | None:
    if stopwords is None or isinstance(stopwords, str):
        return stopwords
    words = list(stopwords)
    if len(words) > MAX_STOPWORDS:
        raise TagifaiError(f"stopwords: {len(words):,} words; at most {MAX_STOPWORDS:,}")
    for word in words:
        _check_length("stopwords", str(word), MAX_STOPWORD)
    return words
