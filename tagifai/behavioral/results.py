"""What behavioral tests of a version find; `performance.json` holds it as `to_dict` returns it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

Tags = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """The share of tests that pass.

    Attributes
    ----------
    score : float or None
        Of the model, in [0, 1]; None where there is no test.
    num_samples : int
        Number of tests.
    name_matcher : float or None
        Of `match_names`, which learns nothing, on the same tests; None where it is not known.
    """

    score: float | None
    num_samples: int
    name_matcher: float | None = None

    @classmethod
    def of(cls, passed: Sequence[tuple[bool, bool]]) -> Self:
        """Compute the score of tests that the model and the name matcher each passed or failed.

        >>> Score.of([(True, True), (False, True)])
        Score(score=0.5, num_samples=2, name_matcher=1.0)
        """
        number = len(passed)
        if not number:
            return cls(None, 0)
        model, matcher = (sum(column) / number for column in zip(*passed, strict=True))
        return cls(model, number, matcher)

    def to_dict(self) -> dict[str, float | None]:
        """Return a flat record, as JSON has it."""
        return {
            "score": self.score,
            "num_samples": self.num_samples,
            "name_matcher": self.name_matcher,
        }


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test with what was predicted; `expected`, `forbidden` and `predicted` go by text."""

    __test__ = False

    type: str
    group: str
    part: str
    texts: tuple[str, ...]
    expected: tuple[Tags, ...] = ()
    forbidden: tuple[Tags, ...] = ()
    predicted: tuple[Tags, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return plain data, as JSON has it."""
        return {
            "part": self.part,
            "type": self.type,
            "group": self.group,
            "texts": list(self.texts),
            "expected": [list(tags) for tags in self.expected],
            "forbidden": [list(tags) for tags in self.forbidden],
            "predicted": [list(tags) for tags in self.predicted],
        }


@dataclass(frozen=True, slots=True)
class BehavioralResults:
    """What all tests find.

    Attributes
    ----------
    overall : Score
        Of all tests that were run.
    skipped : int
        Tests that were not run, because they name tags that the version does not know.
    by_part, by_type, by_group : mapping of str to Score
        Of the tests of each part, type and group.
    passed, failed : tuple of TestResult
        The tests themselves.
    """

    overall: Score
    skipped: int = 0
    by_part: Mapping[str, Score] = field(default_factory=dict)
    by_type: Mapping[str, Score] = field(default_factory=dict)
    by_group: Mapping[str, Score] = field(default_factory=dict)
    passed: tuple[TestResult, ...] = ()
    failed: tuple[TestResult, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return plain data, as JSON has it."""
        return {
            **self.overall.to_dict(),
            "skipped": self.skipped,
            "by_part": {name: one.to_dict() for name, one in self.by_part.items()},
            "by_type": {name: one.to_dict() for name, one in self.by_type.items()},
            "by_group": {name: one.to_dict() for name, one in self.by_group.items()},
            "results": {
                "passed": [one.to_dict() for one in self.passed],
                "failed": [one.to_dict() for one in self.failed],
            },
        }


def read_results(found: Mapping[str, object]) -> BehavioralResults:
    """Read results that a version holds, also those of an older system.

    What is missing or not as it should be is left out: the results may be anybody's.

    Parameters
    ----------
    found : mapping
        The group "behavioral" of a performance.json.
    """
    listed = _mapping(found.get("results"))
    passed, failed = (
        tuple(map(_read_test, _list(listed.get(kind)))) for kind in ("passed", "failed")
    )
    overall = _read_score(found)
    return BehavioralResults(
        Score(
            overall.score, overall.num_samples or len(passed) + len(failed), overall.name_matcher
        ),
        skipped=_read_count(found.get("skipped")),
        by_part=_read_scores(found.get("by_part")),
        by_type=_read_scores(found.get("by_type")),
        by_group=_read_scores(found.get("by_group")),
        passed=passed,
        failed=failed,
    )


def _read_scores(found: object) -> dict[str, Score]:
    return {
        name: _read_score(row) for name, row in _mapping(found).items() if isinstance(row, Mapping)
    }


def _read_score(row: Mapping[str, object]) -> Score:
    return Score(
        _read_number(row.get("score")),
        _read_count(row.get("num_samples")),
        _read_number(row.get("name_matcher")),
    )


def _read_test(test: object) -> TestResult:
    """Read a test in today's shape, or in an older system's: {input, prediction}."""
    if not isinstance(test, Mapping):
        return TestResult("", "", "", (str(test),))
    given, answer = test.get("input"), test.get("prediction")
    type_, group, part = (str(test.get(name) or "") for name in ("type", "group", "part"))
    if isinstance(given, Mapping) and isinstance(answer, Mapping):
        return TestResult(
            type_,
            "",
            "",
            (str(given.get("text", "")),),
            expected=(_strings(given.get("tags")),),
            predicted=(_strings(answer.get("predicted_tags")),),
        )
    expected, forbidden, predicted = (
        tuple(map(_strings, _list(test.get(name))))
        for name in ("expected", "forbidden", "predicted")
    )
    texts = _strings(test.get("texts")) or (str(dict(test)),)
    return TestResult(type_, group, part, texts, expected, forbidden, predicted)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Iterable[object]:
    return value if isinstance(value, list | tuple) else ()


def _strings(value: object) -> Tags:
    return tuple(map(str, _list(value)))


def _read_number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None  # type: ignore[arg-type]


def _read_count(value: object) -> int:
    return int(_read_number(value) or 0)
