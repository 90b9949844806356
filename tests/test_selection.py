import pytest

from tagifai.errors import TagifaiError
from tagifai.predictions import Predictions
from tagifai.selection import paged, rows_of


def test_rows_of_each_part():
    p = Predictions.of("abc", ["test", "val", "train"], ["t"], [[0]] * 3, [[0.5]] * 3)
    parts = ("train", "val", "test", "train+val", "all")
    assert [rows_of(p, part).tolist() for part in parts] == [[2], [1], [0], [1, 2], [0, 1, 2]]


def test_a_page_past_the_end_is_the_last():
    assert paged([1, 2, 3], 9, size=2) == ([3], 2, 2, 3)
    assert paged([], 1) == ([], 1, 1, 0)


@pytest.mark.parametrize("number", [0, -1, 1.0, True, "1", None])
def test_a_page_is_a_whole_number_of_one_or_more(number):
    with pytest.raises(TagifaiError, match="a page is a whole number of 1 or more"):
        paged([1], number)
