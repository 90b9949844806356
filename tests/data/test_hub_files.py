import pytest

from tagifai.data.hub_files import choose_files, kind_of_rows, matches, read_configs
from tagifai.errors import TagifaiError


def paths(files, card=None, config=""):
    return [(one.path, one.split) for one in choose_files(files, card, config)]


def test_the_default_configuration_is_taken():
    card = {
        "configs": [
            {"config_name": "raw", "data_files": "raw/*.csv"},
            {"config_name": "clean", "data_files": "clean/*.csv", "default": True},
        ]
    }
    files = ["raw/train.csv", "clean/train.csv", "clean/test.csv"]
    assert paths(files, card) == [("clean/test.csv", "test"), ("clean/train.csv", "train")]
    assert paths(files, card, "raw") == [("raw/train.csv", "train")]


def test_types_win_over_text_where_nothing_is_said():
    files = [
        "train.csv",
        "data/train.csv",
        "data/train-0.parquet",
        "data/test.parquet",
    ]
    assert paths(files) == [
        ("data/test.parquet", "test"),
        ("data/train-0.parquet", "train"),
    ]


def test_what_describes_is_no_row():
    assert kind_of_rows("dataset_infos.json") == ""
    assert kind_of_rows("data/train.parquet.gz") == ""
    assert kind_of_rows("x/y.ndjson") == "jsonl"


def test_a_pattern_without_files_is_named():
    card = {"configs": [{"config_name": "default", "data_files": "data/none-*"}]}
    with pytest.raises(TagifaiError, match=r"README\.md: no file of rows matches data/none-\*"):
        choose_files(["data/train.csv"], card)


@pytest.mark.parametrize(
    "card", [None, [], "text", {"configs": 3}, {"configs": [3, {"data_files": 3}, {}]}]
)
def test_a_malformed_card_says_nothing(card):
    assert read_configs(card) == ({}, "")


def test_a_card_that_refers_to_itself_ends():
    loop: list[object] = ["a.csv"]
    loop.append(loop)
    assert read_configs({"configs": [{"data_files": loop}]}) == ({"default": [("", "a.csv")]}, "")
    table: dict[str, object] = {}
    table["path"] = table
    assert read_configs({"configs": [{"data_files": [table]}]}) == ({}, "")


def test_patterns_end_soon():
    assert not matches("/".join("a" * 40), "**/" * 3 + "b")
