"""Behavioral tests of a version as HTML: its scores, then failed and passed tests with texts."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from tagifai.behavioral import NAME_RECOGNITION, SAVED, WITHOUT_NAMES
from tagifai.behavioral.results import BehavioralResults, Score, TestResult
from tagifai.ui.views.markup import show_table
from tagifai.ui.views.templates import macro, render

if TYPE_CHECKING:  # it brings scikit-learn
    from tagifai.services.inference import SavedTest

MOST_LISTED = 200
TYPES = {
    "MFT": "MFT, minimum functionality: the text must have, or must not have, some tags",
    "INV": "INV, invariance: the tags must not change when the text does",
    "DIR": "DIR, directional: the tags must change when the text does",
}
PARTS = {
    SAVED: "saved in the data folder",
    NAME_RECOGNITION: "name recognition: names and aliases of tags, put into templates",
    WITHOUT_NAMES: "without names: texts of the test split, reworded, with no tag's name in them",
}
NO_TEST = "No behavioral test names a tag of this version."
NOW = "on the tests of now, those saved in the data folder among them"
THEN = "as measured when it was made: the version keeps no model"


def render_behavioral(
    results: BehavioralResults, version: str, *, fresh: bool = True, num_left_out: int = 0
) -> str:
    """Render a version's scores on the behavioral tests, then the failed and the passed ones.

    Parameters
    ----------
    results : BehavioralResults
        The scores and tests.
    version : str
        The version that was tested.
    fresh : bool
        Whether they are of the tests of now; otherwise they were measured with the version.
    num_left_out : int
        How many tests were not run, because the predictor would be asked too much.
    """
    if not results.overall.num_samples:
        return show_table([], {}, empty=NO_TEST)
    return str(
        render(
            "behavioral_results.html",
            results=results,
            version=version,
            num_left_out=num_left_out,
            when=NOW if fresh else THEN,
            tables=[
                _score_table(results.by_part, "part", PARTS),
                _score_table(results.by_type, "type", TYPES),
            ],
            groups=_score_table(results.by_group, "group", {}),
            listed=[
                (title, tests, _test_table(title, tests))
                for title, tests in (("Failed", results.failed), ("Passed", results.passed))
            ],
            most=MOST_LISTED,
        )
    )


def render_saved(saved: "SavedTest", version: str) -> str:
    """Render where a test was saved, and whether a version passes it.

    Parameters
    ----------
    saved : SavedTest
        The test, with the results of this one.
    version : str
        The version's name.
    """
    if saved.results is None:
        return str(render("saved_unasked.html", saved=saved, version=version))
    (test,) = saved.results.failed or saved.results.passed
    return str(
        render(
            "saved_test.html",
            failed=bool(saved.results.failed),
            number=saved.number,
            file=saved.file,
            version=version,
            predicted="; ".join(", ".join(tags) or "no tag" for tags in test.predicted),
        )
    )


def _score_table(scores: Mapping[str, Score], what: str, terms: Mapping[str, str]) -> Markup:
    """Render what the model and the name matcher pass of each part, type or group."""
    if not scores:
        return Markup()
    rows = [
        {
            "name": terms.get(name, name),
            "share": macro("share", score.score),
            "matcher": macro("share", score.name_matcher),
            "n": score.num_samples,
        }
        for name, score in scores.items()
    ]
    columns = {"name": what, "share": "passed", "matcher": "name matcher", "n": "tests"}
    return Markup(show_table(rows, columns, empty=""))  # noqa: S704


def _test_table(title: str, tests: Sequence[TestResult]) -> Markup:
    rows = [
        {
            "type": test.type,
            "group": test.group,
            "texts": macro("texts", test, template="behavioral.html"),
            "wanted": macro("wanted", test, template="behavioral.html"),
            "predicted": macro("predicted", test, template="behavioral.html"),
        }
        for test in tests[:MOST_LISTED]
    ]
    columns = {
        "type": "type",
        "group": "group",
        "texts": "texts",
        "wanted": "expected",
        "predicted": "predicted",
    }
    return Markup(show_table(rows, columns, empty=f"None {title.lower()}."))  # noqa: S704
