import io
import zipfile

import numpy as np
import pytest

from tagifai.errors import TagifaiError
from tagifai.limits import Limit
from tagifai.predictions import Predictions, decide, threshold_array

GIVEN = {
    "ids": ["7", "ü8", "9"],
    "split": ["train", "test", "test"],
    "tags": ["cv", "a.b"],
    "y_true": [[1, 0], [0, 1], [1, 1]],
    "y_prob": [[0.5, 0.25], [0.0, 1.0], [0.75, 0.125]],
}


def predictions(**changed):
    return Predictions.of(**{**GIVEN, **changed})


def npz(**changed):
    packed = io.BytesIO()
    np.savez(packed, **{**{k: np.array(v) for k, v in GIVEN.items()}, **changed})
    return packed.getvalue()


def test_bytes_come_back_equal_and_equal_predictions_give_equal_bytes():
    once = predictions().to_bytes()
    back = Predictions.from_bytes(once)

    assert back.ids == ("7", "ü8", "9")
    assert back.tags == ("cv", "a.b")
    assert back.split.tolist() == ["train", "test", "test"]
    assert back.y_true.tolist() == GIVEN["y_true"]
    assert back.y_true.dtype == np.uint8
    assert back.y_prob.tolist() == GIVEN["y_prob"]
    assert back.y_prob.dtype == np.float32
    assert back.to_bytes() == once


def test_what_numpy_saves_can_be_read():
    back = Predictions.from_bytes(npz(ids=np.array([7, 8, 9]), tags=np.array([b"cv", b"ab"])))

    assert back.ids == ("7", "8", "9")
    assert back.tags == ("cv", "ab")


def test_numpy_reads_what_is_written():
    loaded = np.load(io.BytesIO(predictions().to_bytes()), allow_pickle=False)

    assert loaded["ids"].tolist() == ["7", "ü8", "9"]


def test_select_keeps_the_rows_of_a_split():
    test = predictions().select("test")

    assert test.ids == ("ü8", "9")
    assert test.y_true.tolist() == [[0, 1], [1, 1]]
    assert test.row_of == {"ü8": 0, "9": 1}
    assert predictions().select("val").ids == ()


def test_the_test_split_is_given_by_column():
    p = Predictions.of(["7", "8", "9"], ["test", "val", "test"], ["cv", "nlp"],
                       [[1, 0], [1, 1], [0, 1]], [[0.5, 0.25], [1, 1], [0, 0.75]])  # fmt: skip
    assert {split: rows.tolist() for split, rows in p.rows_by_split.items()} == {
        "train": [], "val": [1], "test": [0, 2],
    }  # fmt: skip
    true, prob = p.test_by_column
    assert (true.tolist(), prob.tolist()) == ([[1, 0], [0, 1]], [[0.5, 0.25], [0, 0.75]])
    assert prob[:, 1].flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        prob[0, 0] = 1


def test_no_project_at_all_is_a_valid_state():
    empty = Predictions.of([], [], ["cv"], np.empty((0, 1)), np.empty((0, 1)))

    assert Predictions.from_bytes(empty.to_bytes()).y_prob.shape == (0, 1)


def test_arrays_cannot_be_changed_behind_the_fingerprint():
    with pytest.raises(ValueError, match="read-only"):
        predictions().y_prob[0, 0] = 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ids": ["7", "7", "9"]}, "ids: '7' comes twice"),
        ({"tags": ["cv", ""]}, "tags: an empty name"),
        ({"split": ["train", "test", "holdout"]}, "'holdout' is not one of train, val, test"),
        ({"split": ["train", "test"]}, "3 ids and 2 tags need split"),
        ({"y_true": [[2, 0], [0, 1], [1, 1]]}, "only 0 and 1"),
        ({"y_prob": [[0.5, 1.5], [0, 1], [0, 0]]}, "project '7', tag 'a.b': .* got 1.5"),
        ({"y_prob": [[0.5, 0], [float("nan"), 1], [0, 0]]}, "project 'ü8', tag 'cv': .* got nan"),
    ],
)
def test_invalid_values_are_named(changed, message):
    with pytest.raises(TagifaiError, match=message):
        predictions(**changed)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an .npz archive"),
        (b"PK\x03\x04 torn", "not an .npz archive"),
        (npz()[:-40], "not an .npz archive"),
        (npz(ids=np.array([{"a": 1}, 2, 3], dtype=object)), "ids: an array of type object"),
        (npz(y_prob=np.array([["a"]])), "y_prob: an array of type"),
    ],
)
def test_what_is_no_archive_of_predictions_is_refused(content, message):
    with pytest.raises(TagifaiError, match=f"^v1/predictions.npz: .*{message}"):
        Predictions.from_bytes(content, "v1/predictions.npz")


def rewritten(name, change):
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(npz())) as old, zipfile.ZipFile(packed, "w") as new:
        for member in old.namelist():
            content = old.read(member)
            if member == f"{name}.npy":
                content = change(content)
            if content is not None:
                new.writestr(member, content)
    return packed.getvalue()


def test_a_header_that_claims_more_than_there_is_allocates_nothing():
    lying = rewritten("y_prob", lambda c: c.replace(b"(3, 2), }    ", b"(3000000, 2)}", 1))

    with pytest.raises(TagifaiError, match=r"y_prob: shape \(3000000, 2\) does not match 48 bytes"):
        Predictions.from_bytes(lying)


def test_a_missing_array_is_named():
    with pytest.raises(TagifaiError, match="no array 'split'"):
        Predictions.from_bytes(rewritten("split", lambda _: None))


def test_an_archive_that_grows_without_bound_is_refused_before_it_is_unpacked():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ids.npy", bytes(2**20))
    limit = Limit("max_unpacked", 2**19)

    with pytest.raises(
        TagifaiError, match=r"1,048,576 bytes once unpacked; at most 524,288 .*MAX_"
    ):
        Predictions.from_bytes(packed.getvalue(), unpacked=limit)


def test_a_flipped_bit_is_noticed():
    content = bytearray(predictions().to_bytes())
    content[90] ^= 1

    with pytest.raises(TagifaiError, match=r"^predictions\.npz: "):
        Predictions.from_bytes(bytes(content))


@pytest.mark.parametrize("value", [0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.05, 1 / 3, 0.0, 1.0])
def test_a_probability_reaches_a_threshold_of_the_same_digits(value):
    for given in (value, np.float32(value), [value], np.array([value]), np.float32([value])):
        assert decide(given, value).all()
        assert decide(given, np.float32(value)).all()


def test_neighbours_in_float32_are_told_apart_and_closer_ones_are_not():
    stored = np.float32(0.7)
    above, below = (np.nextafter(stored, np.float32(end)) for end in (1, 0))
    assert decide([above, stored, below], 0.7).tolist() == [True, True, False]
    assert decide(stored, np.nextafter(0.7, 1)).tolist() is True
    assert decide(np.nextafter(0.7, 0), 0.7).tolist() is True


def test_each_column_has_its_own_threshold():
    decided = decide([[0.5, 0.5], [0.4, 0.6]], [0.5, 0.6])
    assert decided.tolist() == [[True, False], [False, True]]
    assert decided.dtype == bool
    assert decide(np.empty((0, 2)), [0.5, 0.6]).shape == (0, 2)


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan"), float("inf")])
def test_a_threshold_that_is_no_probability_is_refused_by_name(value):
    with pytest.raises(TagifaiError, match=rf"threshold of 'b': a number from 0 to 1.*{value}"):
        threshold_array(["a", "b"], {"a": 0.5, "b": value})
    with pytest.raises(TagifaiError, match=r"threshold of 'a\.b'"):
        predictions().decide({"a.b": value})


def test_a_tag_without_a_threshold_is_named():
    with pytest.raises(TagifaiError, match="thresholds: none for 'b'"):
        threshold_array(["a", "b"], {"a": 0.5})
