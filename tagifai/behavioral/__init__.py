"""Test what a model does with chosen sentences, after Ribeiro et al. 2020 (arXiv 2005.04118).

A minimum functionality test (MFT) holds one sentence and the tags that it must get or must not
get. An invariance test (INV) holds sentences that differ in something that must not matter: each
gets its tags, and where none are given, all get the same ones. A directional test (DIR) holds
sentences that differ in something that matters: each gets its tags, and they don't all get the
same ones. A model that predicts nothing is invariant too: read INV beside MFT.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tagifai.behavioral.name_matcher import match_names
from tagifai.behavioral.results import BehavioralResults, Score, TestResult
from tagifai.data import Tag
from tagifai.data.names import normalise_names, refuse_unknown_in_rows
from tagifai.data.records import read_rows
from tagifai.data.validation import Label, Text, check_row

TYPES = ("INV", "DIR", "MFT")
SAVED, NAME_RECOGNITION, WITHOUT_NAMES = "saved", "name recognition", "without names"
PARTS = (SAVED, NAME_RECOGNITION, WITHOUT_NAMES)
BEHAVIORAL_FILE = "behavioral.json"
PredictTags = Callable[[list[str]], Sequence[Collection[str]]]


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence, the tags it must get, and those it must not get."""

    text: str
    expected: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BehavioralTest:
    """One test: its type (INV, DIR or MFT), the group it is reported under, its cases.

    `part` says where it comes from: one of `PARTS`.
    """

    type: str
    group: str
    cases: tuple[Case, ...]
    part: str = SAVED

    @property
    def tags(self) -> frozenset[str]:
        """Collect the tags that it names."""
        return frozenset(tag for case in self.cases for tag in (*case.expected, *case.forbidden))

    def passes(self, predicted: Sequence[Collection[str]]) -> bool:
        """Check the tags predicted for each case, in their order."""
        sets = [set(tags) for tags in predicted]
        hold = all(
            tags.issuperset(case.expected) and tags.isdisjoint(case.forbidden)
            for case, tags in zip(self.cases, sets, strict=True)
        )
        same = all(tags == sets[0] for tags in sets)
        if self.type == "INV":
            return hold if self.tags else same
        return hold and not (self.type == "DIR" and same)


def load_behavioral_tests(
    path: Path | str, known: Sequence[str] | None = None
) -> tuple[BehavioralTest, ...]:
    """Read tests from a JSON list of {type, group, cases: [{text, expected, forbidden}]}.

    Parameters
    ----------
    path : Path or str
        The file.
    known : sequence of str, optional
        The tags that may be named.

    Raises
    ------
    TagifaiError
        A row is malformed, or names tags that are not among `known`; the message names file,
        row and field.
    """
    tests = tuple(_test_of(row) for row in read_rows(path, _TestRow))
    if known is not None:
        named = (
            (
                f"row {number}, cases",
                [tag for case in test.cases for tag in (*case.expected, *case.forbidden)],
            )
            for number, test in enumerate(tests, start=1)
        )
        refuse_unknown_in_rows(named, known, str(path))
    return tests


def parse_behavioral_test(record: object) -> BehavioralTest:
    """Read one test, from a record as `load_behavioral_tests` reads them.

    Raises
    ------
    TagifaiError
        The record is malformed; the message names the field.
    """
    return _test_of(check_row("behavioral test", record, _TestRow))


def saved_tests(
    folder: Path | str, known: Sequence[str] | None = None
) -> tuple[BehavioralTest, ...]:
    """Read the tests of a data folder's `behavioral.json`; none where there is no such file.

    Raises
    ------
    TagifaiError
        The file is malformed, or names tags that are not among `known`.
    """
    path = Path(folder) / BEHAVIORAL_FILE
    return load_behavioral_tests(path, known) if path.exists() else ()


def run_behavioral(
    tests: Iterable[BehavioralTest],
    predict_tags: PredictTags,
    known_tags: Iterable[str],
    described: Mapping[str, Tag] | None = None,
) -> BehavioralResults:
    """Run tests on a model and on the name matcher.

    Parameters
    ----------
    tests : iterable of BehavioralTest
        The tests; one that names a tag out of `known_tags` is skipped.
    predict_tags : callable
        Returns the tags of each text; it is called once, with each different text once.
    known_tags : iterable of str
        The tags that the model knows.
    described : mapping of str to Tag, optional
        Tags by name, with the aliases that the name matcher looks for.
    """
    tests, known, described = list(tests), set(known_tags), described or {}
    able = [test for test in tests if test.tags <= known]
    texts = list(dict.fromkeys(case.text for test in able for case in test.cases))
    predicted = dict(zip(texts, predict_tags(texts), strict=True)) if texts else {}
    names = {tag: described.get(tag, Tag(tag)) for tag in known}
    matched = dict(zip(texts, match_names(texts, names), strict=True))
    results: dict[bool, list[TestResult]] = {True: [], False: []}
    verdicts: list[tuple[BehavioralTest, tuple[bool, bool]]] = []
    for test in able:
        answers = [tuple(sorted(predicted[case.text])) for case in test.cases]
        passed = test.passes(answers)
        verdicts.append((test, (passed, test.passes([matched[case.text] for case in test.cases]))))
        results[passed].append(_result_of(test, tuple(answers)))
    return BehavioralResults(
        Score.of([passed for _, passed in verdicts]),
        len(tests) - len(able),
        by_part=_score_by(lambda test: test.part, verdicts),
        by_type=_score_by(lambda test: test.type, verdicts),
        by_group=_score_by(lambda test: test.group, verdicts),
        passed=tuple(results[True]),
        failed=tuple(results[False]),
    )


def _result_of(test: BehavioralTest, predicted: tuple[tuple[str, ...], ...]) -> TestResult:
    return TestResult(
        test.type,
        test.group,
        test.part,
        tuple(case.text for case in test.cases),
        tuple(case.expected for case in test.cases),
        tuple(case.forbidden for case in test.cases),
        predicted,
    )


def _score_by(
    name_of: Callable[[BehavioralTest], str],
    verdicts: Sequence[tuple[BehavioralTest, tuple[bool, bool]]],
) -> dict[str, Score]:
    found: dict[str, list[tuple[bool, bool]]] = {}
    for test, passed in verdicts:
        found.setdefault(name_of(test), []).append(passed)
    return {name: Score.of(found[name]) for name in sorted(found)}


class _CaseRow(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Text
    expected: list[Label] = []
    forbidden: list[Label] = []

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        both = sorted(set(normalise_names(self.expected)) & set(normalise_names(self.forbidden)))
        if both:
            raise ValueError(f"{both[0]!r} is both expected and forbidden")
        return self


class _TestRow(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: Literal["INV", "DIR", "MFT"]
    group: Label
    cases: Annotated[list[_CaseRow], Field(min_length=1)]

    @model_validator(mode="after")
    def _testable(self) -> Self:
        if self.type == "MFT" and not all(case.expected or case.forbidden for case in self.cases):
            raise ValueError("an MFT needs a tag expected or forbidden in each case")
        if self.type != "MFT" and len({case.text for case in self.cases}) < 2:
            raise ValueError(f"{self.type} compares: it needs two cases with different texts")
        return self


def _test_of(row: _TestRow) -> BehavioralTest:
    return BehavioralTest(
        row.type,
        row.group,
        tuple(
            Case(c.text, normalise_names(c.expected), normalise_names(c.forbidden))
            for c in row.cases
        ),
    )
