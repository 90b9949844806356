"""The words of projects that raise and lower a tag, for any version that can predict."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple
from weakref import WeakSet

import numpy as np

from tagifai.errors import TagifaiError, one_of
from tagifai.inference.explanation import explain, explain_all
from tagifai.inference.linear_pipelines import LinearPipeline
from tagifai.inference.marked_words import TEXTS_EACH, MarkedWords, mark_words
from tagifai.inference.reasons import find_pipeline
from tagifai.models.adapters.own import OwnPredictor
from tagifai.models.classifier import TagClassifier
from tagifai.models.predictor import Cancelled, CheckedPredictor, PredictionCancelled, Progress
from tagifai.services.patience import MOMENT
from tagifai.services.versions import VersionService
from tagifai.store.memory_cache import MemoryCache

# With more tags than these, only the one that is asked for is remembered.
MANY_TAGS = 2_000
# Seconds that a page waits for exact contributions.
EXACT = 3.0
Method = Literal["exact", "leave-one-out"]


class WordShare(NamedTuple):
    """What the text from `start` to `stop` adds to a tag's log-odds."""

    start: int
    stop: int
    value: float


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text with what each adds to a tag's log-odds.

    Attributes
    ----------
    shares : tuple of WordShare
        In the order of the text.
    method : {"exact", "leave-one-out"}
        Exact contributions, or what is lost without each word.
    num_texts : int
        The texts that the predictor was asked about.
    """

    shares: tuple[WordShare, ...]
    method: Method
    num_texts: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """What it takes to know the words that would keep the page waiting.

    Attributes
    ----------
    num_texts : int
        The most texts that the predictor is going to be asked about.
    is_remote : bool
        Whether each is a request to a server.
    is_opening : bool
        Whether the predictor is still being opened: then nobody has to ask for the words.
    """

    num_texts: int
    is_remote: bool = False
    is_opening: bool = False


@dataclass(frozen=True, slots=True)
class PageWords:
    """The words of a page's projects, or what they wait for."""

    words: Sequence[Words] = ()
    waiting: Waiting | None = None


class WordService:
    """Compute which words raise and lower a tag; answers are cached by the text's content.

    Our own classifier and linear pipelines of scikit-learn are explained exactly. Any other
    predictor is asked what it says without each word: about at most 32 texts for a project, so
    320 for a page of ten.
    """

    def __init__(self, versions: VersionService) -> None:
        self.versions = versions
        self._explained = MemoryCache(500)
        self._pipelines = MemoryCache(4)
        # Those that were too slow to be timed: they are not tried at once again.
        self._untimed: WeakSet[CheckedPredictor] = WeakSet()

    def words(self, name: str, tag: str, project: str) -> Words:
        """Compute what each word of a project's text adds to a tag's log-odds.

        Raises
        ------
        TagifaiError
            No predictor, an unknown tag, or the data no longer has the project.
        """
        return self.words_of_all(name, tag, [project])[0]

    def words_of_all(
        self,
        name: str,
        tag: str,
        projects: Sequence[str],
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
    ) -> list[Words]:
        """Compute for each project what `words` does.

        Raises
        ------
        PredictionCancelled
            ``cancelled`` returned true; what was computed by then is remembered.
        TagifaiError
            As `words`.
        """
        texts = [self.versions.text_of(project) for project in projects]
        predictor = self.versions.predictor(name)
        if tag not in predictor.tags:
            raise one_of("tag", tag, predictor.tags)
        inner = predictor.predictor
        if isinstance(inner, OwnPredictor):
            return self._own_words(name, predictor, inner.classifier, tag, texts)
        pipeline = self._pipeline(name, predictor)
        found = []
        for done, text in enumerate(texts):
            found.append(self._foreign_words(name, predictor, pipeline, tag, text, cancelled))
            if progress is not None:
                progress(done + 1, len(texts), "projects")
        return found

    def words_at_once(
        self, name: str, tag: str, projects: Sequence[str], seconds: float = MOMENT
    ) -> PageWords:
        """Compute what `words_of_all` does, unless it would take long or ask a server.

        Raises
        ------
        TagifaiError
            As `words`.
        """
        if self.versions.predictors.has_model(name):
            return PageWords(self.words_of_all(name, tag, projects))
        late, opened = threading.Event(), threading.Event()
        outcome: list[PageWords | TagifaiError] = []
        # Exact contributions are worth waiting for: nobody has to ask for them.
        patience = [seconds]

        def run() -> None:
            try:
                predictor = self.versions.predictor(name)
                if not predictor.is_remote and self._pipeline(name, predictor) is not None:
                    patience[0] = max(seconds, EXACT)
                opened.set()
                if late.is_set():  # nobody waits for it any more
                    return
                outcome.append(self._words_unless_slow(name, tag, projects, seconds, late))
            except TagifaiError as error:
                outcome.append(error)
            finally:
                opened.set()

        thread = threading.Thread(target=run, name=f"words of {name}", daemon=True)
        thread.start()
        is_opening = not opened.wait(seconds)
        if not is_opening:
            thread.join(patience[0])
        late.set()
        found = outcome[0] if outcome else None
        if found is None or isinstance(found, PredictionCancelled):
            return PageWords(waiting=Waiting(TEXTS_EACH * len(projects), is_opening=is_opening))
        if isinstance(found, TagifaiError):
            raise found
        return found

    def _words_unless_slow(
        self, name: str, tag: str, projects: Sequence[str], seconds: float, late: threading.Event
    ) -> PageWords:
        predictor = self.versions.predictor(name)
        new = [
            one
            for one in projects
            if not self._explained.has(*_key(name, predictor, tag, self.versions.text_of(one)))
        ]
        expected = TEXTS_EACH * len(new)
        if new and predictor.is_remote:
            return PageWords(waiting=Waiting(expected, is_remote=True))
        if new and self._pipeline(name, predictor) is None:
            pace = predictor.expected_seconds(expected)
            if pace is None and predictor in self._untimed:
                return PageWords(waiting=Waiting(expected))
            if pace is not None and pace > seconds:
                return PageWords(waiting=Waiting(expected))
        try:
            return PageWords(self.words_of_all(name, tag, projects, cancelled=late.is_set))
        except PredictionCancelled:
            self._untimed.add(predictor)
            raise

    def _own_words(
        self,
        name: str,
        predictor: CheckedPredictor,
        model: TagClassifier,
        tag: str,
        texts: Sequence[str],
    ) -> list[Words]:
        """Explain our own classifier, all new texts together: in less time than one by one."""
        column = list(predictor.tags).index(tag)
        keys = [_key(name, predictor, tag, text) for text in texts]
        new = [i for i, key in enumerate(keys) if not self._explained.has(*key)]
        made = dict(zip(new, explain_all(model, [texts[i] for i in new]), strict=True))
        found = []
        for i, key in enumerate(keys):
            # A cached answer may be gone by now.
            make = partial(made.pop, i) if i in made else partial(explain, model, texts[i])
            one = self._explained.get(*key, make)
            shares = zip(one.words, one.contributions[:, column], strict=True)
            found.append(
                Words(
                    tuple(WordShare(word.start, word.stop, float(value)) for word, value in shares),
                    "exact",
                )
            )
        return found

    def _foreign_words(
        self,
        name: str,
        predictor: CheckedPredictor,
        pipeline: LinearPipeline | None,
        tag: str,
        text: str,
        cancelled: Cancelled | None,
    ) -> Words:
        def make() -> MarkedWords:
            if cancelled is not None and cancelled():
                raise PredictionCancelled(f"predictor {predictor.name}: cancelled")
            marked = mark_words(predictor, text, pipeline, cancelled)
            if len(predictor.tags) > MANY_TAGS:
                column = list(predictor.tags).index(tag)
                only = np.ascontiguousarray(marked.contributions[:, [column]])
                return MarkedWords(marked.parts, only, marked.method, marked.num_texts)
            return marked

        found = self._explained.get(*_key(name, predictor, tag, text), make)
        column = 0 if len(predictor.tags) > MANY_TAGS else list(predictor.tags).index(tag)
        return Words(
            tuple(
                WordShare(part.start, part.stop, float(value))
                for part, value in zip(found.parts, found.contributions[:, column], strict=True)
            ),
            found.method,
            found.num_texts,
        )

    def _pipeline(self, name: str, predictor: CheckedPredictor) -> LinearPipeline | None:
        # In a tuple, since None is a value too.
        found = self._pipelines.get(name, predictor, lambda: (find_pipeline(predictor),))
        return found[0]


def _key(
    name: str, predictor: CheckedPredictor, tag: str, text: str
) -> tuple[tuple[str, str, str], CheckedPredictor]:
    """Return under which key and stamp a text's words are cached."""
    own = isinstance(predictor.predictor, OwnPredictor)
    many = len(predictor.tags) > MANY_TAGS and not own
    return (name, text, tag if many else ""), predictor
