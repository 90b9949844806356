import numpy as np
import pytest

import tagifai
from tagifai.errors import TagifaiError

TAGS = ["cv", "nlp"]
Y_TRUE = np.array([[1, 0], [0, 1]] * 30)
BAD, GOOD = np.full((60, 2), 0.6), Y_TRUE * 0.8 + 0.1


def test_arrays_are_compared():
    result = tagifai.compare(BAD, GOOD, y_true=Y_TRUE, tags=TAGS)
    assert (result.a, result.b, result.verdict) == ("a", "b", "better")
    row = result.row("cv", "precision")
    assert (row.a, row.b, row.diff) == (0.5, 1.0, 0.5)
    assert result.to_frame().query("group == 'tags'")["name"].unique().tolist() == TAGS


def test_a_notebook_shows_it_and_it_plots():
    result = tagifai.compare(BAD, GOOD, y_true=Y_TRUE, tags=["<img>", "nlp"])
    html = result._repr_html_()
    assert "<svg" in html
    assert "<img>" not in html
    assert ".tagifai .chart .narrow { display: none; }" in html
    assert repr(result) == "<Comparison of b with a: better, weighted f1 0.667 → 1.000>"
    assert result.plot("precision").axes[0].get_yticklabels()[0].get_text() in ("<img>", "nlp")
    with pytest.raises(TagifaiError, match="unknown group 'tag'"):
        result.plot(group="tag")
    with pytest.raises(TagifaiError, match="unknown metric 'f2'"):
        result.plot("f2")


def test_versions_of_a_folder_are_compared(tmp_path):
    texts = [f"text {row}" for row in range(60)]
    homes = {"models": tmp_path / "model", "data": tmp_path / "data"}
    for name, prob in (("v1", BAD), ("v2", GOOD)):
        tagifai.add_version(
            name, prob, texts=texts, y_true=Y_TRUE, tags=TAGS, split=["test"] * 60, **homes
        )
    result = tagifai.compare("v1", "v2", **homes)
    assert (result.a, result.b, result.verdict) == ("v1", "v2", "better")
    assert result.row("weighted", "precision").diff == 0.5
    assert not (tmp_path / ".cache").exists()
    with pytest.raises(TagifaiError, match="unknown version 'v3'"):
        tagifai.compare("v1", "v3", **homes)


@pytest.mark.parametrize(
    ("a", "b", "y_true", "message"),
    [
        ("v1", GOOD, Y_TRUE, "compare: two names of versions or two arrays"),
        (BAD, GOOD, None, "y_true: shape"),
        (BAD[:3], GOOD, Y_TRUE, r"a: shape \(60, 2\) is needed"),
        (BAD, GOOD + 1, Y_TRUE, "b: row 0, tag 'cv': a probability"),
    ],
)
def test_what_does_not_fit(a, b, y_true, message):
    with pytest.raises(TagifaiError, match=f"^{message}"):
        tagifai.compare(a, b, y_true=y_true, tags=TAGS)
