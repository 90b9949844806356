import gzip
import json
from datetime import datetime
from pathlib import Path

import pyarrow
import pyarrow.feather
import pyarrow.parquet as parquet
import pytest

from tagifai.cli import parser as cli
from tagifai.data import load_dataset
from tagifai.data.columns import Columns
from tagifai.data.importing import import_projects

A, B = "The first text is here.", "A second text, with a comma."
PLAIN = [("1", "", A, ["a", "b"]), ("2", "", B, ["b"])]


@pytest.fixture
def bring(tmp_path, capsys, monkeypatch):
    """Import files by the command line; give its status, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def bring(files, *arguments, to="out"):
        for name, content in files.items():
            path = Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            if callable(content):
                content(path)
            else:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        named = [name for name in files if "/" not in name]
        where = [] if to is None else ["--to", to]
        words = ["data", "import", *(named if named else ["folder"]), *where, *arguments]
        status = cli.main(list(map(str, words)))
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return bring


def lines(*rows):
    return "\n".join(json.dumps(row) for row in rows)


def rows_of(folder):
    """Read what was written: (id, title, description, tags[, others])."""
    rows = [json.loads(line) for line in (folder / "projects.jsonl").read_text().splitlines()]
    return [shape(row) for row in rows]


def shape(row):
    own = ("id", "title", "description", "tags")
    extra = {key: value for key, value in row.items() if key not in own}
    return (*(row[key] for key in own), *([extra] if extra else []))


def as_read(folder):
    """Read a data folder as everything else does."""
    return [
        shape(
            {"id": p.id, "title": p.title, "description": p.description, "tags": [*p.tags]}
            | p.extra
        )
        for p in load_dataset(folder).projects
    ]


def table(**columns):
    return pyarrow.table(columns)


def as_parquet(content):
    return lambda path: parquet.write_table(content, path)


def saved_dataset(content, features):
    """Write what `save_to_disk` of `datasets` writes, in two files."""

    def write(path):
        folder = path.parent
        names = [f"data-0000{k}-of-00002.arrow" for k in (0, 1)]
        for name, part in zip(names, (content.slice(0, 1), content.slice(1)), strict=True):
            with pyarrow.ipc.new_stream(folder / name, part.schema) as stream:
                stream.write_table(part)
        (folder / "dataset_info.json").write_text(json.dumps({"features": features}))
        state = {"_data_files": [{"filename": name} for name in names], "_indices_files": None}
        path.write_text(json.dumps(state))

    return write


RUSSIAN = "Купи ещё этих мягких булок"
ONE_HOT = f'id,comment_text,toxic,obscene\nx1,{A},1,0\nx2,"{B}",1,1\nx3,Third,0,0\n'
TOXIC = [("x1", "", A, ["toxic"]), ("x2", "", B, ["toxic", "obscene"]), ("x3", "", "Third", [])]
COMMA = f'"{B}"'
TEXTS = {"text": [A, B]}
STRINGS = pyarrow.string()
CLASSES = {"names": ["a", "b", "c"], "_type": "ClassLabel"}
GO = f"{A}\t0,1\tr1\n{B}\t1\tr2\n"
MADE = (
    "id,created_on,title,description,tag\n"
    f"6,2020-02-20 06:43:18,First,{A},computer-vision\n"
    f"7,2020-02-20 06:47:21,,{COMMA},mlops\n"
)
SQUARE = {"columns": ["text", "tags"], "index": [0, 1], "data": [[A, ["a", "b"]], [B, ["b"]]]}

FORMS = {
    # one-hot columns
    "one-hot": ({"train.csv": ONE_HOT}, [], TOXIC),
    "one-hot floats": ({"a.csv": ONE_HOT.replace(",1", ",1.0").replace(",0", ",0.0")}, [], TOXIC),
    "one-hot words": ({"a.csv": ONE_HOT.replace(",1", ",True").replace(",0", ",False")}, [], TOXIC),
    "one-hot yes and no": (
        {"a.csv": ONE_HOT.replace(",1", ",Yes").replace(",0", ",no")},
        [],
        TOXIC,
    ),
    "one-hot of R": (
        {"a.csv": ONE_HOT + "x4,Fourth,NA,1\n"},
        ["--unlabelled", "negative"],
        [*TOXIC, ("x4", "", "Fourth", ["obscene"])],
    ),
    "one-hot unlabelled": ({"a.csv": ONE_HOT.replace("Third,0,0", "Third,-1,-1")}, [], TOXIC[:2]),
    "one-hot some unlabelled left out": (
        {"a.csv": ONE_HOT.replace("Third,0,0", "Third,-1,0")},
        ["--unlabelled", "leave-out"],
        TOXIC[:2],
    ),
    "one-hot blank as negative": (
        {"a.csv": ONE_HOT.replace("Third,0,0", "Third,,-1")},
        ["--unlabelled", "negative", "--one-hot", "toxic,obscene"],
        TOXIC,
    ),
    "one-hot chosen": (
        {"a.csv": ONE_HOT.replace("obscene", "is_reply")},
        ["--one-hot", "toxic"],
        [
            ("x1", "", A, ["toxic"], {"is_reply": "0"}),
            ("x2", "", B, ["toxic"], {"is_reply": "1"}),
            ("x3", "", "Third", [], {"is_reply": "0"}),
        ],
    ),
    "one-hot all": (
        {"a.csv": ONE_HOT.replace("toxic", "is_reply")},
        ["--one-hot", "all"],
        [(*row[:3], [tag.replace("toxic", "is_reply") for tag in row[3]]) for row in TOXIC],
    ),
    "one-hot parquet": (
        {
            "a.parquet": as_parquet(
                table(
                    text=[A, B],
                    a=pyarrow.array([True, False]),
                    b=pyarrow.array([True, True]),
                )
            )
        },
        [],
        PLAIN,
    ),
    "one-hot json lines": (
        {"a.jsonl": lines({"text": A, "a": 1, "b": 1}, {"text": B, "a": 0, "b": 1})},
        [],
        PLAIN,
    ),
    # one column with a separator
    "semicolons": ({"a.csv": f"text,tags\n{A},a;b\n{COMMA},b\n"}, [], PLAIN),
    "semicolons and blanks": ({"a.csv": f"text,tags\n{A},a ; b;\n{COMMA}, b\n"}, [], PLAIN),
    "bars": ({"a.csv": f"text,labels\n{A},a|b\n{COMMA},b\n"}, [], PLAIN),
    "commas": ({"a.csv": f'text,tags\n{A},"a, b"\n{COMMA},b\n'}, [], PLAIN),
    "commas in a column of one, with parts that come again": (
        {"a.csv": f'text,label\n{A},"a,b"\n{COMMA},b\n'},
        [],
        PLAIN,
    ),
    "blanks as told": (
        {"a.csv": f"text,tags\n{A},a b\n{COMMA},b\n"},
        ["--separator", " "],
        PLAIN,
    ),
    "a blank within a tag, as told": (
        {"a.csv": f"text,tags\n{A},a b\n{COMMA},b\n"},
        ["--separator", "none"],
        [("1", "", A, ["a b"]), PLAIN[1]],
    ),
    "angles": ({"a.csv": f"text,tags\n{A},<a><b>\n{COMMA},<b>\n"}, [], PLAIN),
    "line ends": ({"a.csv": f'text,tags\n{A},"a\nb"\n{COMMA},b\n'}, [], PLAIN),
    "another sign as told": (
        {"a.csv": f"text,tags\n{A},a / b\n{COMMA},b\n"},
        ["--separator", "/"],
        PLAIN,
    ),
    "tags of two words": (
        {"a.csv": f"text,tags\n{A},machine learning;b\n{COMMA},b\n"},
        [],
        [("1", "", A, ["machine learning", "b"]), PLAIN[1]],
    ),
    "several columns of tags": (
        {"a.csv": f"text,tag_1,tag_2\n{A},a,b\n{COMMA},b,\n"},
        [],
        PLAIN,
    ),
    "columns of tags as told": (
        {"a.csv": f"text,topic,kind\n{A},a,b\n{COMMA},,b\n"},
        ["--tags", "topic,kind"],
        PLAIN,
    ),
    # lists in cells
    "JSON in cells": (
        {"a.csv": f'text,tags\n{A},"[""a"", ""b""]"\n{COMMA},"[""b""]"\n'},
        [],
        PLAIN,
    ),
    "Python in cells": ({"a.csv": f"text,tags\n{A},\"['a', 'b']\"\n{COMMA},['b']\n"}, [], PLAIN),
    "NumPy in cells": ({"a.csv": f"text,tags\n{A},['a' 'b']\n{COMMA},['b']\n"}, [], PLAIN),
    "sets and tuples": (
        {"a.csv": f"text,tags\n{A},\"('a', 'b')\"\n{COMMA},\"{{'b'}}\"\n"},
        [],
        PLAIN,
    ),
    "objects in cells": (
        {
            "a.csv": f"text,genres\n{A},\"[{{'id': 1, 'name': 'a'}}, {{'id': 2, 'name': 'b'}}]\"\n"
            f"{COMMA},\"[{{'id': 2, 'name': 'b'}}]\"\n"
        },
        [],
        PLAIN,
    ),
    "an object of 0 and 1": (
        {
            "a.jsonl": lines(
                {"text": A, "labels": {"a": 1, "b": 1.0}},
                {"text": B, "labels": {"a": 0, "b": True}},
            )
        },
        [],
        PLAIN,
    ),
    "objects of spaCy": (
        {
            "a.jsonl": lines(
                {"text": A, "cats": {"a": 1.0, "b": 1.0}}, {"text": B, "cats": {"a": 0, "b": 1}}
            )
        },
        [],
        PLAIN,
    ),
    # numbers
    "numbers with names": (
        {"a.csv": f"text,labels\n{A},0;1\n{COMMA},1\n"},
        ["--names", "a,b"],
        PLAIN,
    ),
    "numbers with names in a file": (
        {
            "a.jsonl": lines({"text": A, "labels": [0, 1]}, {"text": B, "labels": [1]}),
            "names/names.txt": "a\nb\nc\n",
        },
        ["--names", "names/names.txt"],
        PLAIN,
    ),
    "numbers with names of a model": (
        {
            "a.jsonl": lines({"text": A, "labels": [1, 2]}, {"text": B, "labels": [2]}),
            "names/config.json": json.dumps({"id2label": {"1": "a", "2": "b"}}),
        },
        ["--names", "names/config.json"],
        PLAIN,
    ),
    "numbers from 1": (
        {"a.csv": f"label,text\n1,{A}\n2,{COMMA}\n"},
        ["--names", "1=World,2=Sports"],
        [("1", "", A, ["World"]), ("2", "", B, ["Sports"])],
    ),
    "numbers kept": (
        {"a.csv": f"label,text\n1,{A}\n2,{COMMA}\n"},
        ["--names", "none"],
        [("1", "", A, ["1"]), ("2", "", B, ["2"])],
    ),
    "numbers as floats": (
        {"a.parquet": as_parquet(table(text=[A, B, "x"], label=[0.0, 1.0, None]))},
        ["--names", "a,b"],
        [("1", "", A, ["a"]), ("2", "", B, ["b"]), ("3", "", "x", [])],
    ),
    "multi-hot lists": (
        {
            "a.jsonl": lines(
                {"text": A, "labels": [1, 1, 0]}, {"text": B, "labels": [0.0, 1.0, 0.0]}
            )
        },
        ["--names", "a,b,c"],
        PLAIN,
    ),
    # a single column, titles, ids, splits, dates
    "Made With ML": (
        {"projects.csv": MADE},
        [],
        [
            ("6", "First", A, ["computer-vision"], {"created_on": "2020-02-20 06:43:18"}),
            ("7", "", B, ["mlops"], {"created_on": "2020-02-20 06:47:21"}),
        ],
    ),
    "a title alone is the text": (
        {"a.csv": f"title,label\n{A},a\n{COMMA},b\n"},
        [],
        [("1", "", A, ["a"]), ("2", "", B, ["b"])],
    ),
    "sentences under another name": (
        {"a.csv": f"nr,utt,topic\n5,{A},a\n6,{COMMA},b\n"},
        ["--id", "nr"],
        [("5", "", A, ["a"]), ("6", "", B, ["b"])],
    ),
    "ids that come again, numbered": (
        {"a.csv": f"id,title,text,tag\n7,T,{A},a\n7,U,{COMMA},b\n"},
        ["--id", "none", "--title", "none"],
        [
            ("1", "", A, ["a"], {"original_id": "7", "original_title": "T"}),
            ("2", "", B, ["b"], {"original_id": "7", "original_title": "U"}),
        ],
    ),
    "a column of splits that is not one": (
        {"a.csv": f"text,tag,split\n{A},a,holdout\n"},
        ["--split", "none"],
        [("1", "", A, ["a"], {"original_split": "holdout"})],
    ),
    "a column of splits without any": (
        {"a.csv": f"text,tag,split\n{A},a,\n"},
        [],
        [("1", "", A, ["a"])],
    ),
    "a column of splits": (
        {"a.csv": f"text,tag,split\n{A},a,Train\n{COMMA},b,validation\nThird,b,TEST\nX,a,\n"},
        [],
        [
            ("1", "", A, ["a"], {"split": "train"}),
            ("2", "", B, ["b"], {"split": "val"}),
            ("3", "", "Third", ["b"], {"split": "test"}),
            ("4", "", "X", ["a"]),
        ],
    ),
    "files of splits": (
        {
            "train.csv": f"text,tag\n{A},a\n",
            "my-dev.csv": f"text,tag\n{COMMA},b\n",
            "test.tsv": "text\ttag\nThird\tb\n",
        },
        [],
        [
            ("1", "", A, ["a"], {"split": "train"}),
            ("2", "", B, ["b"], {"split": "val"}),
            ("3", "", "Third", ["b"], {"split": "test"}),
        ],
    ),
    "files that are no splits": (
        {"a.csv": f"text,tag\n{A},a\n", "b.jsonl": lines({"text": B, "tag": "b"})},
        [],
        [("1", "", A, ["a"]), ("2", "", B, ["b"])],
    ),
    "one split alone is none": (
        {"train.csv": f"text,tag\n{A},a\n"},
        [],
        [("1", "", A, ["a"])],
    ),
    "an index of pandas": (
        {"a.csv": f",text,tag\n0,{A},a\n1,{COMMA},b\n"},
        [],
        [("1", "", A, ["a"]), ("2", "", B, ["b"])],
    ),
    "columns left out, and own names": (
        {"a.csv": f"Text,Label,tags,secret\n{A},a,7,s\n{COMMA},b,8,s\n"},
        ["--tags", "Label", "--leave-out", "secret"],
        [
            ("1", "", A, ["a"], {"original_tags": "7"}),
            ("2", "", B, ["b"], {"original_tags": "8"}),
        ],
    ),
    # how files are written
    "semicolons between cells": ({"a.csv": f"text;tags\n{A};a|b\n{B};b\n"}, [], PLAIN),
    "tabs in CSV": ({"a.csv": f"text\ttags\n{A}\ta|b\n{B}\tb\n"}, [], PLAIN),
    "bars between cells": ({"a.csv": f"text|tags\n{A}|a;b\n{B}|b\n"}, [], PLAIN),
    "another sign between cells": ({"a.csv": f"text^tags\n{A}^a;b\n{B}^b\n"}, [], PLAIN),
    "what Excel is told": ({"a.csv": f"sep=;\r\ntext;tags\r\n{A};a|b\r\n{B};b\r\n"}, [], PLAIN),
    "TSV with quotes that are none": (
        {"a.tsv": 'text\ttags\n"One\ta\n"Two" he said\ta;b\n'},
        [],
        [("1", "", '"One', ["a"]), ("2", "", '"Two" he said', ["a", "b"])],
    ),
    "quotes with backslashes": (
        {"a.csv": 'text,tags\n"He said \\"no\\", then left.",a;b\nTwo,b\n'},
        [],
        [("1", "", 'He said "no", then left.', ["a", "b"]), ("2", "", "Two", ["b"])],
    ),
    "a text over lines, and blank lines": (
        {"a.csv": '\ntext,tags\n\n"One,\n\ntwo",a;b\n , \nTwo,b\n\n'},
        [],
        [("1", "", "One,\n\ntwo", ["a", "b"]), ("2", "", "Two", ["b"])],
    ),
    "windows-1252": (
        {"a.csv": "text,tags\nLe café où l’été s’éternise à Nîmes,été;b\nTwo,b\n".encode("cp1252")},
        [],
        [("1", "", "Le café où l’été s’éternise à Nîmes", ["été", "b"]), ("2", "", "Two", ["b"])],
    ),
    "windows-1251": (
        {"a.csv": f"text;tags\n{RUSSIAN};ёж|дом\n{RUSSIAN};дом\n".encode("cp1251")},
        [],
        [("1", "", RUSSIAN, ["ёж", "дом"]), ("2", "", RUSSIAN, ["дом"])],
    ),
    "UTF-8 with a mark": (
        {"a.csv": f"text,tags\n{A},a;b\n{COMMA},b\n".encode("utf-8-sig")},
        [],
        PLAIN,
    ),
    "UTF-16": ({"a.csv": f"text\ttags\n{A}\ta;b\n{B}\tb\n".encode("utf-16")}, [], PLAIN),
    "UTF-16 without a mark": (
        {"a.csv": f"text\ttags\n{A}\ta;b\n{B}\tb\n".encode("utf-16-le")},
        [],
        PLAIN,
    ),
    "gzip": ({"a.csv.gz": gzip.compress(f"text,tags\n{A},a;b\n{COMMA},b\n".encode())}, [], PLAIN),
    "no header": (
        {"a.tsv": GO},
        ["--header", "text,labels,id", "--names", "a,b"],
        [("r1", *PLAIN[0][1:]), ("r2", *PLAIN[1][1:])],
    ),
    # JSON
    "JSON": (
        {"a.json": json.dumps([{"text": A, "tags": ["a", "b"]}, {"text": B, "tags": ["b"]}])},
        [],
        PLAIN,
    ),
    "JSON under a key": (
        {
            "a.json": json.dumps(
                {
                    "version": "1",
                    "data": [{"text": A, "tags": ["a", "b"]}, {"text": B, "tags": ["b"]}],
                }
            )
        },
        [],
        PLAIN,
    ),
    "JSON by split": (
        {
            "a.json": json.dumps(
                {"train": [{"text": A, "tag": "a"}], "test": [{"text": B, "tag": "b"}]}
            )
        },
        [],
        [("1", "", A, ["a"], {"split": "train"}), ("2", "", B, ["b"], {"split": "test"})],
    ),
    "JSON by columns": (
        {"a.json": json.dumps({"text": {"0": A, "1": B}, "tags": {"0": ["a", "b"], "1": ["b"]}})},
        [],
        PLAIN,
    ),
    "JSON of lists": ({"a.json": json.dumps({**TEXTS, "tags": [["a", "b"], ["b"]]})}, [], PLAIN),
    "JSON of pandas, split": ({"a.json": json.dumps(SQUARE)}, [], PLAIN),
    "JSON by ids": (
        {
            "a.json": json.dumps(
                {"p": {"text": A, "tags": ["a", "b"]}, "q": {"text": B, "tags": ["b"]}}
            )
        },
        [],
        [("p", *PLAIN[0][1:]), ("q", *PLAIN[1][1:])],
    ),
    "JSON of Python": (
        {"a.json": f'[{{"text": "{A}", "tags": ["a", "b"]}}, {{"text": NaN, "tags": NaN}}]'},
        [],
        [PLAIN[0], ("2", "", "", [])],
    ),
    "JSON lines called JSON": (
        {"a.json": lines({"text": A, "tags": ["a", "b"]}, {"text": B, "tags": ["b"]})},
        [],
        PLAIN,
    ),
    "packed JSON lines": (
        {
            "a.jsonl.gz": gzip.compress(
                lines({"text": A, "tags": "a;b"}, {"text": B, "tags": "b"}).encode()
            )
        },
        [],
        PLAIN,
    ),
    "ids as floats": (
        {"a.jsonl": lines({"id": 7.0, "text": A, "tag": "a"}, {"id": 8, "text": B, "tag": "b"})},
        [],
        [("7", "", A, ["a"]), ("8", "", B, ["b"])],
    ),
    "one Unicode form": (
        {"a.jsonl": lines({"id": "e\u0301", "text": A, "tags": ["cafe\u0301", " caf\u00e9"]})},
        [],
        [("\u00e9", "", A, ["caf\u00e9"])],
    ),
    # Parquet and Arrow
    "Parquet lists": (
        {"a.parquet": as_parquet(table(**TEXTS, tags=[["a", "b"], ["b"]]))},
        [],
        PLAIN,
    ),
    "Parquet large lists, coded strings": (
        {
            "a.parquet": as_parquet(
                table(
                    text=pyarrow.array([A, B]).dictionary_encode(),
                    tags=pyarrow.array(
                        [["a", "b"], ["b"]], pyarrow.large_list(pyarrow.large_string())
                    ),
                )
            )
        },
        [],
        PLAIN,
    ),
    "Parquet lists of fixed size": (
        {
            "a.parquet": as_parquet(
                table(
                    text=[A, B],
                    tags=pyarrow.array([["a", "b"], ["b", "b"]], pyarrow.list_(STRINGS, 2)),
                )
            )
        },
        [],
        PLAIN,
    ),
    "Parquet ids with gaps, dates, pictures": (
        {
            "a.parquet": as_parquet(
                table(
                    id=[7.0, 9.0],
                    text=[A, B],
                    tag=["a", "b"],
                    created_on=[datetime(2020, 2, 20)] * 2,
                    picture=[b"x", b"y"],
                    score=[0.5, float("nan")],
                )
            )
        },
        [],
        [
            ("7", "", A, ["a"], {"created_on": "2020-02-20T00:00:00", "score": 0.5}),
            ("9", "", B, ["b"], {"created_on": "2020-02-20T00:00:00", "score": None}),
        ],
    ),
    "Parquet by datasets": (
        {
            "a.parquet": as_parquet(
                table(**TEXTS, label=[2, 0]).replace_schema_metadata(
                    {"huggingface": json.dumps({"info": {"features": {"label": CLASSES}}})}
                )
            )
        },
        [],
        [("1", "", A, ["c"]), ("2", "", B, ["a"])],
    ),
    "Parquet parts in a folder": (
        {
            "folder/data/train-00000-of-00002.parquet": as_parquet(table(text=[A], tag=["a"])),
            "folder/data/train-00001-of-00002.parquet": as_parquet(table(text=[B], tag=["b"])),
            "folder/data/test-00000-of-00001.parquet": as_parquet(table(text=["C"], tag=["b"])),
        },
        [],
        [
            ("1", "", "C", ["b"], {"split": "test"}),
            ("2", "", A, ["a"], {"split": "train"}),
            ("3", "", B, ["b"], {"split": "train"}),
        ],
    ),
    "a saved dataset": (
        {
            "folder/state.json": saved_dataset(
                table(**TEXTS, labels=[[0, 1], [1]]),
                {
                    "text": {"dtype": "string", "_type": "Value"},
                    "labels": {"feature": CLASSES, "_type": "Sequence"},
                },
            )
        },
        [],
        PLAIN,
    ),
    "a saved dataset of splits": (
        {
            "folder/dataset_dict.json": '{"splits": ["train", "test"]}',
            "folder/train/state.json": saved_dataset(
                table(**TEXTS, labels=[[0, 1], [1]]), {"labels": [CLASSES]}
            ),
            "folder/test/state.json": saved_dataset(
                table(text=["C", "D"], labels=[[2], []]), {"labels": [CLASSES]}
            ),
        },
        [],
        [
            (*PLAIN[0], {"split": "train"}),
            (*PLAIN[1], {"split": "train"}),
            ("3", "", "C", ["c"], {"split": "test"}),
            ("4", "", "D", [], {"split": "test"}),
        ],
    ),
    "an Arrow file": (
        {
            "a.arrow": lambda path: pyarrow.feather.write_feather(
                table(**TEXTS, tags=[["a", "b"], ["b"]]), str(path), compression="uncompressed"
            )
        },
        [],
        PLAIN,
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_imported_and_read_in_place(bring, tmp_path, form):
    files, arguments, expected = FORMS[form]
    status, out, err = bring(files, *arguments, "--json")
    assert (status, err) == (0, "")
    said = json.loads(out)
    assert said["written"] == ["out/projects.jsonl"]
    assert rows_of(tmp_path / "out") == expected
    assert as_read(tmp_path / "out") == expected
    # The settings that the command tells read the same projects where the files are.
    if said["in_place"] is None:
        assert form in ("files of splits", "files that are no splits")
        return
    (tmp_path / "data.toml").write_text(said["in_place"])
    assert as_read(tmp_path) == expected


REFUSED = {
    # two readings: the flag that decides
    "a blank in a tag": (
        {"a.csv": f"text,tags\n{A},a b\n"},
        [],
        "a.csv: tags: 'a b' is one tag or several: --separator ' ' or --separator none says which",
    ),
    "a comma in a column of one": (
        {"a.csv": f'text,label\n{A},"Food, Drink"\n'},
        [],
        "a.csv: label: 'Food, Drink' is one tag or several: --separator ',' or --separator none "
        "says which",
    ),
    "a sign between words that are tags": (
        {"a.csv": f"text,label\n{A},a\n{A},b/c\n{A},c/a\n{A},b\n"},
        [],
        "a.csv: label: 'b/c' is one tag or several: --separator '/' or --separator none says which",
    ),
    "two separators": (
        {"a.csv": f'text,tags\n{A},"a;b,c"\n'},
        [],
        "a.csv: tags: ';' or ',' could stand between tags: --separator says which, --separator "
        "none takes each cell as one tag",
    ),
    "two columns of texts": (
        {"a.csv": f"comment,summary,tag\n{A},{A},a\n"},
        [],
        "a.csv: texts could be in comment, summary: --text COL names the column (--title COL one "
        "that is read before it)",
    ),
    "a text by name, and sentences": (
        {"a.csv": f"question,reply,tag\n{A},And so it is.,a\n{COMMA},Nor is this one.,a\n"},
        [],
        "a.csv: texts could be in question, reply: --text COL names the column (--title COL one "
        "that is read before it)",
    ),
    "two columns of sentences": (
        {"a.csv": f"one,two,tag\n{A},And so it is.,a\n{COMMA},Nor is this one.,a\n"},
        [],
        "a.csv: texts could be in one, two: --text COL names the column (--title COL one that is "
        "read before it)",
    ),
    "no column of texts": (
        {"a.csv": "id,tag\n1,a\n"},
        [],
        "a.csv: which column holds the texts? --text COL names it; the columns are id, tag",
    ),
    "two titles": (
        {"a.csv": f"title,headline,text,tag\nx,y,{A},a\n"},
        [],
        "a.csv: title could be in title, headline: --title COL names the column, --title none "
        "leaves it out",
    ),
    "two columns of tags": (
        {"a.csv": f"text,tags,category\n{A},a,b\n"},
        [],
        "a.csv: tags could be in tags or category: --tags COL[,COL…] names the columns",
    ),
    "no column of tags": (
        {"a.csv": f"text,kind\n{A},a\n"},
        [],
        "a.csv: which column holds the tags? --tags COL names it, --one-hot COL,COL,… columns of "
        "0 and 1 that are tags; the columns are text, kind",
    ),
    "one column of 0 and 1": (
        {"a.csv": f"text,spam\n{A},1\n"},
        [],
        "a.csv: spam is the only column of 0 and 1: --one-hot spam makes it a tag, --tags COL "
        "names a column with tags in its cells",
    ),
    "flags among one-hot columns": (
        {"a.csv": f"text,toxic,obscene,is_reply\n{A},1,0,1\n"},
        [],
        "a.csv: of the columns of 0 and 1, is_reply may be no tags: --one-hot COL,COL,… names "
        "those that are tags, --one-hot all takes all, --tags COL another column",
    ),
    "one-hot columns apart": (
        {"a.csv": f"text,toxic,lang,obscene\n{A},1,en,0\n"},
        [],
        "a.csv: the columns of 0 and 1 (toxic, obscene) do not stand side by side (lang between "
        "them): --one-hot COL,COL,… names those that are tags, --one-hot all takes all, --tags "
        "COL another column",
    ),
    "one-hot columns of two types": (
        {"a.csv": f"text,toxic,obscene,unclear\n{A},1,0,False\n"},
        [],
        "a.csv: the columns of 0 and 1 (toxic, obscene, unclear) are of several types: --one-hot "
        "COL,COL,… names those that are tags, --one-hot all takes all, --tags COL another column",
    ),
    "one-hot columns and a column of tags": (
        {"a.csv": f"text,labels,toxic,obscene\n{A},a,1,0\n"},
        [],
        "a.csv: tags could be in labels, or be the columns of 0 and 1 (toxic, obscene): --tags "
        "COL or --one-hot COL,COL,… says which",
    ),
    "true and false": (
        {"a.csv": f"text,label\n{A},true\n"},
        [],
        "a.csv: label: true and false, or yes and no, are seldom tags: --one-hot label makes the "
        "column itself one, --separator none takes its words",
    ),
    "two ids": (
        {"a.csv": f"doc_id,key,text,tag\n1,2,{A},a\n"},
        [],
        "a.csv: id could be in doc_id, key: --id COL names the column, --id none numbers the rows",
    ),
    "ids that come again": (
        {"a.csv": f"id,text,tag\n7,{A},a\n7,B,b\n"},
        [],
        "a.csv: row 2, id: '7' is already the id of row 1: --id COL names another column, --id "
        "none numbers the rows",
    ),
    "ids that come again elsewhere": (
        {"a.csv": f"id,text,tag\n7,{A},a\n", "b.csv": "id,text,tag\n6,B,a\n7,B,a\n"},
        [],
        "b.csv: row 2, id: '7' is already the id of row 1 of a.csv: --id COL names another "
        "column, --id none numbers the rows",
    ),
    "numbers without names": (
        {"a.jsonl": lines({"text": A, "labels": [0, 27]})},
        [],
        "a.jsonl: labels: the tags are numbers from 0 to 27: --names FILE or --names a,b,c says "
        "what they stand for, --names none keeps the numbers",
    ),
    "places without names": (
        {"a.jsonl": lines({"text": A, "labels": [0, 1, 0]})},
        [],
        "a.jsonl: labels: the tags are lists of 3 times 0 or 1: --names FILE or --names a,b,c "
        "says what they stand for",
    ),
    "a split of another name": (
        {"a.csv": f"text,tag,split\n{A},a,holdout\n"},
        [],
        "a.csv: split: 'holdout' is not train, val or test: --split none keeps the column as "
        "original_split, --split COL names another",
    ),
    "a file that is no split": (
        {
            "train.csv": f"text,tag\n{A},a\n",
            "test.csv": "text,tag\nB,a\n",
            "more.csv": "text,tag\nC,a\n",
        },
        [],
        "more.csv: other files say by their names which split they are, and this one does not "
        "(more): name it so too, or --split none leaves splits to training",
    ),
    "-1 beside labels": (
        {"a.csv": ONE_HOT.replace("Third,0,0", "Third,-1,0")},
        [],
        "a.csv: row 3, toxic: -1, so nobody decided: --unlabelled leave-out leaves such projects "
        "out, --unlabelled negative takes them as negatives",
    ),
    "a blank one-hot cell": (
        {"a.csv": ONE_HOT.replace("Third,0,0", "Third,,0")},
        ["--one-hot", "toxic,obscene"],
        "a.csv: row 3, toxic: a blank cell, so nobody decided: --unlabelled leave-out leaves such"
        " projects out, --unlabelled negative takes them as negatives",
    ),
    "no header": (
        {"a.tsv": GO},
        [],
        "a.tsv: the first row looks like cells, not like names of columns ('The first text is "
        "here.', '0,1', 'r1'): --header COL,COL,… names the 3 columns of a file without a header",
    ),
    "a column without a name": (
        {"a.csv": f"text,tag,\n{A},a,x\n"},
        [],
        "a.csv: a column has cells and no name: name it in the file, or --header COL,COL,… names "
        "the columns of a file without a header",
    ),
    "cells separated in two ways": (
        {"a.csv": "text,a;tags\nx,b;c\n"},
        [],
        "a.csv: cells could be separated by commas or semicolons: --delimiter says by which",
    ),
    "an encoding that could be two": (
        {"a.csv": "text,tags\nDvořák,b\n".encode("cp1250")},
        [],
        "a.csv: its encoding could be windows-1250 or windows-1252: --encoding says which",
    ),
    "nearly UTF-8": (
        {"a.csv": "text,tags\nééééééééé,b\n".encode() + b"\xe9,b\n"},
        [],
        "a.csv: line 3 is not UTF-8, though nearly all of the file is: mend it, or name the "
        "encoding with --encoding",
    ),
    # what is given does not fit
    "a column that is not there": (
        {"a.csv": f"text,tag\n{A},a\n"},
        ["--tags", "tga"],
        "a.csv: unknown column 'tga': did you mean 'tag'? allowed: text, tag",
    ),
    "tags and one-hot": (
        {"a.csv": ONE_HOT},
        ["--tags", "toxic", "--one-hot", "obscene"],
        "arguments: tags or one_hot, not both",
    ),
    "one-hot of words": (
        {"a.csv": f"text,a\n{A},x y\n"},
        ["--one-hot", "a"],
        "a.csv: row 1, a: 0 or 1 is needed, got 'x y'",
    ),
    "one-hot of shares": (
        {"a.csv": f"text,a\n{A},0.83\n"},
        ["--one-hot", "a"],
        "a.csv: row 1, a: 0 or 1 is needed, got '0.83'",
    ),
    "no one-hot": (
        {"a.csv": f"text,a\n{A},x\n"},
        ["--one-hot", "all"],
        "a.csv: --one-hot all: no column holds 0 and 1 alone",
    ),
    "a number without a name": (
        {"a.csv": f"text,label\n{A},2\nB,1\n"},
        ["--names", "a,b"],
        "a.csv: row 1, label: 2 has no name; the names are 0 a, 1 b",
    ),
    "a word in place of a number": (
        {"a.csv": f"text,label\n{A},x\n"},
        ["--names", "a,b"],
        "a.csv: row 1, label: a number that --names names is needed, got 'x'",
    ),
    "names that are no file": (
        {"a.csv": f"text,label\n{A},2\n"},
        ["--names", "names.txt"],
        "--names: names.txt: no such file; a,b,c or 0=a,1=b gives names themselves",
    ),
    "a delimiter of two signs": (
        {"a.csv": f"text,label\n{A},2\n"},
        ["--delimiter", "||"],
        "--delimiter: one character is needed, got '||'",
    ),
    "an unknown encoding": (
        {"a.csv": f"text,label\n{A},2\n"},
        ["--encoding", "utf-9"],
        "unknown encoding 'utf-9'; as in utf-8, windows-1252, shift_jis, gb18030",
    ),
    "another encoding": (
        {"a.csv": "text,label\né,2\n".encode("cp1252")},
        ["--encoding", "utf-8"],
        "a.csv: not UTF-8 text (byte 12, line 2)",
    ),
    "a separator for lists": (
        {"a.csv": f"text,tags\n{A},\"['a', 'b']\"\n"},
        ["--separator", ","],
        "a.csv: row 1, tags: a list stands in the cell, \"['a', 'b']\": leave the separator out",
    ),
    # malformed
    "nothing": ({"a.csv": ""}, [], "a.csv: empty; a header that names the columns is needed"),
    "a header alone": ({"a.csv": "text,tags\n"}, [], "a.csv: no row in it"),
    "no rows": ({"a.json": "[]"}, [], "a.json: no row in it"),
    "ragged": (
        {"a.csv": f"id,text,tag\n1,{A},a\n2,B\n"},
        [],
        "a.csv: row 2: 2 cells under 3 columns (id, text, tag)",
    ),
    "too many cells": (
        {"a.csv": f"id,text,tag\n1,{A},a\n2,B, and more,b\n"},
        [],
        "a.csv: row 2: 4 cells under 3 columns (id, text, tag)",
    ),
    "two columns of one name": (
        {"a.csv": f"text,tag,text\n{A},a,B\n"},
        [],
        "a.csv: a column's name comes twice: columns 1 and 3 are both called 'text'",
    ),
    "a NUL": (
        {"a.csv": f"text,tag\n{A},a\nB\0,b\n"},
        [],
        "a.csv: line 3: a NUL character, which text does not have; the file may be UTF-16, or "
        "damaged",
    ),
    "a NUL in JSON": (
        {"a.jsonl": lines({"text": "a\0", "tag": "a"})},
        [],
        "a.jsonl: row 1, text: a NUL character, which text does not have",
    ),
    "an open quote": (
        {"a.csv": f'text,tag\n{A},a\n"B, c",b\n"C,c\n'},
        [],
        "a.csv: line 4: not CSV: a quote that opens is never closed",
    ),
    "a blank id": (
        {"a.csv": f"id,text,tag\n1,{A},a\n ,B,b\n"},
        [],
        "a.csv: row 2, id: no id; --id none numbers the rows",
    ),
    "a missing id": (
        {"a.parquet": as_parquet(table(id=[1.0, None], text=[A, B], tag=["a", "b"]))},
        [],
        "a.parquet: row 2, id: no id; --id none numbers the rows",
    ),
    "an id that is no whole number": (
        {"a.jsonl": lines({"id": 1.5, "text": A, "tag": "a"})},
        [],
        "a.jsonl: row 1, id: an integer or a string is needed, got 1.5",
    ),
    "a blank tag": (
        {"a.jsonl": lines({"text": A, "tags": ["a", " "]})},
        [],
        "a.jsonl: row 1, tags: a blank tag; each tag needs a name",
    ),
    "a tag that is nothing": (
        {"a.jsonl": lines({"text": A, "tags": ["a", None]})},
        [],
        "a.jsonl: row 1, tags: a tag is text, got None",
    ),
    "a long tag": (
        {"a.jsonl": lines({"text": A, "tags": ["a" * 201]})},
        [],
        "a.jsonl: row 1, tags.0: String should have at most 200 characters, got "
        "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…",
    ),
    "a number for a text": (
        {"a.jsonl": lines({"text": 1.5, "tags": ["a"]})},
        ["--text", "text"],
        "a.jsonl: row 1, text: text is needed, got 1.5",
    ),
    "a missing column": (
        {"a.jsonl": lines({"text": A, "tags": ["a"]}, {"text": B})},
        [],
        "a.jsonl: row 2, tags: no such column; the row has text",
    ),
    "some lists": (
        {"a.csv": f"text,tags\n{A},['a']\nB,b\n"},
        [],
        "a.csv: tags: 1 cell with lists and 1 cell without: mend them, or --separator says what "
        "stands between tags",
    ),
    "a list that is none": (
        {"a.csv": f"text,tags\n{A},[a b]\n"},
        [],
        "a.csv: tags: '[a b]' looks like a list, and cannot be read as one: mend it, or "
        "--separator none takes each cell as one tag",
    ),
    "cut NumPy": (
        {"a.csv": f"text,tags\n{A},['a' 'b' ... 'c']\n"},
        [],
        "a.csv: tags: \"['a' 'b' ... 'c']\" looks like a list, and cannot be read as one: mend "
        "it, or --separator none takes each cell as one tag",
    ),
    "a Git LFS pointer": (
        {
            "a.parquet": "version https://git-lfs.github.com/spec/v1\noid sha256:"
            + "0" * 64
            + "\nsize 12345\n"
        },
        [],
        "a.parquet: a Git LFS pointer, not the file itself (12,345 bytes): `git lfs pull` in its "
        "repository fetches it",
    ),
    "a spreadsheet": (
        {"a.xlsx": b"PK"},
        [],
        "a.xlsx: unknown kind of file; save the sheet as CSV; allowed: .json, .jsonl, .ndjson, "
        ".csv, .tsv, .tab, .parquet, .arrow, .feather (those of text with .gz too), and folders "
        "that `datasets` saves",
    ),
    "a pickle": (
        {"a.pkl": b""},
        [],
        "a.pkl: unknown kind of file; a pickle can run any program; save the table as Parquet; "
        "allowed: .json, .jsonl, .ndjson, .csv, .tsv, .tab, .parquet, .arrow, .feather (those of "
        "text with .gz too), and folders that `datasets` saves",
    ),
    "a folder without data": (
        {"folder/a.csv": "text,tags\n"},
        [],
        "folder: neither saved by `datasets` nor with Parquet files in it; name the files",
    ),
    "a saved dataset with an index": (
        {"folder/state.json": '{"_data_files": [{"filename": "a"}], "_indices_files": [1]}'},
        [],
        "folder/state.json: its rows are chosen by an index; call flatten_indices() before "
        "save_to_disk()",
    ),
    "a saved dataset that leads elsewhere": (
        {"folder/state.json": '{"_data_files": [{"filename": "../a.arrow"}]}'},
        [],
        "folder/state.json: _data_files: a list of files is needed",
    ),
    "an object": ({"a.json": '{"a": 1}'}, [], "a.json: a list of objects is needed, got dict"),
    "two lists": (
        {"a.json": '{"a": [{"text": "x"}], "b": [{"text": "y"}]}'},
        [],
        "a.json: several lists of rows (a, b); one is needed, or one for each split",
    ),
    "JSON lines cut off": (
        {"a.jsonl": '{"text": "x", "tags": ["a"]}\n{"text": '},
        [],
        "a.jsonl: not JSON: Expecting value (line 2, column 10)",
    ),
    "no Arrow": ({"a.arrow": b"ARROW1"}, [], "a.arrow: not Arrow: File is too small: 6"),
    "no Parquet": (
        {"a.parquet": b"PAR1"},
        [],
        "a.parquet: not Parquet: Parquet file size is 4 bytes, smaller than the minimum file "
        "footer (8 bytes)",
    ),
    "not there": ({}, [], "folder: no such file or folder"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_doubt_or_mistake_is_told_in_one_line(bring, tmp_path, case):
    files, arguments, message = REFUSED[case]
    status, out, err = bring(files, *arguments)
    assert (status, out) == (1, "")
    assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert err == f"tagifai: {message}\n"


def test_what_deserves_a_look_is_noted(bring):
    rows = [
        {"text": A, "tags": ["cafe\u0301", "nan"]},
        {"text": B, "tags": ["caf\u00e9"]},
        {"text": None, "tags": []},
    ]
    status, out, _ = bring({"a.jsonl": lines(*rows)}, "--json")
    assert (status, json.loads(out)["notes"]) == (
        0,
        [
            "1 project without a tag: negatives of every tag, unless data.toml says untagged = "
            '"unlabelled" (--untagged unlabelled writes it)',
            "1 project without a text",
            "1 project with tags in another Unicode form: NFC is written",
            "tags that may stand for a missing value: nan",
        ],
    )


def test_values_that_few_programs_write_are_kept(bring, tmp_path):
    row = '{"id": "x", "text": "a\\ud800b", "tags": ["t"], "n": 123456789012345678901'
    status, _, err = bring({"a.jsonl": row + ', "s": ["\\ud800"]}'})
    assert (status, err) == (0, "")
    assert rows_of(tmp_path / "out") == [
        ("x", "", "a?b", ["t"], {"n": 123456789012345678901, "s": ["?"]})
    ]


def test_many_rows_are_counted_as_they_go(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,tag\n" + "".join(f"Text {k},t{k % 7}\n" for k in range(12_000)))
    seen = []
    found = import_projects(
        [path], tmp_path / "out", Columns(), progress=lambda *told: seen.append(told)
    )
    assert seen == [(n, 12_000, "projects") for n in (5_000, 10_000, 12_000)]
    assert (found.num_projects, found.num_labels, len(found.rows)) == (12_000, 12_000, 3)
    assert dict(found.tags) == {f"t{k}": 1715 - (k > 1) for k in range(7)}
