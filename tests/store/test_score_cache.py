"""What a predictor answered stays when a run is interrupted."""

import numpy as np
import pytest

from tagifai.errors import TagifaiError
from tagifai.store.score_cache import open_scores

ROWS = np.array([[0.25, 0.5], [0.75, 1.0]], np.float32)


def test_rows_are_found_again_after_an_interruption(tmp_path):
    scores = open_scores(tmp_path, "sklearn:a", ("x", "y"))
    scores.put(["one", "two"], ROWS)
    scores.__exit__(KeyboardInterrupt, None, None)
    with open_scores(tmp_path, "sklearn:a", ("x", "y")) as scores:
        found = scores.get(["two", "three", "one"])
        assert {place: row.tolist() for place, row in found.items()} == {
            0: [0.75, 1.0],
            2: [0.25, 0.5],
        }
    # A run that ends well leaves nothing.
    assert list((tmp_path / "scores").iterdir()) == []


def test_nothing_is_saved_where_nothing_is_cached():
    with open_scores(None, "sklearn:a", ("x", "y")) as scores:
        scores.put(["one", "two"], ROWS)
        assert scores.get(["two"])[0].tolist() == ROWS[1].tolist()
        assert (len(scores), scores.path) == (2, None)
    with open_scores(None, "sklearn:a", ("x", "y")) as scores:
        assert len(scores) == 0


@pytest.mark.parametrize(
    ("predictor", "tags"),
    [("sklearn:b", ("x", "y")), ("sklearn:a", ("y", "x")), ("sklearn:a", ("x", "y", "z"))],
)
def test_another_predictor_or_other_tags_find_nothing(tmp_path, predictor, tags):
    scores = open_scores(tmp_path, "sklearn:a", ("x", "y"))
    scores.put(["one", "two"], ROWS)
    scores.close(keep=True)
    with open_scores(tmp_path, predictor, tags) as other:
        assert other.get(["one"]) == {}


def test_a_damaged_file_is_begun_again(tmp_path):
    scores = open_scores(tmp_path, "sklearn:a", ("x", "y"))
    scores.close(keep=True)
    scores.path.write_bytes(b"no database" * 1_000)
    with open_scores(tmp_path, "sklearn:a", ("x", "y")) as again:
        assert again.get(["one"]) == {}
        again.put(["one"], ROWS[:1])
        assert list(again.get(["one"])) == [0]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TagifaiError, match=r"file/.*cannot be written"):
        open_scores(tmp_path / "file", "sklearn:a", ("x",))
