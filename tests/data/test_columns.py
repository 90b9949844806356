import tomllib

import pytest

from tagifai.data import load_dataset
from tagifai.data.columns import (
    Columns,
    check_columns,
    number_names,
    to_toml,
    with_defaults,
)
from tagifai.data.config import DataConfig, load_config
from tagifai.errors import TagifaiError


def folder(tmp_path, toml, **files):
    (tmp_path / "data.toml").write_text(toml)
    for name, content in files.items():
        (tmp_path / name.replace("_", ".")).write_text(content)
    return tmp_path


def projects(path):
    return [(p.id, p.title, p.description, p.tags, p.extra) for p in load_dataset(path).projects]


def test_columns_that_are_named_otherwise(tmp_path):
    toml = '[columns]\nfile = "train.csv"\ntext = "comment"\ntags = "labels"\nseparator = ";"\n'
    found = folder(tmp_path, toml, train_csv="comment,labels,lang\nOne,a; b,en\nTwo,,de\n")
    assert projects(found) == [
        ("1", "", "One", ("a", "b"), {"lang": "en"}),
        ("2", "", "Two", (), {"lang": "de"}),
    ]


def test_our_own_names_need_not_be_told(tmp_path):
    toml = '[columns]\ntags = "tag"\nseparator = "none"\n'
    text = "id,created_on,title,description,tag\n6,2020-02-20,T,D,a b\n"
    found = folder(tmp_path, toml, projects_csv=text)
    assert projects(found) == [("6", "T", "D", ("a b",), {"created_on": "2020-02-20"})]


def test_one_hot_columns_in_place(tmp_path):
    toml = (
        '[columns]\nfile = "a.csv"\nid = "key"\ntext = "comment_text"\n'
        'one_hot = ["toxic", "obscene"]\nunlabelled = "leave-out"\nencoding = "cp1252"\n'
        'delimiter = ";"\nleave_out = "rater"\n'
    )
    folder(tmp_path, toml)
    text = "key;comment_text;toxic;obscene;rater\nk1;Né;1;0;r\nk2;B;-1;-1;r\nk3;C;0;0;r\n"
    (tmp_path / "a.csv").write_bytes(text.encode("cp1252"))
    assert projects(tmp_path) == [("k1", "", "Né", ("toxic",), {}), ("k3", "", "C", (), {})]
    dataset = load_dataset(tmp_path)
    assert (dataset.num_left_out, dataset.files) == (1, (tmp_path / "a.csv",))


def test_several_files_are_splits(tmp_path):
    toml = '[columns]\nfile = ["train.csv", "dev.csv"]\ntext = "text"\ntags = "tag"\n'
    found = folder(tmp_path, toml, train_csv="text,tag\nOne,a\n", dev_csv="text,tag\nTwo,b\n")
    dataset = load_dataset(found)
    assert dataset.splits == {"1": "train", "2": "val"}
    (tmp_path / "data.toml").write_text(toml + 'split = "none"\n')
    assert load_dataset(found).splits == {}


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('tags = "tag"', "which column holds the texts? Say `text` in [columns]; the columns are"),
        ('text = "text"', "which column holds the tags? Say `tags` in [columns]"),
        ('text = "txt"\ntags = "tag"', "unknown column 'txt': did you mean 'text'?"),
        ('text = "text"\ntags = "tag"', "row 1, tag: 'a b' is one tag or several: `separator`"),
        ('text = "text"\none_hot = ["tag"]', "row 1, tag: 0 or 1 is needed, got 'a b'"),
        ('text = "text"\none_hot = ["hot"]', "row 1, hot: -1, so nobody decided: `unlabelled"),
        ('text = "text"\ntags = "tag"\nnames = ["x"]\nseparator = "none"', "row 1, tag: a number"),
        ('text = "text"\ntags = "tag"\none_hot = ["hot"]', "columns: tags or one_hot, not both"),
        ('text = "text"\ntags = "text"', "columns: 'text' is both text and tags"),
        ('text = "text"\ntags = "tag"\nmulti_hot = true', "columns: multi_hot needs names"),
        ('text = "text"\none_hot = ["hot"]\nseparator = ";"', "columns: one_hot columns take no"),
        ('text = 1', "columns.text: Input should be a valid string, got 1"),
        ('seperator = ";"', "columns: unknown key 'seperator': did you mean 'separator'?"),
        ('delimiter = "||"', "columns.delimiter: String should have at most 1 character"),
        ('unlabelled = "keep"', "columns.unlabelled: Input should be 'leave-out' or 'negative'"),
        ('encoding = "utf-9"', "unknown encoding 'utf-9'"),
        ('file = "../a.csv"', "columns, file: a file within the data folder is needed, got '../a"),
        ('file = "/etc/passwd"', "columns, file: a file within the data folder is needed"),
        ('file = "b.csv"', "b.csv: no such file or folder"),
        ('file = "data.toml"', "data.toml: unknown kind of file"),
        ('names = {a = "b"}', "columns, names: a whole number is needed for each name, got 'a'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(tmp_path, toml, message):
    file = "" if "file" in toml else 'file = "a.csv"\n'
    found = folder(tmp_path, f"[columns]\n{file}{toml}\n", a_csv="text,tag,hot\nOne,a b,-1\n")
    with pytest.raises(TagifaiError) as caught:
        load_dataset(found)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_of_the_usual_name_beside_those_named_is_a_doubt(tmp_path):
    toml = '[columns]\nfile = "a.csv"\ntext = "text"\ntags = "tag"\n'
    found = folder(tmp_path, toml, a_csv="text,tag\nOne,a\n", projects_csv="id\n")
    with pytest.raises(TagifaiError, match=r"names a\.csv, and projects\.csv is there too; keep"):
        load_dataset(found)


def test_nothing_is_guessed_of_how_it_is_written(tmp_path):
    toml = '[columns]\nfile = "a.csv"\ntext = "text"\ntags = "tag"\n'
    folder(tmp_path, toml)
    (tmp_path / "a.csv").write_bytes("text,tag\né,a\n".encode("cp1252"))
    with pytest.raises(TagifaiError, match=r"a\.csv: not UTF-8 text \(byte 10, line 2\)"):
        load_dataset(tmp_path)


def test_toml_that_is_written_reads_back(tmp_path):
    columns = Columns(
        file=("a b.csv", "é.csv"), id="none", title="ti\"tle", text="te\\xt", tags=("a,b", "c"),
        separator="\n", names={0: "x", 1: "y\x7f"}, split="none", unlabelled="negative",
        leave_out=("", "d"), encoding="cp1252", delimiter="\t", quoting="none", header=("a", "b"),
    )  # fmt: skip
    (tmp_path / "data.toml").write_text(to_toml(columns))
    assert load_config(tmp_path) == DataConfig(columns=columns)
    some = Columns(file=("a",), text="t", tags=("c",), names={3: "x"}, multi_hot=True)
    assert tomllib.loads(to_toml(some)) == {
        "columns": {
            "file": "a", "text": "t", "tags": "c", "names": {"3": "x"}, "multi_hot": True,
        }
    }  # fmt: skip
    assert 'unlabelled = "leave-out"' in to_toml(Columns(unlabelled="whole"))


def test_names_of_numbers():
    assert number_names({"0": "a", 2: " b "}, "") == {0: "a", 2: "b"}
    assert number_names({"a": 0, "b": 1}, "") == {0: "a", 1: "b"}
    for wrong in ({"0": "a", "1": "a"}, {"0": " "}, {"x": "a"}, {0: None}, {"0": "a", 0: "b"}):
        with pytest.raises(TagifaiError, match=r"^here: "):
            number_names(wrong, "here")


def test_defaults_are_our_own_names():
    filled = with_defaults(Columns(), ["id", "title", "description", "tags", "split"], "here")
    assert (filled.id, filled.title, filled.text) == ("id", "title", "description")
    assert (filled.tags, filled.split) == (("tags",), "split")
    bare = with_defaults(
        Columns(text="t", tags=("c",)), ["t", "c"], "here", {"c": ("x", "y"), "d": ("z",)}
    )
    assert (bare.id, bare.title, bare.split, bare.names) == ("none", "none", "", {0: "x", 1: "y"})
    check_columns(bare, "here")
