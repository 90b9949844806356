"""What is asked of a version about a visitor's own texts."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tagifai.behavioral import BEHAVIORAL_FILE, BehavioralTest, run_behavioral, saved_tests
from tagifai.behavioral.results import BehavioralResults, read_results
from tagifai.behavioral.rewording import LabelledText
from tagifai.behavioral.saving import check_may_save, make_test, save_test
from tagifai.data import Tag
from tagifai.data.validation import replace_surrogates
from tagifai.errors import TagifaiError, one_of
from tagifai.inference import TextPrediction
from tagifai.inference.batches import BatchAnswer, BatchRow, predict_rows, read_texts
from tagifai.inference.counterfactuals import (
    Change,
    TagDiff,
    diff_predictions,
    edit_word,
    smallest_changes,
)
from tagifai.inference.examples import Example, choose_examples
from tagifai.inference.explanation import TagExplanation, explain, place_text
from tagifai.inference.similar import SimilarProject, SimilarProjects
from tagifai.permissions import Visit, WriteRules
from tagifai.services.data import DataService, sample_text
from tagifai.services.versions import VersionService
from tagifai.store.memory_cache import MemoryCache
from tagifai.text.languages import recorded_language
from tagifai.training.evaluation import default_tests, label_texts

MAX_TEXT = 20_000
MAX_TEXTS = 10_000
# Some hundred edits of the text are tried.
MAX_CHANGED = 2_000


@dataclass(frozen=True, slots=True)
class BehavioralScore:
    """What a version scores on behavioral tests.

    Attributes
    ----------
    stored
        The results as JSON holds them.
    fresh
        Whether they are of the tests of now; else they were measured when the version was made.
    """

    stored: Mapping[str, object]
    fresh: bool = True

    @property
    def results(self) -> BehavioralResults:
        """The results, typed."""
        return read_results(self.stored)

    def to_dict(self) -> dict[str, object]:
        """Return the score, ready for JSON."""
        return {"fresh": self.fresh, **self.stored}


@dataclass(frozen=True, slots=True)
class SavedTest:
    """A behavioral test that was saved.

    Attributes
    ----------
    number
        Its number in the file.
    file
        Where it was saved.
    results
        What a version scores on it.
    """

    number: int
    file: str
    results: BehavioralResults


class InferenceService:
    """Predictions, explanations, changes, similar projects and behavioral tests.

    Parameters
    ----------
    versions, data
        What predicts, and where examples, similar projects and tests come from.
    rules
        Who may save tests.
    public
        Whether the app is open to strangers by a public link.
    max_text, max_texts
        The most characters of a text, and the most texts at once.
    """

    def __init__(
        self,
        versions: VersionService,
        data: DataService,
        *,
        rules: WriteRules = WriteRules(),  # noqa: B008 - frozen
        public: bool = False,
        max_text: int = MAX_TEXT,
        max_texts: int = MAX_TEXTS,
    ) -> None:
        self.versions = versions
        self.data = data
        self.rules = rules
        self.public = public
        self.max_text = max_text
        self.max_texts = max_texts
        self._similar = MemoryCache(1)
        self._examples = MemoryCache(8)
        self._tests = MemoryCache(8)

    def predict(self, name: str, text: str) -> TextPrediction:
        """Predict the tags of a text.

        Raises
        ------
        TagifaiError
            No model, or a text of more than `max_text` characters.
        """
        self.check_text(text)
        return self.versions.predict(name, [text])[0]

    def predict_texts(self, name: str, texts: Sequence[str]) -> list[TextPrediction]:
        """Predict the tags of several texts.

        Raises
        ------
        TagifaiError
            No model, more texts than `max_texts`, or one of more than `max_text` characters.
        """
        if len(texts) > self.max_texts:
            raise TagifaiError(
                f"at most {self.max_texts:,} texts at once (--max-texts), got {len(texts):,}"
            )
        for text in texts:
            self.check_text(text)
        return self.versions.predict(name, texts)

    def check_text(self, text: str) -> None:
        """Check that a visitor's text is not too long.

        Raises
        ------
        TagifaiError
            It has more than `max_text` characters.
        """
        if len(text) > self.max_text:
            raise TagifaiError(
                f"the text has {len(text):,} characters; at most {self.max_text:,} are read here "
                f"(--max-text)"
            )

    def tags(self, name: str) -> list[str]:
        """List the tags that a version knows, in its model's order."""
        version = self.versions.load(name)
        return list(version.info.get("tags") or version.thresholds)

    def explain(self, name: str, text: str, tag: str) -> TagExplanation:
        """Explain a tag's log-odds by the words of a text as typed.

        Raises
        ------
        TagifaiError
            No model, or an unknown tag.
        """
        column = self._column(name, tag)
        return explain(self.versions.model(name), replace_surrogates(text)).of_tag(column)

    def edit_word(self, name: str, text: str, number: int, instead: str = "") -> str:
        """Drop or replace one word of a text, by its number from 0 as `explain` lists them.

        Raises
        ------
        TagifaiError
            No model, or a text of more than `max_text` characters.
        """
        self.check_text(text)
        text = replace_surrogates(text)
        return edit_word(place_text(self.versions.model(name), text), text, number, instead)

    def smallest_changes(self, name: str, text: str, tag: str) -> list[Change]:
        """Find up to three changes of few words that flip a tag, each verified by predicting.

        Raises
        ------
        TagifaiError
            An unknown tag, or a text of more than 2,000 characters.
        """
        self._column(name, tag)
        if len(text) > MAX_CHANGED:
            raise TagifaiError(
                f"the text has {len(text):,} characters; changes are looked for in at most "
                f"{MAX_CHANGED:,}"
            )
        model = self.versions.model(name)
        thresholds = self._thresholds(name)
        return smallest_changes(model, self.tags(name), thresholds, replace_surrogates(text), tag)

    def diff(self, a: str, text_a: str, b: str, text_b: str) -> list[TagDiff]:
        """Compare the predictions of two texts, or of two versions, B − A."""
        return diff_predictions(self.predict(a, text_a), self.predict(b, text_b))

    def similar(self, text: str) -> list[SimilarProject]:
        """List the projects whose texts are most like this one, the most similar first."""
        data = self.data.get()
        index = self._similar.get(
            "index",
            data.dataset.digest,
            lambda: SimilarProjects(data.dataset.projects, data.language),
        )
        return index.find(text)

    def examples(self, name: str) -> list[Example]:
        """Choose texts of the test split to begin with, each for another reason."""
        predictions, thresholds = self.versions.predictions(name), self.versions.thresholds(name)
        data = self.data.get()
        return self._examples.get(
            name,
            (data.dataset.digest, self.versions.source.fingerprint(name)),
            lambda: choose_examples(
                predictions, thresholds, {one: p.text for one, p in data.by_id.items()}
            ),
        )

    def first_text(self, name: str) -> str:
        """Return the text to begin with: the first example of a version, or else of the data."""
        data = self.data.get()
        try:
            examples = self.examples(name)
        except TagifaiError:
            examples = []
        return examples[0].text if examples else sample_text(data.dataset.projects)

    def read_texts(self, content: bytes, kind: str) -> list[BatchRow]:
        """Read many texts of a CSV, JSON lines or plain lines, bad rows included."""
        return read_texts(content, kind, self.max_text)

    def predict_rows(self, name: str, rows: Sequence[BatchRow]) -> Iterator[list[BatchAnswer]]:
        """Predict rows that `read_texts` returned, in parts."""
        return predict_rows(rows, lambda texts: self.versions.predict(name, texts))

    def check_may_save(self, visit: Visit | None = None) -> None:
        """Check that tests can be saved, and by this visitor where there is a request.

        Raises
        ------
        TagifaiError
            A public link, a read-only folder, or a visitor who may only read.
        """
        check_may_save(self.data.folder, self.public)
        if visit is not None:
            self.rules.reviewer_of(visit)

    def save_test(
        self,
        name: str,
        kind: str,
        group: str,
        texts: Sequence[str],
        expected: Sequence[str],
        forbidden: Sequence[str],
        visit: Visit | None = None,
    ) -> SavedTest:
        """Save a behavioral test in the data folder, and run it on a version at once.

        Parameters
        ----------
        name
            The version.
        kind, group
            The type of the test (MFT, INV or DIR), and the group it is reported under.
        texts
            The text, and its changed form where the type needs one.
        expected, forbidden
            The tags that the text must and must not get.
        visit
            The request that asks for it, if there is one.

        Raises
        ------
        TagifaiError
            It may not be saved, or is no test.
        """
        self.check_may_save(visit)
        test = make_test(kind, group, texts, expected, forbidden, self.tags(name))
        number = save_test(self.data.folder, test)
        results = run_behavioral([test], self._predictor(name), self.tags(name), self._tag_metadata)
        return SavedTest(number, str(self.data.folder / BEHAVIORAL_FILE), results)

    def behavioral_results(self, name: str) -> BehavioralScore:
        """Score a version on the behavioral tests of now, those of the data folder included.

        A version without a predictor keeps what was measured when it was made. Scores come from the
        cache where they can; nothing of the version is written.

        Raises
        ------
        TagifaiError
            The version has no predictor and nothing was measured, or the predictor fails.
        """
        version = self.versions.load(name)
        if not self.versions.can_predict(name):
            measured = version.performance["behavioral"]
            if not measured:
                self.versions.require_predictor(name)
            return BehavioralScore(measured, fresh=False)
        tests, described = self.tests(name), self._tag_metadata
        key = ("behavioral", version.fingerprint, _digest(tests), _digest(described))
        return BehavioralScore(
            self.versions.cache.remember(
                key,
                lambda: run_behavioral(
                    tests, self._predictor(name), self.tags(name), described
                ).to_dict(),
            )
        )

    def tests(self, name: str) -> tuple[BehavioralTest, ...]:
        """Return the behavioral tests that a version is scored on now."""
        try:
            known = self.data.get().tag_names
        except TagifaiError:
            known = None  # without the data, nobody can tell which tags it has
        saved, described = saved_tests(self.data.folder, known), self._tag_metadata
        version = self.versions.load(name)
        return self._tests.get(
            name,
            (version.fingerprint, _digest((saved, described)), self._data_digest),
            lambda: default_tests(
                self.tags(name),
                described,
                saved,
                recorded_language(version.params),
                self._split_texts(name),
            ),
        )

    def _split_texts(self, name: str) -> tuple[list[LabelledText], list[LabelledText]]:
        """Return the texts a version was trained and tested on, as far as the data has them."""
        predictions = self.versions.maybe_predictions(self.versions.load(name))
        if predictions is None:
            return [], []
        try:
            by_id = self.data.get().by_id
        except TagifaiError:
            return [], []
        return label_texts(predictions.split, map(by_id.get, predictions.ids))

    @property
    def _tag_metadata(self) -> Mapping[str, Tag]:
        try:
            return self.data.get().dataset.tags
        except TagifaiError:
            return {}

    @property
    def _data_digest(self) -> str:
        try:
            return self.data.get().dataset.digest
        except TagifaiError:
            return ""

    def _predictor(self, name: str) -> Callable[[list[str]], list[tuple[str, ...]]]:
        return lambda texts: [one.tags for one in self.versions.predict(name, texts)]

    def _thresholds(self, name: str) -> dict[str, float]:
        version = self.versions.load(name)
        return {tag: version.threshold(tag) for tag in self.tags(name)}

    def _column(self, name: str, tag: str) -> int:
        tags = self.tags(name)
        if tag not in tags:
            raise one_of("tag", tag, tags)
        return tags.index(tag)


def _digest(one: object) -> str:
    return hashlib.sha256(repr(one).encode("utf-8", "replace")).hexdigest()
