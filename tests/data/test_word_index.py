import random

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from tagifai.data import Project, load_projects
from tagifai.data.browse import SORTS, ProjectIndex
from tagifai.data.names import fold_text
from tagifai.data.word_index import WordIndex

WORDS = [
    "Graph", "graphs", "STRASSE", "straße", "İstanbul", "e\u0301t\u00e9", "C++", "x\u00a0y",
    "日本語", "a\u2028b", "naïve", "\u1e9b\u0323", "nlp", "-", "0", "07", "7", "١٢",
]  # fmt: skip


def projects(seed, size):
    chance = random.Random(seed)

    def text(most):
        return chance.choice([" ", "\t", "  "]).join(
            chance.choices(WORDS, k=chance.randint(0, most))
        )

    return [
        Project(
            str(number) if number % 3 else chance.choice("ab٣") + str(number).zfill(4),
            text(3),
            text(9),
            tuple(
                dict.fromkeys(chance.choices(["time series", "nlp", "Graph nets"], k=number % 3))
            ),
        )
        for number in range(size)
    ]


def as_table(tmp_path, rows):
    columns = ("id", "title", "description", "tags")
    records = [{name: getattr(row, name) for name in columns} for row in rows]
    path = tmp_path / "projects.parquet"
    parquet.write_table(pa.Table.from_pylist(records), path, row_group_size=37)
    return load_projects(path)


@pytest.mark.parametrize("seed", range(3))
def test_it_finds_what_a_look_at_each_text_finds(tmp_path, seed):
    rows = projects(seed, 300)
    table = as_table(tmp_path, rows)
    texts = [fold_text("\n".join((p.id, p.title, p.description, *p.tags))) for p in rows]
    queries = {fold_text(word) for word in WORDS} | {
        "gra", "ss", "e", "series", "time", "7", "00", "語", "bul", "zzz", "graph nets", "é", "+",
    }  # fmt: skip
    for words in (WordIndex(rows), WordIndex(table)):
        for query in queries:
            for word in query.split():
                assert words.holding(word).tolist() == [word in text for text in texts], word


@pytest.mark.parametrize("sort", ["", *SORTS])
def test_a_table_is_found_and_sorted_as_its_projects_are(tmp_path, sort):
    rows = projects(7, 300)
    one, other = ProjectIndex(rows), ProjectIndex(as_table(tmp_path, rows))
    for query in ("", "graph", "e nlp", "nothing"):
        for descending in (False, True):
            found = list(one.find(query, sort, descending))
            assert list(other.find(query, sort, descending)) == found
            texts = [fold_text("\n".join((p.id, p.title, p.description, *p.tags))) for p in rows]
            assert set(found) == {
                row for row, text in enumerate(texts) if all(word in text for word in query.split())
            }
            if sort:
                keys = [SORTS[sort](rows[row]) for row in found]
                assert keys == sorted(keys, reverse=descending)  # type: ignore[type-var]


def test_progress_is_reported(tmp_path):
    seen = []
    WordIndex(as_table(tmp_path, projects(1, 100)), seen.append)
    assert seen == [37, 74, 100]


def test_no_project_is_no_mistake():
    assert WordIndex([]).holding("x").tolist() == []
