"""What is asked of a version about a visitor's own texts."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tagifai.behavioral import BehavioralTest, run_behavioral, saved_tests
from tagifai.behavioral.rewording import LabelledText
from tagifai.behavioral.saving import check_may_save, make_test, save_test
from tagifai.data import Tag
from tagifai.data.validation import replace_surrogates
from tagifai.errors import TagifaiError, one_of
from tagifai.inference.batches import BatchAnswer, predict_rows, read_texts
from tagifai.inference.counterfactuals import Change, diff_answers, edit_word, smallest_changes
from tagifai.inference.examples import choose_examples
from tagifai.inference.explanation import explain, place_text
from tagifai.inference.similar import SimilarProjects
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


class InferenceDesk:
    """Predictions, reasons, changes, neighbours and tests; `rules` say who may save these."""

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

    def predict(self, name: str, text: str) -> dict[str, Any]:
        """Predict one text's tags.

        Raises:
            TagifaiError: no model, or a text of more than `max_text` characters.
        """
        self.check_text(text)
        return self.versions.predict(name, [text])[0]

    def predict_texts(self, name: str, texts: Sequence[str]) -> list[dict[str, Any]]:
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
        """Refuse a text longer than is read from visitors.

        Raises:
            TagifaiError: it has more than `max_text` characters.
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

    def explain(self, name: str, text: str, tag: str) -> dict[str, Any]:
        """Tell what each word of a text, as typed, adds to a tag's log-odds.

        Returns words, a list of {token, start, stop, spelt, known, value}; names, intercept,
        calibration and log_odds, numbers; the values add up to log_odds.
        """
        column = self._column(name, tag)
        text = replace_surrogates(text)
        explanation = explain(self.versions.model(name), text)
        rows = zip(
            explanation.words,
            explanation.spelt,
            explanation.known,
            explanation.contributions[:, column],
            strict=True,
        )
        return {
            "words": [
                {**asdict(word), "spelt": spelt, "known": known, "value": float(value)}
                for word, spelt, known, value in rows
            ],
            "names": float(explanation.names[column]),
            "intercept": float(explanation.intercept[column]),
            "calibration": float(explanation.calibration[column]),
            "log_odds": float(explanation.log_odds[column]),
        }

    def edit_word(self, name: str, text: str, number: int, instead: str = "") -> str:
        """Drop or replace one word of a text, counted from 0 as `explain` lists them.

        Raises:
            TagifaiError: no model, or a text of more than `max_text` characters.
        """
        self.check_text(text)
        text = replace_surrogates(text)
        return edit_word(place_text(self.versions.model(name), text), text, number, instead)

    def smallest_changes(self, name: str, text: str, tag: str) -> list[Change]:
        """Find up to three changes of few words that flip a tag, each verified by predicting.

        Raises:
            TagifaiError: an unknown tag, or a text of more than 2,000 characters.
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

    def diff(self, a: str, text_a: str, b: str, text_b: str) -> list[dict[str, Any]]:
        """Set the predictions of two texts, or of two versions, beside each other, B − A."""
        return diff_answers(self.predict(a, text_a), self.predict(b, text_b))

    def similar(self, text: str) -> list[dict[str, Any]]:
        """List the projects whose texts are most like this one."""
        data = self.data.get()
        index = self._similar.get(
            "index",
            data.dataset.digest,
            lambda: SimilarProjects(data.dataset.projects, data.language),
        )
        return index.find(text)

    def examples(self, name: str) -> list[dict[str, str]]:
        """Choose texts of the test part to begin with: {why, text}, each for another reason."""
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
        return examples[0]["text"] if examples else sample_text(data.dataset.projects)

    def read_texts(self, content: bytes, kind: str) -> list[Any]:
        """Read many texts of a CSV, JSON lines or plain lines, bad rows among them."""
        return list(read_texts(content, kind, self.max_text))

    def predict_rows(self, name: str, rows: Sequence[Any]) -> Iterator[list[BatchAnswer]]:
        """Predict rows as `read_texts` gives them, part by part."""
        return predict_rows(rows, lambda texts: self.versions.predict(name, texts))

    def check_may_save(self, visit: Visit | None = None) -> None:
        """Say why tests cannot be saved, if they cannot; `visit` is the request, if there is one.

        Raises:
            TagifaiError: a public link, a read-only folder, or a visitor who may only read.
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
    ) -> dict[str, Any]:
        """Keep a behavioral test in the data folder, and run it on a version at once.

        Returns number (of the test in the file), file, and result, as `run_behavioral` has it.
        """
        self.check_may_save(visit)
        test = make_test(kind, group, texts, expected, forbidden, self.tags(name))
        number = save_test(self.data.folder, test)
        result = run_behavioral([test], self._predictor(name), self.tags(name), self._tag_metadata)
        file = str(self.data.folder / "behavioral.json")
        return {"number": number, "file": file, **result.to_dict()}

    def behavioral_results(self, name: str) -> dict[str, Any]:
        """Score a version on the behavioral tests of now, the data folder's own among them.

        As `run_behavioral`, with `fresh`: False where the version keeps no model, so that what
        was measured when it was made is all there is. Answered from the cache; nothing of the
        version is written.

        Raises:
            TagifaiError: the version keeps no model, and nothing was measured.
        """
        version = self.versions.load(name)
        if not self.versions.keeps_model(name):
            kept = version.performance["behavioral"]
            if not kept:
                self.versions.require_model(name)
            return {"fresh": False, **kept}
        tests, described = self.tests(name), self._tag_metadata
        key = ("behavioral", version.fingerprint, _digest(tests), _digest(described))
        return {
            "fresh": True,
            **self.versions.cache.remember(
                key,
                lambda: run_behavioral(
                    tests, self._predictor(name), self.tags(name), described
                ).to_dict(),
            ),
        }

    def tests(self, name: str) -> tuple[BehavioralTest, ...]:
        """Give the behavioral tests that a version is scored on now."""
        try:
            known = self.data.get().tag_names
        except TagifaiError:
            known = None  # without its data nobody can tell which tags it has
        saved = saved_tests(self.data.folder, known)
        language = recorded_language(self.versions.load(name).params)
        described, version = self._tag_metadata, self.versions.load(name)
        return self._tests.get(
            name,
            (version.fingerprint, _digest((saved, described)), self._data_digest),
            lambda: default_tests(
                self.tags(name), described, saved, language, self._split_texts(name)
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

    def _predictor(self, name: str) -> Callable[[list[str]], list[list[str]]]:
        return lambda texts: [answer["tags"] for answer in self.versions.predict(name, texts)]

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
