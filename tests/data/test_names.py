import pytest

from tagifai.data.names import (
    nearest_name,
    normalise_name,
    refuse_unknown_in_rows,
    refuse_unknown_tags,
    spelling_key,
)
from tagifai.errors import TagifaiError

FRUIT = ["apples", "boats", "clocks", "drums"]


def refused(*arguments, **named):
    with pytest.raises(TagifaiError) as caught:
        refuse_unknown_tags(*arguments, **named)
    return str(caught.value)


def test_names_that_are_all_known_pass():
    refuse_unknown_tags(["drums", "apples", "drums"], FRUIT, "here")
    refuse_unknown_tags([], [], "here")


def test_every_unknown_name_is_told_with_the_nearest_known_one():
    assert refused(["Apples", "boats ", "clocks"], FRUIT, "predictions.jsonl") == (
        "predictions.jsonl: 2 unknown tags: 'Apples' (did you mean 'apples'?), "
        "'boats ' (did you mean 'boats'?)"
    )


def test_names_come_in_the_order_received_and_once():
    told = refused(["z", "boat", "z"], FRUIT, "here")
    assert told == (
        "here: 2 unknown tags: 'z', 'boat' (did you mean 'boats'?); "
        "known tags: 'apples', 'boats', 'clocks', 'drums'"
    )


def test_a_name_of_one_letter_finds_its_other_case():
    assert refused(["R"], ["python", "r"], "here") == (
        "here: 1 unknown tag: 'R' (did you mean 'r'?)"
    )


def test_the_same_spelling_beats_a_more_similar_name():
    known = ["TIME SERIES X", "time-series"]
    assert nearest_name("TIME SERIES", known) == "time-series"


def test_another_unicode_form_is_told_by_its_code_points():
    assert refused(["cafe\u0301"], ["caf\u00e9"], "here") == (
        "here: 1 unknown tag: 'cafe\\u0301' (did you mean 'café'?)"
    )


def test_a_thousand_unknown_names_are_counted_and_fifty_named():
    told = refused([f"apple {number}" for number in range(1000)], FRUIT, "here")
    assert told.startswith("here: 1,000 unknown tags: 'apple 0' (did you mean 'apples'?), ")
    assert told.count("did you mean") == 50
    assert told.endswith(" and 950 more")


def test_many_known_names_are_counted_and_twenty_named():
    told = refused(["xyz"], [f"a{number}" for number in range(30)], "here")
    assert told.endswith("'a18', 'a19' … (30 in all)")
    assert refused(["xyz"], [], "here").endswith("'xyz'; known tags: none")


def test_places_with_unknown_names_are_told_at_once_and_twenty_of_them():
    rows = [(f"row {number}", ["drums", "Drum"]) for number in range(1, 24)]
    with pytest.raises(TagifaiError) as caught:
        refuse_unknown_in_rows(rows, FRUIT, "here.json")
    told = str(caught.value).split("; ")
    assert told[0] == "here.json: row 1: 1 unknown tag: 'Drum' (did you mean 'drums'?)"
    assert told[19] == "row 20: 1 unknown tag: 'Drum' (did you mean 'drums'?)"
    assert told[20:] == ["and 3 more places"]
    refuse_unknown_in_rows([("row 1", ["drums"]), ("row 2", [])], FRUIT, "here.json")


def test_other_things_than_tags_have_names_too():
    assert refused(["shrt"], ["short"], "here", what="slice") == (
        "here: 1 unknown slice: 'shrt' (did you mean 'short'?)"
    )


@pytest.mark.parametrize(
    "other",
    [
        "Time Series",
        "time_series",
        "TIMESERIES",
        "time–series",
        "time\u00a0series",
        "\uff54ime series",
    ],
)
def test_spellings_of_one_name_have_one_key(other):
    assert spelling_key(other) == spelling_key("time-series")


def test_spellings_that_differ_in_letters_have_keys_of_their_own():
    keys = {spelling_key(name) for name in ("c", "c++", "c#", "-", "_", "résumé", "resume")}
    assert len(keys) == 7


def test_a_name_is_stripped_and_composed():
    assert normalise_name("\u00a0Cafe\u0301 noir\n") == "Café noir"
