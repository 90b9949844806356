"""What is asked of a version about a visitor's own texts."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tagifai.behavioral import BEHAVIORAL_FILE, BehavioralTest, run_behavioral, saved_tests
from tagifai.behavioral.results import BehavioralResults
from tagifai.behavioral.rewording import LabelledText
from tagifai.behavioral.saving import check_may_save, make_test, save_test
from tagifai.data import Project, Tag
from tagifai.data.validation import replace_surrogates
from tagifai.errors import TagifaiError, one_of
from tagifai.inference import TextPrediction
from tagifai.inference.batches import CHUNK, BatchAnswer, BatchRow, predict_rows, read_texts
from tagifai.inference.counterfactuals import (
    Change,
    ChangeSearch,
    TagDiff,
    diff_predictions,
    edit_word,
    search_changes,
    smallest_changes,
)
from tagifai.inference.examples import Example, choose_examples
from tagifai.inference.explanation import TagExplanation, WordEffect, explain, place_text
from tagifai.inference.reasons import explain_tag, place_parts, untold_words
from tagifai.inference.similar import EmbeddedProjects, SimilarProject, SimilarProjects
from tagifai.permissions import Visit, WriteRules
from tagifai.predictions import Predictions, decide
from tagifai.selection import spread
from tagifai.services.asking import Asker, Quality
from tagifai.services.behavior import AskedTests, BehavioralScore, ForeignTests
from tagifai.services.data import DataService, sample_text
from tagifai.services.patience import PATIENT, Ask
from tagifai.services.versions import VersionService
from tagifai.store.memory_cache import MemoryCache
from tagifai.text.languages import recorded_language
from tagifai.training.evaluation import default_tests, label_texts

MAX_TEXT = 20_000
MAX_TEXTS = 10_000
# Some hundred edits of the text are tried.
MAX_CHANGED = 2_000
# The most edits that a foreign predictor is asked about.
CHANGE_BUDGET = 200
# Seconds that embedding all projects may take.
MOST_EMBEDDING = 60.0


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
        What a version scores on it; None where it could not be asked.
    failure
        Why it could not be.
    """

    number: int
    file: str
    results: BehavioralResults | None
    failure: str = ""


MOST_COMPARED = 50_000
"""Projects among which similar ones are found by their words; of more, some all over the data."""
_MOST_TRIED = 5_000
"""Test projects among which texts to begin with are chosen."""


def _texts_of_some(predictions: Predictions, projects: Mapping[str, Project]) -> dict[str, str]:
    ids = [predictions.ids[row] for row in predictions.rows_by_split["test"].tolist()]
    some = spread(ids, _MOST_TRIED)
    return {one: projects[one].text for one in some if one in projects}


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
        self.asker = Asker(versions)
        self._similar = MemoryCache(1)
        self._embedded = MemoryCache(2)
        self._examples = MemoryCache(8)
        self._tests = MemoryCache(8)
        self._foreign_tests = ForeignTests(versions, self.asker)

    def predict(self, name: str, text: str, ask: Ask = PATIENT) -> TextPrediction:
        """Predict the tags of a text.

        Raises
        ------
        TooSlow, PredictionCancelled
            See `Ask`.
        TagifaiError
            No predictor, or a text of more than `max_text` characters.
        """
        self.check_text(text)
        return self.asker.predict(name, [replace_surrogates(text)], ask)[0]

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
        recorded = version.info.get("tags") or list(version.thresholds)
        if not recorded and self.versions.can_predict(name):
            recorded = self.versions.predictor(name).tags
        return list(recorded)

    def explain(
        self, name: str, text: str, tag: str, ask: Ask = PATIENT, quality: Quality = "best"
    ) -> TagExplanation:
        """Explain a tag's log-odds by the words of a text as typed.

        Our own model and linear pipelines are explained exactly. Others: see
        `Asker.attribution`.

        Raises
        ------
        TooSlow, PredictionCancelled
            See `Ask`.
        TagifaiError
            No predictor, or an unknown tag.
        """
        text = replace_surrogates(text)
        if self.asker.is_own(name):
            column = self._column(name, tag)
            return explain(self.versions.model(name), text).of_tag(column)
        tags = self.asker.predictor(name, ask).tags
        if tag not in tags:
            raise one_of("tag", tag, tags)
        return explain_tag(self.asker.attribution(name, text, ask, quality), tags.index(tag))

    def words(self, name: str, text: str) -> tuple[WordEffect, ...]:
        """List the words of a text before a foreign predictor says what they add."""
        return () if self.asker.is_own(name) else untold_words(replace_surrogates(text))

    def edit_word(self, name: str, text: str, number: int, instead: str = "") -> str:
        """Drop or replace one word of a text, by its number from 0 as `explain` lists them.

        Raises
        ------
        TagifaiError
            No model, or a text of more than `max_text` characters.
        """
        self.check_text(text)
        text = replace_surrogates(text)
        own = self.asker.is_own(name)
        words = place_text(self.versions.model(name), text) if own else place_parts(text)
        return edit_word(words, text, number, instead)

    def smallest_changes(self, name: str, text: str, tag: str) -> list[Change]:
        """Find up to three changes of few words that flip a tag, as `search_changes` does."""
        return self.search_changes(name, text, tag).changes

    def search_changes(self, name: str, text: str, tag: str, ask: Ask = PATIENT) -> ChangeSearch:
        """Find up to three changes of few words that flip a tag, each verified by predicting.

        A foreign predictor is asked about at most 200 changed texts. Words are put in that the
        data's projects with the tag have more of than others.

        Raises
        ------
        TooSlow, PredictionCancelled
            See `Ask`.
        TagifaiError
            An unknown tag, or a text of more than 2,000 characters.
        """
        if tag not in (tags := self.tags(name)):
            raise one_of("tag", tag, tags)
        if len(text) > MAX_CHANGED:
            raise TagifaiError(
                f"the text has {len(text):,} characters; changes are looked for in at most "
                f"{MAX_CHANGED:,}"
            )
        text, thresholds = replace_surrogates(text), self._thresholds(name)
        if self.asker.is_own(name):
            model = self.versions.model(name)
            return ChangeSearch(smallest_changes(model, tags, thresholds, text, tag), 0)
        return self._search_by_calls(name, text, tag, thresholds[tag], ask)

    def _search_by_calls(
        self, name: str, text: str, tag: str, threshold: float, ask: Ask
    ) -> ChangeSearch:
        before = self.predict(name, text, ask).probabilities[tag]
        explained = self.explain(name, text, tag, ask)
        column = self.asker.predictor(name, ask).tags.index(tag)
        return search_changes(
            lambda texts: self.asker.send(name, texts, ask)[:, column],
            text,
            place_parts(text),
            np.array([word.value for word in explained.words]),
            [] if decide(before, threshold) else self._typical_words(tag),
            before=before,
            threshold=threshold,
            budget=CHANGE_BUDGET,
        )

    def diff(self, a: str, text_a: str, b: str, text_b: str, ask: Ask = PATIENT) -> list[TagDiff]:
        """Compare the predictions of two texts, or of two versions of any kind, B − A."""
        return diff_predictions(self.predict(a, text_a, ask), self.predict(b, text_b, ask))

    def similar(self, text: str) -> list[SimilarProject]:
        """List the projects that share the most telling words with a text, most similar first."""
        return self._by_words().find(text)

    def explains_own(self, name: str) -> bool:
        """Check whether a version has our own model, which is explained exactly and at once."""
        return self.asker.is_own(name)

    def asks_server(self, name: str, text: str) -> bool:
        """Check whether explaining a text means many requests to a server.

        It does not where the text was explained before; before the predictor is open, nobody
        knows.
        """
        if self.asker.is_own(name) or not self.versions.predictors.is_open(name):
            return False
        known = self.asker.knows_reasons(name, replace_surrogates(text))
        return self.versions.predictor(name).is_remote and not known

    def embeds(self, name: str) -> bool:
        """Check whether a version can embed all projects, without a server and within a minute."""
        if self.asker.is_own(name) or not self.versions.predictors.is_open(name):
            return False
        predictor = self.versions.predictor(name)
        if predictor.is_remote or not predictor.can_embed:
            return False
        try:
            num_projects = len(self.data.get().dataset.projects)
        except TagifaiError:
            return False
        expected = predictor.expected_seconds(num_projects)
        return expected is not None and expected <= MOST_EMBEDDING

    def similar_by_embedding(
        self, name: str, text: str, ask: Ask = PATIENT
    ) -> list[SimilarProject]:
        """List the projects whose embeddings by a version's predictor are nearest to a text's.

        All projects are embedded once, part by part: what was done before an interruption is not
        done again.

        Raises
        ------
        TooSlow, PredictionCancelled
            See `Ask`.
        TagifaiError
            No data, or the predictor has no embeddings or fails.
        """
        data = self.data.get()
        projects = data.dataset.projects
        index = self._embedded.get(
            name,
            (self.versions.predictors.stamp(name), data.dataset.digest),
            lambda: EmbeddedProjects(projects),
        )
        quiet = Ask(cancelled=ask.cancelled)
        while index.num_missing:
            ask.check(self.asker.predictor(name, ask), index.num_missing)
            size = self.asker.texts_in(name, 0.5, 256)
            index.add(lambda texts: self.asker.embed(name, texts, quiet), size)
            if ask.progress is not None:
                ask.progress(len(projects) - index.num_missing, len(projects), "projects embedded")
        return index.find(self.asker.embed(name, [replace_surrogates(text)], ask)[0])

    def describe_compared(self) -> str:
        """Return among how many projects similar ones are found, "" where it is all of them."""
        num_projects = len(self.data.get().dataset.projects)
        if num_projects <= MOST_COMPARED:
            return ""
        compared = len(spread(range(num_projects), MOST_COMPARED))
        return f"{compared:,} of the {num_projects:,} projects"

    def _by_words(self) -> SimilarProjects:
        data = self.data.get()
        return self._similar.get(
            "index",
            data.dataset.digest,
            lambda: SimilarProjects(spread(data.dataset.projects, MOST_COMPARED), data.language),
        )

    def _typical_words(self, tag: str) -> list[str]:
        try:
            return self._by_words().typical_words(tag)
        except TagifaiError:  # without data, words can only be dropped
            return []

    def examples(self, name: str) -> list[Example]:
        """Choose texts of the test split to begin with, each for another reason."""
        predictions, thresholds = self.versions.predictions(name), self.versions.thresholds(name)
        data = self.data.get()
        return self._examples.get(
            name,
            (data.dataset.digest, self.versions.source.fingerprint(name)),
            lambda: choose_examples(
                predictions, thresholds, _texts_of_some(predictions, data.by_id)
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

    def predict_rows(
        self, name: str, rows: Sequence[BatchRow], ask: Ask = PATIENT
    ) -> Iterator[list[BatchAnswer]]:
        """Predict rows that `read_texts` returned, in parts of about a second."""
        return predict_rows(
            rows,
            lambda texts: self.asker.predict(name, texts, ask),
            lambda: self.asker.texts_in(name, 1.0, CHUNK),
        )

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
        ask: Ask = PATIENT,
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
        ask
            Who may stop the run; the test is saved all the same.

        Raises
        ------
        TagifaiError
            It may not be saved, or is no test.
        """
        self.check_may_save(visit)
        test = make_test(kind, group, texts, expected, forbidden, self.tags(name))
        number = save_test(self.data.folder, test)
        file = str(self.data.folder / BEHAVIORAL_FILE)
        try:
            results = run_behavioral(
                [test], self._predictor(name, ask), self.tags(name), self._tag_metadata
            )
        except TagifaiError as failure:
            return SavedTest(number, file, None, str(failure))
        return SavedTest(number, file, results)

    def behavioral_results(
        self, name: str, ask: Ask = PATIENT, budget: int | None = None
    ) -> BehavioralScore:
        """Score a version on the behavioral tests of now, those of the data folder included.

        A version without a predictor keeps what was measured when it was made. Scores come from the
        cache where they can; nothing of the version is written.

        Parameters
        ----------
        name
            The version.
        ask
            Who is told how far it is, and may stop it: what was answered by then is remembered.
        budget
            The most texts that a foreign predictor is asked about where all take longer than a few
            seconds, or it is a server. Tests are then drawn at random.

        Raises
        ------
        PredictionCancelled
            See `Ask`.
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
        key: tuple[str, ...] = ("behavioral", version.fingerprint)
        key = (*key, _digest(tests), _digest(described))
        if not self.asker.is_own(name):  # what predicts may lie outside the version
            key = (*key, _digest(self.versions.predictors.stamp(name)))
        if self.asker.is_own(name):
            return BehavioralScore(
                self.versions.cache.remember(
                    key,
                    lambda: run_behavioral(
                        tests, self._predictor(name), self.tags(name), described
                    ).to_dict(),
                )
            )
        asked = AskedTests(name, tests, described, key)
        return self._foreign_tests.score(asked, ask, budget)

    def known_results(self, name: str) -> BehavioralScore | None:
        """Score a foreign predictor on those tests whose answers are known, None where none is.

        They are a random part of all tests, since they are asked about in a random order.
        """
        if self.asker.is_own(name) or not self.versions.predictors.is_open(name):
            return None
        asked = AskedTests(name, self.tests(name), self._tag_metadata, ())
        return self._foreign_tests.score_known(asked)

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

    def _predictor(
        self, name: str, ask: Ask = PATIENT
    ) -> Callable[[list[str]], list[tuple[str, ...]]]:
        return lambda texts: [
            one.tags for one in self.versions.predict(name, texts, ask.progress, ask.cancelled)
        ]

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
