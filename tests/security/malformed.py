"""Files that are not what they should be: data, and what versions say of themselves."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
from security.rows import Files, Measured, Row, measured

from tagifai.data import load_dataset
from tagifai.errors import TagifaiError
from tagifai.store.versions import FolderSource, load_version

GOOD = {"id": 1, "title": "A title", "description": "Some text.", "tags": ["cv"]}


def rows(**changed: Any) -> bytes:
    return json.dumps([{**GOOD, "id": 0}, {**GOOD, **changed}]).encode()


def lacking(field: str) -> bytes:
    row = {name: value for name, value in GOOD.items() if name != field}
    return json.dumps([{**GOOD, "id": 0}, row]).encode()


def table(**columns: Any) -> bytes:
    given = {
        "id": [0, 1], "title": ["a", "b"], "description": ["c", "d"], "tags": [["cv"], ["nlp"]]
    } | columns  # fmt: skip
    content = io.BytesIO()
    kept = {name: value for name, value in given.items() if value is not None}
    parquet.write_table(pa.table(kept), content)
    return content.getvalue()


def performance(**groups: Any) -> bytes:
    good = {"overall": {"precision": 0.5, "recall": 0.5, "f1": 0.5, "num_samples": 10}}
    return json.dumps(good | groups).encode()


# Each with the words that its message has to hold, besides the file's name.
JSON = {
    "empty": (b"", ""),
    "cut short": (rows()[:-20], "line 1"),
    "no list": (b'{"id": 1}', "list"),
    "a text": (b'"projects"', "list"),
    "a number in the list": (b"[1, 2]", "row 1"),
    "nothing in it": (b"[]", "no project"),
    "NaN": (b'[{"id": NaN}]', "NaN"),
    "not UTF-8": (rows().replace(b"A title", b"A \xff\xfe title"), "UTF-8"),
    "UTF-16": (rows().decode().encode("utf-16"), ""),
    "nested deeply": (b"[" * 100_000 + b"]" * 100_000, ""),
    "two documents": (rows() + rows(), "line 1"),
    "trailing comma": (rows()[:-1] + b",]", "line 1"),
    "tags as one text": (rows(tags="nlp, cv"), "row 2, tags"),
    "tags as numbers": (rows(tags=[1, 2]), "row 2, tags"),
    "a blank tag": (rows(tags=["cv", " "]), "row 2, tags"),
    "an empty tag": (rows(tags=[""]), "row 2, tags"),
    "no tags": (rows(tags=None), "row 2, tags"),
    "tags as an object": (rows(tags={"cv": 1}), "row 2, tags"),
    "a tag of 1,000 characters": (rows(tags=["x" * 1_000]), "row 2, tags"),
    "no title": (lacking("title"), "row 2, title"),
    "no id": (lacking("id"), "row 2, id"),
    "a title of null": (rows(title=None), "row 2, title"),
    "a description as a number": (rows(description=3), "row 2, description"),
    "an id that comes twice": (rows(id=0), "row 2, id"),
    "an id twice, as number and text": (rows(id="0"), "row 2, id"),
    "an id of null": (rows(id=None), "row 2, id"),
    "an id as a fraction": (rows(id=1.5), "row 2, id"),
    "an id as a boolean": (rows(id=True), "row 2, id"),
    "a text of 2 MB": (rows(description="x" * 2_000_000), "row 2, description"),
}
CSV = {
    "empty": (b"", "header"),
    "no column of tags": (b"id,title,description\n1,a,b\n", "row 1, tags"),
    "ragged": (b'id,title,description,tags\n1,a,b,"[""cv""]",more\n', "row 1"),
    "too few cells": (b"id,title,description,tags\n1,a,b\n", "row 1"),
    "tags as a text": (b'id,title,description,tags\n1,a,b,"nlp, cv"\n', "row 1, tags"),
    "tags as an object": (b'id,title,description,tags\n1,a,b,"{""cv"": 1}"\n', "row 1, tags"),
    "an open quotation mark": (b'id,title,description,tags\n1,"a,b,"[""cv""]"\n', "line"),
    "the header twice": (b"id,id,title,description,tags\n", "twice"),
    "another separator": (b"id;title;description;tags\n1;a;b;[]\n", "row 1"),
    "not UTF-8": (b"id,title,description,tags\n1,\xff,b,[]\n", "UTF-8"),
    "a zero byte": (b'id,title,description,tags\n1,a,\x00,"nlp"\n', "line 2"),
    "an id that comes twice": (b"id,title,description,tags\n1,a,b,[]\n1,c,d,[]\n", "row 2, id"),
    "a header alone": (b"id,title,description,tags\n", "no project"),
}
PARQUET = {
    "no Parquet": (b"PAR1 not at all", "Parquet"),
    "empty": (b"", "Parquet"),
    "cut short": (table()[:-40], "Parquet"),
    "tags as texts": (table(tags=["cv", "nlp"]), "row 1, tags"),
    "no tags": (table(tags=None), "row 1, tags"),
    "a title of null": (table(title=["a", None]), "row 2, title"),
    "ids that come twice": (table(id=[1, 1]), "row 2, id"),
    "ids as fractions": (table(id=[0.5, 1.5]), "row 1, id"),
    "titles as numbers": (table(title=[1, 2]), "row 1, title"),
    "no row": (table(id=pa.array([], pa.int64()), title=pa.array([], pa.string()),
                     description=pa.array([], pa.string()),
                     tags=pa.array([], pa.list_(pa.string()))), "no project"),
}  # fmt: skip
PERFORMANCE = {
    "empty": (b"", ""),
    "cut short": (performance()[:-3], ""),
    "no object": (b"[]", "object"),
    "nothing known in it": (b'{"accuracy": 1}', "overall"),
    "overall as a list": (performance(overall=[1]), "overall"),
    "f1 above 1": (performance(overall={"f1": 1.5}), "overall.f1"),
    "f1 below 0": (performance(overall={"f1": -0.1}), "overall.f1"),
    "f1 as a text": (performance(overall={"f1": "0.5"}), "overall.f1"),
    "f1 as a boolean": (performance(overall={"f1": True}), "overall.f1"),
    "NaN": (b'{"overall": {"f1": NaN}}', ""),
    "infinity": (b'{"overall": {"num_samples": 1e999}}', ""),
    "samples below 0": (performance(overall={"num_samples": -1}), "overall.num_samples"),
    "classes as a list": (performance(**{"class": [1]}), "class"),
    "a class as a number": (performance(**{"class": {"cv": 1}}), "class.'cv'"),
    "a class's recall as a text": (performance(**{"class": {"cv": {"recall": "x"}}}), "recall"),
    "slices as a text": (performance(slices="x"), "slices"),
    "a slice's f1 above 1": (performance(slices={"class": {"s": {"f1": 7}}}), "slices.class.'s'"),
    "a name matcher's score above 1": (
        performance(behavioral={"name_matcher": 2}),
        "behavioral.name_matcher",
    ),
    "a behavioral score above 1": (performance(behavioral={"score": 2}), "behavioral.score"),
    "behavioral results as a list": (performance(behavioral={"results": [1]}), "results"),
    "nested deeply": (b'{"overall": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", ""),
}  # fmt: skip


def cases(folder: Path) -> Iterator[tuple[str, Callable[[], object], str, str]]:
    """Return each file's name, what reads it, the file that a message names, and its words."""
    groups = {"projects.json": JSON, "projects.csv": CSV, "projects.parquet": PARQUET}
    for filename, files in groups.items():
        for number, (name, (content, words)) in enumerate(files.items()):
            place = folder / f"{filename}-{number}"
            place.mkdir()
            (place / filename).write_bytes(content)
            yield f"{filename}, {name}", lambda place=place: load_dataset(place), filename, words  # type: ignore[misc]
    for number, (name, (content, words)) in enumerate(PERFORMANCE.items()):
        place = folder / f"models-{number}" / "v1"
        place.mkdir(parents=True)
        (place / "performance.json").write_bytes(content)
        source = FolderSource(place.parent)
        yield (
            f"performance.json, {name}",
            lambda source=source: load_version(source, "v1"),  # type: ignore[misc]
            "performance.json",
            words,
        )


def measure_malformed(files: Files, full: bool) -> Measured:
    wrong: list[str] = []
    tried = 0
    for name, read, filename, words in cases(files.folder):
        tried += 1
        try:
            read()
            wrong.append(f"{name}: taken")
        except TagifaiError as error:
            told = str(error)
            if filename not in told or words not in told or "\n" in told:
                wrong.append(f"{name}: the message says {told[:120]!r}")
        except Exception as error:
            wrong.append(f"{name}: {type(error).__name__}: {str(error)[:80]}")
    return measured(f"{tried} files refused, each message with its place", wrong)


ROWS = [
    Row("malformed", "70 malformed files (JSON, CSV, Parquet, performance.json)",
        "no traceback, nothing silently wrong, each message names file, row or field",
        measure_malformed),
]  # fmt: skip
