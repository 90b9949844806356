import pyarrow as pa
import pytest

from tagifai.data.unpacked import SMALL, Unpacked, unpacked_size
from tagifai.errors import TagifaiError

TEXTS = ["abc", "de", None, "abc"]


def plain(array):
    return unpacked_size(pa.array(array.to_pylist(), pa.string()))


@pytest.mark.parametrize(
    "array",
    [
        pa.array(TEXTS).dictionary_encode(),
        pa.array(TEXTS, pa.large_string()),
        pa.RunEndEncodedArray.from_arrays(pa.array([1, 2, 3, 4], pa.int32()), pa.array(TEXTS)),
        pa.array(["zz", *TEXTS]).slice(1),
        pa.array(["zz", *TEXTS]).dictionary_encode().slice(1),
    ],
)
def test_the_same_texts_have_the_same_size_however_they_are_stored(array):
    assert unpacked_size(array) == plain(array) == 8 + 4 * 4


def test_what_is_shared_counts_as_often_as_it_occurs():
    text = "y" * 1_000
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([500], pa.int32()), pa.array([text]))
    codes = pa.array([0] * 500, pa.int32())
    encoded = pa.DictionaryArray.from_arrays(codes, pa.array([text]))
    lists = pa.ListArray.from_arrays(pa.array([0, 200, 500], pa.int32()), encoded)
    nested = pa.StructArray.from_arrays([lists], ["x"])
    for array in (runs, encoded, lists, nested):
        assert 500_000 <= unpacked_size(array) < 510_000
    batch = pa.RecordBatch.from_pydict({"a": encoded, "b": encoded})
    assert unpacked_size(batch) == 2 * unpacked_size(encoded)


@pytest.mark.parametrize(
    "array",
    [
        pa.array([1, 2]), pa.array([True, None]), pa.array([], pa.string()), pa.nulls(3),
        pa.array([{"a": 1}, None]), pa.array([[1], None, []]), pa.array([b"x"]),
        pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
        pa.array([[1, 2]], pa.list_(pa.int8(), 2)), pa.array(["x"], pa.string_view()),
        pa.array([], pa.int32()).dictionary_encode(),
    ],
)  # fmt: skip
def test_every_kind_of_array_has_a_size(array):
    assert 0 <= unpacked_size(array) < 100


def test_small_files_unpack_to_some_bytes_and_large_ones_to_a_multiple():
    small = Unpacked(1_000)
    small.add(SMALL, "a.parquet")
    with pytest.raises(TagifaiError, match=r"^a.parquet: unpacks to more than 268,435,456 bytes"):
        small.add(1, "a.parquet")
    large = Unpacked(10 * SMALL)
    large.add(999 * SMALL, "b.parquet")
    with pytest.raises(TagifaiError, match="at most 100 times their size"):
        large.check(2 * SMALL, "b.parquet")
