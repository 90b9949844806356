"""Which behavioral tests are run where a model can be asked about few texts only."""

from collections.abc import Collection, Iterable, Sequence

import numpy as np

from tagifai.behavioral import BehavioralTest


def list_texts(tests: Iterable[BehavioralTest]) -> list[str]:
    """List the different texts of tests, in their order."""
    return list(dict.fromkeys(case.text for test in tests for case in test.cases))


def draw_tests(
    tests: Sequence[BehavioralTest],
    budget: int | None,
    known: Collection[str] = (),
    seed: int = 0,
) -> list[BehavioralTest]:
    """Draw tests at random, as many as a number of texts allows, and return them as drawn.

    Parameters
    ----------
    tests : sequence of BehavioralTest
        Where they are drawn from.
    budget : int or None
        The most texts that may be asked about; None draws all tests.
    known : collection of str
        Texts whose answers are known, so that they cost nothing.
    seed : int
        Of the draw; the same seed draws the same tests, and a larger budget adds to them.

    Examples
    --------
    >>> from tagifai.behavioral import Case
    >>> tests = [BehavioralTest("MFT", "a", (Case(text, ("cv",)),)) for text in "abcd"]
    >>> [len(draw_tests(tests, budget)) for budget in (0, 2, 4, None)]
    [0, 2, 4, 4]
    """
    drawn: list[BehavioralTest] = []
    asked = set(known)
    num_asked = len(asked)
    for place in np.random.default_rng(seed).permutation(len(tests)):
        asked |= {case.text for case in tests[place].cases}
        # Going on with smaller tests would draw too many of them.
        if budget is not None and len(asked) - num_asked > budget:
            break
        drawn.append(tests[place])
    return drawn
