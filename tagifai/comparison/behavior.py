"""Behavioral tests of two versions, paired: how many more B passes, and whether that is chance.

Tests of one tag pass and fail together: whoever knows the tag's name passes most of them. They
are therefore drawn and swapped by tag, not one by one (McNemar's test for clusters).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from tagifai.arrays import Floats
from tagifai.comparison.bootstrap import RESAMPLES, combined_p, draw_weights, p_values
from tagifai.comparison.proportions import (
    Measured,
    clustered,
    correlation_of,
    difference_interval,
    leave_out,
)
from tagifai.comparison.results import BehavioralFlips, DiffRow
from tagifai.comparison.swaps import cluster_p_value, smallest_p
from tagifai.comparison.verdicts import (
    ENOUGH_POSITIVES,
    ERROR_RATE,
    Differences,
    Judged,
    benjamini_hochberg,
    make_rows,
)

ALL = "all"
SCORE = "score"
Cases = tuple[tuple[str, ...], ...]
"""Tags by case."""
TestKey = tuple[tuple[str, ...], Cases, Cases]
"""Texts, and the tags that each must and must not get: what makes a test the same test."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One behavioral test of a version: texts, type, group, part, first tag, and whether passed."""

    key: TestKey
    name: str
    type: str
    group: str
    part: str
    tag: str
    passed: bool


def read_outcomes(behavioral: Mapping[str, object]) -> dict[TestKey, Outcome]:
    """Read the tests that a version's performance holds."""
    results = behavioral.get("results")
    found = {}
    for kind in ("passed", "failed"):
        tests = results.get(kind) if isinstance(results, Mapping) else None
        for test in tests if isinstance(tests, list) else []:
            outcome = _outcome(test, kind == "passed")
            if outcome is not None:
                found[outcome.key] = outcome
    return found


def compare_behavior(
    a: Mapping[str, object], b: Mapping[str, object], resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, DiffRow]:
    """Judge two versions on the behavioral tests that both ran, in all and by type and group.

    False discoveries are held over types and groups; all tests together are judged alone.
    """
    first, second = read_outcomes(a), read_outcomes(b)
    tests = [(first[key], second[key]) for key in first if key in second]
    groups: dict[str, list[tuple[Outcome, Outcome]]] = {ALL: tests} if tests else {}
    for kind in ("part", "type", "group"):
        for pair in tests:
            name = getattr(pair[1], kind)
            if name:
                groups.setdefault(name, []).append(pair)
    judged = {name: _judge(pairs, resamples, seed) for name, pairs in groups.items()}
    found: dict[str, DiffRow] = {}
    parts = [name for name in groups if name != ALL]
    for names, correct in (
        ([ALL] if tests else [], lambda p: p <= ERROR_RATE),
        (parts, benjamini_hochberg),
    ):
        if names:
            rows = make_rows(
                names,
                [SCORE] * len(names),
                np.array([len(groups[name]) for name in names]),
                Differences.of([judged[name] for name in names]),
                correct,
            )
            found |= dict(zip(names, rows, strict=True))
    return found


def flip_tests(a: Mapping[str, object], b: Mapping[str, object]) -> BehavioralFlips:
    """List the behavioral tests that B passes and A failed, and the other way round."""
    first, second = read_outcomes(a), read_outcomes(b)
    both = [(first[key], second[key]) for key in first if key in second]
    return BehavioralFlips(
        broke=tuple(sorted(after.name for before, after in both if before.passed > after.passed)),
        fixed=tuple(sorted(after.name for before, after in both if before.passed < after.passed)),
    )


def measure_scores(behavioral: Mapping[str, object]) -> dict[str, Measured]:
    """Compute a version's own scores with the ends of their 95 % intervals, by type and group too.

    Those of fewer than ten tests are left out.
    """
    groups: dict[str, list[Outcome]] = {}
    for one in read_outcomes(behavioral).values():
        for name in dict.fromkeys((ALL, one.part, one.type, one.group)):
            if name:
                groups.setdefault(name, []).append(one)
    found = {}
    for name, tests in groups.items():
        if len(tests) >= ENOUGH_POSITIVES:
            passes, size = _by_tag([one.tag for one in tests], [one.passed for one in tests])
            score = clustered(passes, size)
            low, high = score.interval()
            found[name] = Measured(float(score.figure[0]), float(low[0]), float(high[0]))
    return found


def _judge(pairs: list[tuple[Outcome, Outcome]], resamples: int, seed: int) -> Judged:
    """Judge both versions on some tests."""
    tags = [after.tag for _, after in pairs]
    before, size = _by_tag(tags, [one.passed for one, _ in pairs])
    after, _ = _by_tag(tags, [one.passed for _, one in pairs])
    first, second = clustered(before, size), clustered(after, size)
    correlation = correlation_of(leave_out(before, size), leave_out(after, size))
    low, high = difference_interval(first, second, correlation)
    gains = (after - before)[:, 0]
    drawn = np.concatenate(
        [weights @ gains for weights in draw_weights(len(gains), resamples, seed)]
    )
    p = combined_p(p_values(drawn), cluster_p_value(gains), resamples)
    unchanged = all(one.passed == other.passed for one, other in pairs)
    return Judged(
        first.figure[0],
        second.figure[0],
        low[0],
        high[0],
        float(p),
        unchanged,
        len(pairs) < ENOUGH_POSITIVES,
        smallest_p(int(np.count_nonzero(gains))) <= ERROR_RATE,
    )


def _by_tag(tags: list[str], passed: Iterable[bool]) -> tuple[Floats, Floats]:
    """Sum passes and tests by tag: (n_tags, 1) each."""
    _, place = np.unique(tags, return_inverse=True)
    size = np.bincount(place).astype(np.float64)
    passes = np.bincount(place, weights=np.fromiter(passed, float)).astype(np.float64)
    return passes[:, None], size[:, None]


def _outcome(test: object, passed: bool) -> Outcome | None:
    if not isinstance(test, Mapping):
        return None
    # An older system's tests have {"input": {"text": …}}.
    found = test.get("texts", test.get("input", test))
    if isinstance(found, Mapping):
        found = found.get("text")
    texts = found if isinstance(found, list) else [found]
    if not texts or not all(isinstance(text, str) for text in texts):
        return None
    expected, forbidden = _tags(test.get("expected")), _tags(test.get("forbidden"))
    named = [tag for case in (*expected, *forbidden) for tag in case]
    type_, group, part = (str(test.get(field) or "") for field in ("type", "group", "part"))
    name = " → ".join(texts)
    # A test that names no tag stands by itself.
    tag = f"tag {named[0]}" if named else f"test {name}"
    return Outcome((tuple(texts), expected, forbidden), name, type_, group, part, tag, passed)


def _tags(cases: object) -> Cases:
    if not isinstance(cases, list):
        return ()
    return tuple(
        tuple(sorted(str(tag) for tag in case)) if isinstance(case, list) else (str(case),)
        for case in cases
    )
