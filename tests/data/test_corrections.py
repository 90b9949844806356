import csv
import difflib
import gzip
import io
import json

import pytest

from tagifai.data import load_dataset
from tagifai.data.corrections import apply_changes
from tagifai.errors import TagifaiError

ROWS = [
    {"id": 1, "title": "Cats", "description": "seen", "tags": ["cv", "old"], "stars": 3},
    {"id": 2, "title": "Words, “read”", "description": "", "tags": ["nlp"], "stars": None},
    {"id": 3, "title": "Both", "description": "two\nlines", "tags": [], "stars": 0.5},
]
CHANGES = {
    "1": {"add": ["graphs", "cv"], "remove": ["old"]},
    "2": {"add": [], "remove": ["nlp"]},
    "404": {"add": ["cv"]},
}


def write(folder, kind):
    folder.mkdir()
    (folder / "tags.json").write_text(json.dumps([{"tag": "cv"}]))
    (folder / "notes.txt").write_text("kept")
    path = folder / f"projects.{kind}"
    if kind == "json":
        path.write_text(json.dumps(ROWS, indent=2, ensure_ascii=False) + "\n", "utf-8")
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    elif kind == "csv":
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(ROWS[0])
            writer.writerows(
                [json.dumps(v) if isinstance(v, list) else v for v in row.values()] for row in ROWS
            )
    else:
        import pyarrow
        import pyarrow.parquet as parquet

        parquet.write_table(pyarrow.Table.from_pylist(ROWS), path)
    return path


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv", "parquet"])
def test_only_tags_change_in_a_new_folder(tmp_path, kind):
    path = write(tmp_path / "data", kind)
    original = path.read_bytes()
    before = load_dataset(tmp_path / "data")
    applied = apply_changes(tmp_path / "data", CHANGES, tmp_path / "new")
    after = load_dataset(tmp_path / "new")
    assert [p.tags for p in after.projects] == [("cv", "graphs"), (), ()]
    assert [(p.id, p.title, p.description, p.extra) for p in after.projects] == [
        (p.id, p.title, p.description, p.extra) for p in before.projects
    ]
    assert path.read_bytes() == original
    assert (applied.num_projects, applied.num_added, applied.num_removed) == (2, 1, 2)
    assert (applied.num_same, applied.unknown) == (1, ("404",))
    assert (applied.digest_before, applied.digest_after) == (before.digest, after.digest)
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == [
        "notes.txt",
        f"projects.{kind}",
        "tags.json",
    ]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data", "new"]


LINES = [
    {"id": 1, "title": "Cats", "big": 123456789012345678901234567890, "tags": ["cv", "old"],
     "description": "seen “café” /", "x": None},
    {"id": "2", "title": "Words, \"read\"", "big": 1.0, "tags": ["nlp"],
     "description": "two\nlines", "x": {"tags": ["old"]}},
    {"id": 3, "title": "", "big": 1e-5, "tags": [], "description": "[\"old\"]", "x": [1.50]},
    {"id": 4, "title": "Dögs", "big": -0.0, "tags": ["cv", "b, c", "café"],
     "description": "", "x": 1},
]  # fmt: skip
WANTED = {
    "1": (["cv", "graphs"], {"add": ["graphs"], "remove": ["old"]}),
    "2": ([], {"remove": ["nlp"]}),
    "3": (["naïve/1"], {"add": ["naïve/1"]}),
    "4": (["cv", "café", "d;e", '"f"'], {"add": ["d;e", '"f"'], "remove": ["b, c"]}),
}


def dumped(**options):
    return lambda rows: json.dumps(rows, **options).encode()


def row_a_line(rows):
    return ("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n").encode()


def php(rows):
    return json.dumps(rows, indent=4).replace("/", "\\/").replace("\n", "\r\n").encode()


def lines_of(ending="\n", last=True, **options):
    return lambda rows: (
        ending.join(json.dumps(row, **options) for row in rows) + ending * last
    ).encode()


def table(mark=b"", encode=lambda tags: json.dumps(tags, ensure_ascii=False), **options):
    def write(rows):
        text = io.StringIO()
        writer = csv.writer(text, **options)
        writer.writerow(rows[0])
        writer.writerows(
            [encode(value) if isinstance(value, list) and name == "tags" else value
             for name, value in row.items()] for row in rows
        )  # fmt: skip
        return mark + text.getvalue().encode()

    return write


BOM = b"\xef\xbb\xbf"
FORMS = {
    "one line": ("json", dumped()),
    "one line in UTF-8": ("json", dumped(ensure_ascii=False)),
    "minified": ("json", dumped(separators=(",", ":"), ensure_ascii=False)),
    "by one": ("json", dumped(indent=1)),
    "by two, with a mark": ("json", lambda rows: BOM + dumped(indent=2, ensure_ascii=False)(rows)),
    "by four, of PHP": ("json", php),
    "by tabs": ("json", lambda rows: dumped(indent="\t")(rows) + b"\n\n"),
    "a row a line": ("json", row_a_line),
    "lines": ("jsonl", lines_of()),
    "lines with CRLF": ("jsonl", lines_of("\r\n", ensure_ascii=False)),
    "lines without an end": ("jsonl", lines_of(last=False, separators=(",", ":"))),
    "blank lines": ("jsonl", lambda rows: BOM + lines_of("\n\r\n \n")(rows)),
    "plain CSV": ("csv", table(lineterminator="\n")),
    "CSV with a mark and CRLF": ("csv", table(BOM)),
    "CSV all quoted": ("csv", table(quoting=csv.QUOTE_ALL)),
    "CSV text quoted": ("csv", table(quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")),
    "CSV with escapes": ("csv", table(encode=json.dumps)),
    "CSV with compact lists": (
        "csv", table(encode=lambda tags: json.dumps(tags, separators=(",", ":"))),
    ),
}  # fmt: skip


@pytest.mark.parametrize("changed", ["1", "2", "3", "4", "1234", ""])
@pytest.mark.parametrize("form", FORMS)
def test_nothing_but_the_changed_lists_of_tags_differs(tmp_path, form, changed):
    kind, write_rows = FORMS[form]
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / f"projects.{kind}"
    # An empty list in a file of one line an item could be written in two ways.
    path.write_bytes(write_rows(LINES))
    changes = {one: WANTED[one][1] for one in changed}
    apply_changes(tmp_path / "data", changes, tmp_path / "new")
    expected = [
        {**row, "tags": WANTED[str(row["id"])][0] if str(row["id"]) in changed else row["tags"]}
        for row in LINES
    ]
    assert (tmp_path / "new" / path.name).read_bytes() == write_rows(expected)


def test_a_diff_shows_the_changed_lines_alone(tmp_path):
    write(tmp_path / "data", "json")
    apply_changes(tmp_path / "data", {"1": {"remove": ["old"]}}, tmp_path / "new")
    old, new = (
        (tmp_path / name / "projects.json").read_bytes().splitlines(keepends=True)
        for name in ("data", "new")
    )
    diff = difflib.diff_bytes(difflib.unified_diff, old, new, n=0)
    assert [line for line in diff if line[:1] in b"+-"][2:] == [
        b'-      "cv",\n', b'-      "old"\n', b'+      "cv"\n',
    ]  # fmt: skip


def test_blank_rows_and_a_cell_of_another_form_stay(tmp_path):
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "projects.csv"
    text = 'tags,id,title,description\n\n"[ ""cv"" ]",1,"a\r\nb",\n,,,\n[],"2",,"c"\n\n'
    path.write_bytes(text.encode())
    changes = {"1": {"add": ["nlp"]}, "2": {"add": ["cv"]}}
    apply_changes(tmp_path / "data", changes, tmp_path / "new")
    assert (tmp_path / "new" / path.name).read_bytes() == (
        text.replace('"[ ""cv"" ]"', '"[ ""cv"", ""nlp"" ]"').replace(
            "\n[],", '\n"[ ""cv"" ]",'
        ).encode()
    )  # fmt: skip


def test_everything_else_in_the_folder_is_copied(tmp_path):
    write(tmp_path / "data", "json")
    for name in ("slices.json", "data.toml", "sub/more.bin"):
        file = tmp_path / "data" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"\xef\xbb\xbf# \r\n" if name == "data.toml" else b"\x00\xff\r\n")
    (tmp_path / "data" / "reviews.sqlite").write_bytes(b"theirs")
    apply_changes(tmp_path / "data", CHANGES, tmp_path / "new")
    found = {
        str(path.relative_to(tmp_path / "new")): path.read_bytes()
        for path in (tmp_path / "new").rglob("*")
        if path.is_file() and path.name not in ("projects.json", "tags.json")
    }
    assert found == {
        name: (tmp_path / "data" / name).read_bytes()
        for name in ("slices.json", "data.toml", "sub/more.bin", "notes.txt")
    }


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ('[\r\n  {"tag": "cv"}\r\n]', '[\r\n  {"tag": "cv"},\r\n  {"tag": "graphs"}\r\n]'),
        # An empty tag file knows every tag.
        ("[]", "[]"),
        (None, None),
    ],
)
def test_a_new_tag_gets_an_entry_where_there_is_a_tag_file(tmp_path, tags, expected):
    write(tmp_path / "data", "json")
    file, copy = tmp_path / "data" / "tags.json", tmp_path / "new" / "tags.json"
    file.unlink() if tags is None else file.write_bytes(tags.encode())
    applied = apply_changes(tmp_path / "data", CHANGES, tmp_path / "new")
    assert applied.new_tags == ("graphs",)
    assert (copy.read_bytes().decode() if copy.exists() else None) == expected


def test_a_tag_of_projects_that_the_tag_file_lacks_stays_out_of_it(tmp_path):
    write(tmp_path / "data", "json")
    applied = apply_changes(tmp_path / "data", {"1": {"add": ["nlp"]}}, tmp_path / "new")
    assert applied.new_tags == ()
    assert (tmp_path / "new" / "tags.json").read_text() == '[{"tag": "cv"}]'


def parquet_file(folder, kind, **options):
    import pyarrow
    import pyarrow.parquet as parquet

    folder.mkdir()
    count = len(ROWS)
    table = pyarrow.table(
        {
            "id": pyarrow.array([row["id"] for row in ROWS], pyarrow.int32()),
            "title": [row["title"] for row in ROWS],
            "description": [row["description"] for row in ROWS],
            "tags": pyarrow.array([["cv", "old"], ["nlp", "cv"], ["x", "y"]], kind),
            "at": pyarrow.array(range(count), pyarrow.timestamp("ns", "UTC")),
            "part": pyarrow.array(["a", "b", "a"]).dictionary_encode(),
            "stars": pyarrow.array([float("nan"), None, 0.5], pyarrow.float32()),
        }
    ).replace_schema_metadata({"mine": "kept"})
    path = folder / "projects.parquet"
    with parquet.ParquetWriter(path, table.schema, **options) as writer:
        writer.write_table(table, row_group_size=2)
    return path


def list_types():
    import pyarrow as pa

    return {
        "list": pa.list_(pa.string()),
        "list of required": pa.list_(pa.field("tag", pa.string(), nullable=False)),
        "large list": pa.large_list(pa.large_string()),
        "list of dictionary": pa.list_(pa.dictionary(pa.int32(), pa.string())),
        "fixed size": pa.list_(pa.string(), 2),
    }


@pytest.mark.parametrize(
    "options", [{}, {"compression": "gzip"}, {"compression": "none"}, {"use_dictionary": ["title"]}]
)
@pytest.mark.parametrize("name", list_types())
def test_parquet_keeps_types_metadata_and_layout(tmp_path, name, options):
    import pyarrow.parquet as parquet

    path = parquet_file(tmp_path / "data", list_types()[name], **options)
    changes = {"1": {"add": ["graphs"], "remove": ["old"]}}
    apply_changes(tmp_path / "data", changes, tmp_path / "new")
    old, new = (parquet.ParquetFile(one) for one in (path, tmp_path / "new" / path.name))
    assert new.schema_arrow.equals(old.schema_arrow, check_metadata=True)
    assert new.schema_arrow.metadata == {b"mine": b"kept"}
    assert new.schema == old.schema
    # pyarrow reads lists of dictionaries within one group of rows alone.
    before, after = (
        [row for group in range(2) for row in file.read_row_group(group).to_pylist()]
        for file in (old, new)
    )
    assert [row.pop("tags") for row in after] == [["cv", "graphs"], ["nlp", "cv"], ["x", "y"]]
    assert [row.pop("tags") for row in before] == [["cv", "old"], ["nlp", "cv"], ["x", "y"]]
    assert repr(after) == repr(before)
    layouts = [
        (one.metadata.format_version, [
            (group.num_rows, [(group.column(n).compression, group.column(n).encodings)
                              for n in range(group.num_columns)])
            for group in map(one.metadata.row_group, range(one.metadata.num_row_groups))
        ])
        for one in (old, new)
    ]  # fmt: skip
    assert layouts[0] == layouts[1]


def test_lists_of_a_fixed_size_are_refused_where_their_length_would_change(tmp_path):
    parquet_file(tmp_path / "data", list_types()["fixed size"])
    with pytest.raises(
        TagifaiError,
        match=r"projects.parquet: row 3, tags: the type fixed_size_list<.*>\[2\] holds exactly 2 "
        r"tags, and there would be 1; write the column as list<string>",
    ):
        apply_changes(tmp_path / "data", {"3": {"remove": ["x"]}}, tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_an_empty_folder_may_be_the_target(tmp_path):
    write(tmp_path / "data", "json")
    (tmp_path / "new").mkdir()
    assert apply_changes(tmp_path / "data", CHANGES, tmp_path / "new").num_projects == 2


def test_removing_the_last_tag_leaves_an_empty_list(tmp_path):
    write(tmp_path / "data", "json")
    apply_changes(tmp_path / "data", {"2": {"remove": ["nlp"]}}, tmp_path / "new")
    rows = json.loads((tmp_path / "new" / "projects.json").read_text("utf-8"))
    assert rows[1]["tags"] == []


def test_nothing_is_overwritten(tmp_path):
    write(tmp_path / "data", "json")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine").write_text("precious")
    with pytest.raises(TagifaiError, match="exists and is not empty"):
        apply_changes(tmp_path / "data", CHANGES, tmp_path / "new")
    with pytest.raises(TagifaiError, match="exists and is not empty"):
        apply_changes(tmp_path / "data", CHANGES, tmp_path / "data")
    with pytest.raises(TagifaiError, match="lies within the data folder"):
        apply_changes(tmp_path / "data", CHANGES, tmp_path / "data" / "new")


def test_a_tag_in_another_unicode_form_is_taken_away(tmp_path):
    (tmp_path / "data").mkdir()
    row = {"id": 1, "title": "t", "description": "d", "tags": ["cafe\u0301", "nlp"]}
    (tmp_path / "data" / "projects.json").write_text(json.dumps([row]))
    changes = {"1": {"add": ["nlp"], "remove": ["caf\u00e9"]}}
    applied = apply_changes(tmp_path / "data", changes, tmp_path / "new")
    assert (applied.num_removed, applied.num_same) == (1, 1)
    assert load_dataset(tmp_path / "new").projects[0].tags == ("nlp",)


ASKED = {
    "1": {"add": ["toxic"], "remove": ["insult"]},
    "2": {"add": ["insult"], "remove": ["toxic"]},
    "3": {"add": ["time series"]},
    "4": {"remove": ["threat"]},
}
# Settings, then each line of a file before and after.
PLACED = {
    "one-hot": (
        'text = "comment"\none_hot = ["toxic", "insult", "time series", "threat"]',
        [
            ("id,comment,toxic,insult,time series,threat",) * 2,
            ("1,a,0,1,0,0", "1,a,1,0,0,0"),
            ('2,"b, c", 1 ,0.0,0,0', '2,"b, c", 0 ,1.0,0,0'),
            ("3,c,0,0,False,0", "3,c,0,0,True,0"),
            ('4,d,0,0,0,"1"', '4,d,0,0,0,"0"'),
        ],
    ),
    "one-hot with crosses": (
        'text = "comment"\nunlabelled = "negative"\ndelimiter = ";"\n'
        'one_hot = ["toxic", "insult", "time series", "threat"]',
        [
            ("id;comment;toxic;insult;time series;threat",) * 2,
            ("1;a;;x;;", "1;a;x;;;"),
            ("2;b;x;;;", "2;b;;x;;"),
            ("3;c;;;-1;x", "3;c;;;x;x"),
            ("4;d;;;x;x", "4;d;;;x;"),
        ],
    ),
    "semicolons": (
        'text = "comment"\ntags = "labels"\nseparator = ";"',
        [
            ("labels,id,comment",) * 2,
            ("insult; threat ,1,a", "threat; toxic ,1,a"),
            ('"toxic",2,b', '"insult",2,b'),
            (",3,c", "time series,3,c"),
            ("a b; threat;,4,d", "a b;,4,d"),
        ],
    ),
    "angles": (
        'text = "comment"\ntags = "labels"\nseparator = "<>"',
        [
            ("id,labels,comment",) * 2,
            ("1,<insult><other>,a", "1,<other><toxic>,a"),
            ("2,<toxic>,b", "2,<insult>,b"),
            ("3,,c", "3,<time series>,c"),
            ("4,<threat>,d", "4,,d"),
        ],
    ),
    "Python lists": (
        'text = "comment"\ntags = "labels"',
        [
            ("id,labels,comment",) * 2,
            ("1,\"['insult', 'b, c']\",a", "1,\"['b, c', 'toxic']\",a"),
            ("2,['toxic'],b", "2,['insult'],b"),
            ("3,[],c", "3,['time series'],c"),
            ("4,\"['it''s', \"\"threat\"\"]\",d".replace("''", "\\'"), "4,['it\\'s'],d"),
        ],
    ),
    "arrays": (
        'text = "comment"\ntags = "labels"',
        [
            ("id,labels,comment",) * 2,
            ("1,['insult' 'b'],a", "1,['b' 'toxic'],a"),
            ("2,['toxic'],b", "2,['insult'],b"),
            ("3,[],c", "3,['time series'],c"),
            ("4,['threat'],d", "4,[],d"),
        ],
    ),
    "names without quotes": (
        'text = "comment"\ntags = "labels"',
        [
            ("id,labels,comment",) * 2,
            ('1,"[insult, b c]",a', '1,"[b c, toxic]",a'),
            ('2,"{toxic, x}",b', '2,"{x, insult}",b'),
            ('3,"[p, q]",c', '3,"[p, q, time series]",c'),
            ('4,"[threat, r]",d', "4,[r],d"),
        ],
    ),
    "numbers": (
        'text = "comment"\ntags = "labels"\nseparator = " "\n'
        'names = ["toxic", "insult", "time series", "threat"]',
        [
            ("id,labels,comment",) * 2,
            ("1,1 3,a", "1,3 0,a"), ("2,0,b", "2,1,b"), ("3,,c", "3,2,c"), ("4,3,d", "4,,d"),
        ],
    ),
    "places": (
        'text = "comment"\ntags = "labels"\nmulti_hot = true\n'
        'names = ["toxic", "insult", "time series", "threat"]',
        [
            ("id,labels,comment",) * 2,
            ('1,"[0, 1, 0, 1]",a', '1,"[1, 0, 0, 1]",a'),
            ("2,[1 0 0 0],b", "2,[0 1 0 0],b"),
            ('3,"[0, 0, 0, 0]",c', '3,"[0, 0, 1, 0]",c'),
            ('4,"[0, 0,0, 1 ]",d', '4,"[0, 0,0, 0 ]",d'),
        ],
    ),
    "several columns": (
        'text = "comment"\ntags = ["first", "second", "third"]\nseparator = "none"',
        [
            ("id,first,second,third,comment",) * 2,
            ("1,insult,x,,a", "1,toxic,x,,a"),
            ("2,,toxic,,b", "2,insult,,,b"),
            ("3,p,,,c", "3,p,time series,,c"),
            ("4,q,r,threat,d", "4,q,r,,d"),
        ],
    ),
}  # fmt: skip


def folder_of(tmp_path, settings, file, content):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "data.toml").write_text(f"[columns]\n{settings}\n")
    (folder / file).write_bytes(content)
    return folder


@pytest.mark.parametrize("asked", ["1", "2", "3", "4", "1234"])
@pytest.mark.parametrize("form", PLACED)
def test_tags_are_written_in_the_form_of_their_cell(tmp_path, form, asked):
    settings, lines = PLACED[form]
    content = "".join(f"{old}\r\n" for old, _ in lines).encode()
    folder = folder_of(tmp_path, settings, "projects.csv", content)
    apply_changes(folder, {one: ASKED[one] for one in asked}, tmp_path / "new")
    expected = "".join(
        f"{new if str(row) in asked else old}\r\n" for row, (old, new) in enumerate(lines)
    )
    assert (tmp_path / "new" / "projects.csv").read_bytes() == expected.encode()


def test_rows_that_are_left_out_stay(tmp_path):
    lines = ['{"text": "x", "a": -1, "n": 0}', '{"text": "y", "a": 1, "n": 0}']
    text = "\n\n".join(lines)
    folder = folder_of(
        tmp_path,
        'text = "text"\none_hot = ["a", "n"]\nunlabelled = "leave-out"\nfile = "in.jsonl"',
        "in.jsonl", text.encode(),
    )  # fmt: skip
    assert [project.id for project in load_dataset(folder).projects] == ["2"]
    apply_changes(folder, {"2": {"add": ["n"], "remove": ["a"]}}, tmp_path / "new")
    assert (tmp_path / "new" / "in.jsonl").read_text() == text.replace(
        '"a": 1, "n": 0', '"a": 0, "n": 1'
    )


def test_other_encodings_and_several_files(tmp_path):
    settings = (
        'file = ["train.tsv", "part/test.csv.gz"]\nid = "none"\ntext = "Kommentär"\ntags = "Töne"\n'
        'separator = "|"\nencoding = "latin-1"\nleave_out = "n"'
    )
    old = 'n\tTöne\tKommentär\n1e5\tähnlich|x\t"wie ""so"""\n1.0\t\tweg\n'
    folder = folder_of(tmp_path, settings, "train.tsv", old.encode("latin-1"))
    (folder / "part").mkdir()
    more = 'sep=;\r\n"n";"Töne";"Kommentär"\r\n"2";"x";"grün"\r\n\r\n'
    (folder / "part" / "test.csv.gz").write_bytes(gzip.compress(more.encode("latin-1")))
    projects = load_dataset(folder).projects
    changes = {
        projects[0].id: {"remove": ["ähnlich"], "add": ["süß"]}, projects[2].id: {"add": ["süß"]},
    }  # fmt: skip
    apply_changes(folder, changes, tmp_path / "new")
    assert (tmp_path / "new" / "train.tsv").read_bytes() == old.replace(
        "ähnlich|x", "x|süß"
    ).encode("latin-1")
    packed = (tmp_path / "new" / "part" / "test.csv.gz").read_bytes()
    assert gzip.decompress(packed) == more.replace('"x"', '"x|süß"').encode("latin-1")
    with pytest.raises(TagifaiError, match="'日本' of a new tag cannot be written in iso8859-1"):
        apply_changes(folder, {projects[0].id: {"add": ["日本"]}}, tmp_path / "other")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig", "shift_jis", "gb18030"])
def test_an_encoding_stays_with_its_mark(tmp_path, encoding):
    text = 'id,comment,labels\n1,日本,"[""日""]"\n'
    folder = folder_of(
        tmp_path, f'text = "comment"\ntags = "labels"\nencoding = "{encoding}"', "projects.csv",
        text.encode(encoding),
    )  # fmt: skip
    apply_changes(folder, {"1": {"add": ["本"]}}, tmp_path / "new")
    expected = text.replace('日""]', '日"", ""本""]').encode(encoding)
    assert (tmp_path / "new" / "projects.csv").read_bytes() == expected


@pytest.mark.parametrize(
    ("settings", "old", "new"),
    [
        ('tags = "labels"\nseparator = ";"', '"labels": "a;\\u00e9"', '"labels": "\\u00e9;n"'),
        ('tags = "labels"\nnames = ["a", "n"]', '"labels":  0', '"labels":  1'),
        ('tags = "labels"\nnames = ["a", "b", "n"]', '"labels": [0,1]', '"labels": [1,2]'),
        ('one_hot = ["a", "n"]', '"a": 1, "n" : false', '"a": 0, "n" : true'),
        ('one_hot = ["a", "n"]', '"a": 1.0, "n": "0"', '"a": 0.0, "n": "1"'),
        ('tags = "labels"\nseparator = "none"', '"labels": "a"', '"labels": "n"'),
        ('tags = "labels"', '"labels": [ "a" ]', '"labels": [ "n" ]'),
    ],
)
def test_json_of_other_forms_is_edited_in_place(tmp_path, settings, old, new):
    text = '[{{"text": "\\u00e9", {} }} , {{"text": "b", {}}}]\n'
    folder = folder_of(tmp_path, f'id = "none"\ntext = "text"\n{settings}', "projects.json",
                       text.format(old, old).encode())  # fmt: skip
    apply_changes(folder, {"2": {"remove": ["a"], "add": ["n"]}}, tmp_path / "new")
    assert (tmp_path / "new" / "projects.json").read_text() == text.format(old, new)


@pytest.mark.parametrize(
    ("settings", "column", "expected"),
    [
        ('tags = "labels"\nseparator = ";"', ["a;b", None, ""], ["b;n", "n", ""]),
        ('tags = "labels"\nnames = ["a", "b", "n"]', [[0, 1], [], [1]], [[1, 2], [2], [1]]),
        ('tags = "labels"\nnames = ["a", "b", "n"]', [0, None, 1], [2, 2, 1]),
        ('one_hot = ["labels"]', [0, 0, 1], [0, 0, 1]),
        ('one_hot = ["labels"]', [False, False, True], [False, False, True]),
    ],
)
def test_parquet_of_other_forms_is_rewritten(tmp_path, settings, column, expected):
    import pyarrow
    import pyarrow.parquet as parquet

    folder = folder_of(tmp_path, f'id = "none"\ntext = "text"\n{settings}', "notes", b"")
    table = pyarrow.table({"text": ["x", "y", "z"], "labels": column})
    parquet.write_table(table, folder / "projects.parquet")
    one_hot = "one_hot" in settings
    change = {"add": ["labels"]} if one_hot else {"remove": ["a"], "add": ["n"]}
    apply_changes(folder, {"1": change, "2": change}, tmp_path / "new")
    written = parquet.read_table(tmp_path / "new" / "projects.parquet")
    value = bool(1) if isinstance(column[0], bool) else 1
    assert written.column("labels").to_pylist() == (
        [value, value, expected[2]] if one_hot else expected
    )
    assert written.schema.equals(
        parquet.read_schema(folder / "projects.parquet"), check_metadata=True
    )


def test_of_several_parquet_files_those_that_change_are_rewritten(tmp_path):
    import pyarrow
    import pyarrow.parquet as parquet

    folder = folder_of(tmp_path, 'text = "text"\ntags = "labels"\nfile = "parts"', "notes", b"")
    (folder / "parts").mkdir()
    for part in range(3):
        ids = [f"{part}{row}" for row in range(4)]
        table = pyarrow.table({"id": ids, "text": ["x"] * 4, "labels": [["a"]] * 4})
        parquet.write_table(table, folder / "parts" / f"{part}.parquet", row_group_size=3)
    apply_changes(folder, {"13": {"add": ["n"]}, "20": {"remove": ["a"]}}, tmp_path / "new")
    found = {project.id: project.tags for project in load_dataset(tmp_path / "new").projects}
    assert {one: tags for one, tags in found.items() if tags != ("a",)} == {
        "13": ("a", "n"), "20": (),
    }  # fmt: skip
    assert len(found) == 12
    first, copy = (root / "parts" / "0.parquet" for root in (folder, tmp_path / "new"))
    assert first.read_bytes() == copy.read_bytes()


@pytest.mark.parametrize(
    ("settings", "cell", "change", "message"),
    [
        ('tags = "labels"\nseparator = ";"', "a", {"add": ["x;y"]},
         r"projects.csv: row 1, labels: the cell 'a' is written in a form that cannot hold 'a', "
         "'x;y'"),
        ('tags = "labels"\nseparator = "none"', "a", {"add": ["n"]},
         "row 1, labels: the cell 'a' holds one tag, and no separator says how to add another"),
        ('tags = "labels"', "a", {"add": ["n"]}, "labels: the cell 'a' holds one tag"),
        ('tags = "labels"\nseparator = "<>"', "<a>", {"add": ["x<y"]}, "cannot hold 'a', 'x<y'"),
        ('tags = "labels"\nnames = ["a"]', "[0]", {"add": ["n"]}, "'n' has no number; name it in"),
        ('tags = "labels"\nmulti_hot = true\nnames = ["a"]', "[1]", {"add": ["n"]},
         "'n' has no place"),
        ('one_hot = "labels"', "1", {"add": ["n"]}, "row 1: 'n' has no column; add it to the"),
        ('tags = "labels"', '{""a"": 1}', {"remove": ["a"]},
         "no list of tags that can be changed in place"),
    ],
)  # fmt: skip
def test_what_the_form_of_a_cell_cannot_hold_is_refused_before_anything_is_written(
    tmp_path, settings, cell, change, message
):
    content = f'id,text,labels\n1,x,"{cell}"\n'.encode()
    folder = folder_of(tmp_path, f'text = "text"\n{settings}', "projects.csv", content)
    with pytest.raises(TagifaiError, match=message):
        apply_changes(folder, {"1": change}, tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_rows_within_a_json_object_are_refused(tmp_path):
    rows = json.dumps({"data": [{"id": 1, "text": "x", "tags": ["a"]}]}).encode()
    folder = folder_of(tmp_path, 'text = "text"\nfile = "in.json"', "in.json", rows)
    with pytest.raises(TagifaiError, match="within a JSON object cannot be edited in place"):
        apply_changes(folder, {"1": {"remove": ["a"]}}, tmp_path / "new")
