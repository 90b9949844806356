import numpy as np

from tagifai.data.carried_tags import CarriedTags

CARRIED = CarriedTags.from_rows([("b", "a"), (), ("b",), ("c", "b")])


def test_tags_are_counted_and_found():
    assert CARRIED.counts == {"b": 3, "a": 1, "c": 1}
    assert [CARRIED.of_row(row) for row in range(4)] == [("b", "a"), (), ("b",), ("c", "b")]
    assert CARRIED.rows_of("b").tolist() == [0, 2, 3]
    assert CARRIED.rows_of("c").tolist() == [3]
    assert CARRIED.rows_of("d").tolist() == []
    assert CARRIED.numbers.tolist() == [2, 0, 1, 2]


def test_some_rows_are_taken():
    some = CARRIED.take(np.array([1, 3]))
    assert [some.of_row(row) for row in range(len(some))] == [(), ("c", "b")]
    assert some.counts == {"b": 1, "c": 1}


def test_no_project_carries_nothing():
    empty = CarriedTags.from_rows([])
    assert (len(empty), empty.counts, empty.rows_of("a").tolist()) == (0, {}, [])
