"""Behavioral tests of predictors that are slow to ask: within a budget, and remembered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tagifai.behavioral import BehavioralTest, run_behavioral
from tagifai.behavioral.budget import draw_tests, list_texts
from tagifai.behavioral.results import BehavioralResults, read_results
from tagifai.data import Tag
from tagifai.services.asking import Asker
from tagifai.services.patience import Ask
from tagifai.services.versions import VersionService
from tagifai.store.memory_cache import MemoryCache

SOON = 10.0
"""Seconds within which all tests are run, whatever the budget."""
_FIRST = 8


@dataclass(frozen=True, slots=True)
class BehavioralScore:
    """What a version scores on behavioral tests.

    Attributes
    ----------
    stored
        The results as JSON holds them.
    fresh
        Whether they are of the tests of now; else they were measured when the version was made.
    num_left_out
        How many tests were not run, because the predictor would be asked about too many texts.
    """

    stored: Mapping[str, object]
    fresh: bool = True
    num_left_out: int = 0

    @property
    def results(self) -> BehavioralResults:
        """The results, typed."""
        return read_results(self.stored)

    def to_dict(self) -> dict[str, object]:
        """Return the score, ready for JSON."""
        left_out = {"left_out": self.num_left_out} if self.num_left_out else {}
        return {"fresh": self.fresh, **left_out, **self.stored}


class AskedTests(NamedTuple):
    """The tests of a version, the data's tags, and under which key their score is cached."""

    version: str
    tests: Sequence[BehavioralTest]
    described: Mapping[str, Tag]
    key: tuple[str, ...]


class _LeftOut(Exception):  # noqa: N818 - no error: some tests are left out
    """Not all tests were run."""


class ForeignTests:
    """Run behavioral tests on foreign predictors; what they answered is remembered.

    Parameters
    ----------
    versions, asker
        Where predictors come from, and who asks them.
    """

    def __init__(self, versions: VersionService, asker: Asker) -> None:
        self.versions = versions
        self.asker = asker
        self._answers = MemoryCache(4)

    def score(self, asked: AskedTests, ask: Ask, budget: int | None) -> BehavioralScore:
        """Score a version on its tests, or on some drawn at random where all would take too long.

        Parameters
        ----------
        asked
            The tests.
        ask
            Who is told how far it is, and may stop it.
        budget
            The most texts that are asked about where all take longer than `SOON`, or each is a
            request to a server; None: all.

        Raises
        ------
        PredictionCancelled
            See `Ask`; what was answered by then is remembered.
        TagifaiError
            The predictor fails.
        """

        def complete() -> dict[str, object]:
            self._ask(asked, ask, budget)
            found = self.score_known(asked)
            if found is None or found.num_left_out:
                raise _LeftOut
            return dict(found.stored)

        try:
            return BehavioralScore(self.versions.cache.remember(asked.key, complete))
        except _LeftOut:
            return self.score_known(asked) or BehavioralScore(self._run(asked, []))

    def score_known(self, asked: AskedTests) -> BehavioralScore | None:
        """Score a version on the tests whose answers are known; None where none is."""
        answers, able = self._known(asked.version), self._able(asked)
        done = [test for test in able if all(case.text in answers for case in test.cases)]
        if able and not done:
            return None
        return BehavioralScore(self._run(asked, done), num_left_out=len(able) - len(done))

    def _ask(self, asked: AskedTests, ask: Ask, budget: int | None) -> None:
        """Ask about the texts of the tests, in an order drawn at random."""
        name, answers, able = asked.version, self._known(asked.version), self._able(asked)
        predictor = self.asker.predictor(name, ask)

        def missing(most: int | None) -> list[str]:
            return [t for t in list_texts(draw_tests(able, most, answers)) if t not in answers]

        new = missing(None)
        if budget is not None and len(new) > budget:
            if predictor.expected_seconds(1) is None and not predictor.is_remote:
                for found in self.asker.decide(name, new[:_FIRST], ask):
                    answers |= found
            expected = predictor.expected_seconds(len(new))
            new = missing(
                budget if predictor.is_remote or expected is None or expected > SOON else None
            )
        for found in self.asker.decide(name, new, ask):
            answers |= found

    def _run(self, asked: AskedTests, done: Sequence[BehavioralTest]) -> dict[str, object]:
        """Score the tests that are done; those of other tags are counted as skipped."""
        answers = self._known(asked.version)
        known = set(self.asker.predictor(asked.version).tags)
        skipped = [test for test in asked.tests if not test.tags <= known]
        return run_behavioral(
            [*done, *skipped],
            lambda texts: [tuple(answers[text]) for text in texts],
            known,
            asked.described,
        ).to_dict()

    def _able(self, asked: AskedTests) -> list[BehavioralTest]:
        known = set(self.asker.predictor(asked.version).tags)
        return [test for test in asked.tests if test.tags <= known]

    def _known(self, name: str) -> dict[str, set[str]]:
        """Return the tags of each text that a version has answered, to be added to."""
        stamp = (self.versions.predictors.stamp(name), self.versions.load(name).fingerprint)
        return self._answers.get(name, stamp, dict)
