"""What the page is sent once, so that it can draw each step of a slider itself."""

import orjson

from tagifai.ui.views.shared_markup import MAX_BYTES, write_shared


def show(step):
    return [f"<p>{step}</p><tr>a<tr>b", "<tr>b"]


def test_each_piece_is_sent_once():
    sent = orjson.loads(write_shared([2, 5], show))
    assert sent == {
        "bounds": [2, 5],
        "pages": [[[0, 1, 2], [2]], [[3, 1, 2], [2]], [[4, 1, 2], [2]]],
        "pieces": ["<p>2</p>", "<tr>a", "<tr>b", "<p>5</p>", "<p>6</p>"],
        "low": 0,
        "high": None,
    }


def test_without_bounds_there_is_one_page():
    assert orjson.loads(write_shared([], show))["pages"] == [[[0, 1, 2], [2]]]


def test_some_steps_are_sent_alone():
    assert orjson.loads(write_shared([7, 9], show, low=5, high=9)) == {
        "bounds": [7, 9],
        "pages": [[[0, 1, 2], [2]], [[3, 1, 2], [2]]],
        "pieces": ["<p>7</p>", "<tr>a", "<tr>b", "<p>9</p>"],
        "low": 5,
        "high": 9,
    }


def test_too_much_is_not_sent():
    assert write_shared([1], lambda step: ["x" * (MAX_BYTES // 2 - 100) + str(step)]) != ""
    assert write_shared([1], lambda step: ["x" * (MAX_BYTES // 2) + str(step)]) == ""
