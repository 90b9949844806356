from tagifai.data.profiles import profile_rows


def test_a_profile_counts_what_cells_are():
    rows = [
        {"a": "x;y", "b": 1, "c": ["p"], "d": "0"},
        {"a": "", "b": 0.0, "c": None, "d": "1"},
        {"a": "<x><y>", "b": -1, "c": [2], "d": "n"},
    ]
    found = profile_rows(enumerate(rows, start=1))
    assert (found["a"].blank, found["a"].separated[";"], found["a"].angles) == (1, 1, 1)
    assert found["b"].binary == {"whole", "float"}
    assert (found["b"].lowest, found["b"].highest, found["b"].floats) == (-1, 1, 1)
    assert (dict(found["c"].items), found["c"].is_binary) == ({"text": 1, "number": 1}, False)
    assert (found["d"].is_binary, found["d"].filled) == (False, 3)


def test_cells_that_come_again_are_counted_as_often():
    rows = [{"a": "x;y", "b": 1, "c": ""}, {"a": "x;y", "b": True, "c": " "}, {"a": "z", "b": 1}]
    found = profile_rows(enumerate(rows * 100, start=1))
    assert (found["a"].kinds["text"], found["a"].separated[";"], found["a"].filled) == (
        300,
        200,
        300,
    )
    assert dict(found["a"].distinct) == {"x;y": 200, "z": 100}
    assert (dict(found["b"].kinds), found["b"].numbers) == ({"number": 200, "truth": 100}, 200)
    assert (found["c"].blank, found["c"].seen) == (200, 200)
    assert not found["b"].in_order
    many = profile_rows((k, {"n": str(k - 1), "t": f"cell {k % 7000}"}) for k in range(1, 14_001))
    assert (many["n"].in_order, many["n"].numbers, many["n"].highest) == (True, 14_000, 13_999)
    assert many["t"].kinds["text"] == 14_000
