"""Data sets on a Hub, which a server on this machine plays."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hub_server import FakeHub, Repository, commit_of, running_hub

from tagifai.cli.parser import main
from tagifai.data import load_dataset
from tagifai.data.hub import open_data
from tagifai.errors import TagifaiError
from tagifai.limits import Limits
from tagifai.services.data import DataService
from tagifai.settings import Settings
from tagifai.slices.builder import Conditions, save_slice

HERE = Path("hf:ann/tags")
ROWS = [
    {"id": f"{n}", "text": f"A text that somebody wrote, number {n}.", "labels": tags}
    for n, tags in enumerate([["nlp"], ["cv", "nlp"], ["cv"], [], ["nlp"], ["cv"]])
]


@pytest.fixture
def server(tmp_path, monkeypatch) -> Iterator[FakeHub]:
    with running_hub() as made:
        monkeypatch.setenv("HF_ENDPOINT", made.url)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.chdir(tmp_path)
        yield made


@pytest.fixture
def tags(server) -> Repository:
    return server.add("datasets/ann/tags")


def parquet(rows: list[dict[str, object]]) -> bytes:
    file = io.BytesIO()
    pd.DataFrame(rows).to_parquet(file)
    return file.getvalue()


def write_saved(folder: Path, rows: list[dict[str, object]]) -> None:
    """Write a table as `save_to_disk` of `datasets` does."""
    folder.mkdir(parents=True)
    table = pa.Table.from_pylist(rows)
    with pa.ipc.new_stream(str(folder / "data-00000-of-00001.arrow"), table.schema) as file:
        file.write_table(table)
    files = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}
    (folder / "state.json").write_text(json.dumps(files))
    (folder / "dataset_info.json").write_text("{}")


def csv(rows: list[dict[str, object]]) -> bytes:
    table = pd.DataFrame(rows).assign(labels=[";".join(row["labels"]) for row in rows])
    return table.to_csv(index=False).encode()


def typical() -> dict[str, bytes]:
    return {
        ".gitattributes": b"*.parquet filter=lfs",
        "README.md": b"---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n"
        b"    path: data/train-*\n  - split: test\n    path: data/test-*\n---\n# Tags\n",
        "data/train-00000-of-00001.parquet": parquet(ROWS[:4]),
        "data/test-00000-of-00001.parquet": parquet(ROWS[4:]),
    }


def test_parquet_files_become_a_data_folder(tags):
    tags.branches["main"] = typical()
    dataset = load_dataset(open_data(HERE))
    assert [(p.id, p.tags) for p in dataset.projects] == [
        ("0", ("nlp",)), ("1", ("cv", "nlp")), ("2", ("cv",)), ("3", ()), ("4", ("nlp",)),
        ("5", ("cv",)),
    ]  # fmt: skip
    assert [dataset.splits[p.id] for p in dataset.projects] == ["train"] * 4 + ["test"] * 2


def test_a_revision_is_fetched_once_and_serves_without_a_network(tags, server):
    tags.branches["main"] = typical()
    folder = open_data(HERE)
    asked = len(server.requests)
    assert open_data(HERE) == folder
    # The branch is asked for again, since it may have moved; nothing is fetched.
    assert server.requests[asked:] == ["GET /api/datasets/ann/tags/revision/main"] or (
        server.requests[asked:] == ["GET /api/datasets/ann/tags"]
    )
    commit = commit_of(tags.branches["main"])
    tags.branches["main"] = {**typical(), "data/test-00000-of-00001.parquet": parquet(ROWS[5:])}
    assert len(load_dataset(open_data(HERE)).projects) == 5
    # A commit never changes: nobody is asked.
    asked = len(server.requests)
    assert open_data(Path(f"hf:ann/tags@{commit}")) == folder
    assert len(server.requests) == asked
    server.close()
    with pytest.warns(RuntimeWarning, match="cannot be reached.*fetched last is read"):
        assert len(load_dataset(open_data(HERE)).projects) == 5
    with pytest.raises(TagifaiError, match="hf:ann/other: the Hub cannot be reached"):
        open_data(Path("hf:ann/other"))


def test_what_is_fetched_serves_offline(tags, server, monkeypatch):
    tags.branches["main"] = typical()
    folder = open_data(HERE)
    asked = len(server.requests)
    assert asked == len({*server.requests})  # nothing is asked for twice
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.warns(RuntimeWarning, match="fetched last is read"):
        assert open_data(HERE) == folder
    assert len(server.requests) == asked


def test_a_folder_that_datasets_saved_is_read_with_its_splits(tags, tmp_path):
    saved = tmp_path / "saved"
    splits = {"train": ROWS[:4], "test": ROWS[4:]}
    for split, rows in splits.items():
        write_saved(saved / split, rows)
    (saved / "dataset_dict.json").write_text(json.dumps({"splits": list(splits)}))
    tags.branches["main"] = {
        path.relative_to(saved).as_posix(): path.read_bytes()
        for path in saved.rglob("*")
        if path.is_file()
    }
    splits_read = load_dataset(open_data(HERE)).splits
    assert list(splits_read.values()) == ["train"] * 4 + ["test"] * 2


def test_a_revision_is_a_tag_or_a_branch(tags):
    tags.branches["main"] = typical()
    tags.tags["v1"] = {"train.csv": csv(ROWS[:2])}
    assert len(load_dataset(open_data(Path("hf:ann/tags@v1"))).projects) == 2
    with pytest.raises(TagifaiError, match="hf:ann/tags@v9: the repository has no such revision"):
        open_data(Path("hf:ann/tags@v9"))


def test_a_data_folder_is_read_as_such(tags):
    rows = [
        {"id": 1, "title": "One", "description": "text", "tags": ["nlp"]},
        {"id": 2, "title": "Two", "description": "text", "tags": ["cv"]},
    ]
    tags.branches["main"] = {
        "README.md": b"# Projects",
        "projects.json": json.dumps(rows).encode(),
        "data.toml": b'excluded = ["cv"]\n',
        "slices.json": b'[{"name": "short", "description": "", "max_words": 3}]',
        "other.csv": b"a,b\n1,2\n",
    }
    folder = open_data(HERE)
    assert load_dataset(folder).config.excluded == ("cv",)
    assert sorted(path.name for path in folder.iterdir()) == [
        "data.toml", "projects.json", "slices.json",
    ]  # fmt: skip


def test_files_that_data_toml_names_come_along(tags):
    tags.branches["main"] = {
        "data.toml": b'[columns]\nfile = "rows/all.csv"\ntext = "text"\ntags = "labels"\n'
        b'separator = ";"\n',
        "rows/all.csv": csv(ROWS),
        "rows/more.csv": csv(ROWS),
    }
    folder = open_data(HERE)
    assert len(load_dataset(folder).projects) == 6
    assert not (folder / "rows/more.csv").exists()


@pytest.mark.parametrize(
    ("card", "names"),
    [
        (b"", ("train.csv", "test.csv")),
        (b"", ("train/0.csv", "test/0.csv")),
        (b"", ("data/train.csv", "data/validation.csv")),
        (
            b"---\nconfigs:\n- config_name: all\n  data_files:\n  - split: train\n    path: a.csv\n"
            b"  - split: test\n    path: ['b.csv']\n---\n",
            ("a.csv", "b.csv"),
        ),
        (
            b"---\nconfigs:\n- config_name: all\n  data_dir: x\n  data_files:\n    train: a.csv\n"
            b"    validation: b.csv\n---\n",
            ("x/a.csv", "x/b.csv"),
        ),
    ],
)
def test_splits_come_from_names_folders_and_the_card(tags, card, names):
    first, second = names
    tags.branches["main"] = {"README.md": card, first: csv(ROWS[:4]), second: csv(ROWS[4:])}
    splits = load_dataset(open_data(HERE)).splits
    assert splits["0"] == "train"
    assert splits["5"] in ("val", "test")


def test_what_is_ambiguous_names_the_flags_of_import(tags, capsys):
    rows = [{"body": "One text of several words.", "summary": "A text of words.", "labels": "a;b"}]
    content = pd.DataFrame(rows * 3).to_csv(index=False).encode()
    tags.branches["main"] = {"rows.csv": content}
    with pytest.raises(TagifaiError, match=r"^hf:ann/tags: rows\.csv: .*--text") as caught:
        open_data(HERE)
    assert "`python -m tagifai data import hf:ann/tags --to DIR` takes this flag" in str(caught)
    words = ["data", "import", "hf:ann/tags", "--to", "mine", "--text", "body", "--separator", ";"]
    assert main([*words, "--title", "none"]) == 0
    assert "In data.toml" not in capsys.readouterr().out
    assert load_dataset(Path("mine")).projects[0].tags == ("a", "b")


def test_a_configuration_is_chosen_by_name(tags, capsys):
    tags.branches["main"] = {"easy/train.csv": csv(ROWS[:2]), "hard/train.csv": csv(ROWS)}
    with pytest.raises(TagifaiError, match=r"several configurations \(easy, hard\).*--config NAME"):
        open_data(HERE)
    assert main(["data", "import", "hf:ann/tags", "--config", "hard", "--to", "mine"]) == 0
    assert len(load_dataset(Path("mine")).projects) == 6
    assert main(["data", "import", "hf:ann/tags", "--config", "herd", "--to", "other"]) == 1
    assert "did you mean 'hard'" in capsys.readouterr().err


@pytest.mark.parametrize("gated", [False, True])
def test_a_token_opens_what_is_private_or_gated(tags, server, monkeypatch, gated):
    tags.branches["main"] = typical()
    server.token, server.gated = "hf_secret", gated
    why = "is gated: accept its terms" if gated else "no such repository, or a private one"
    with pytest.raises(TagifaiError, match=f"hf:ann/tags: .*{why}.*HF_TOKEN"):
        open_data(HERE)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert len(load_dataset(open_data(HERE)).projects) == 6


def test_what_is_too_large_is_not_fetched(tags, server):
    tags.branches["main"] = {**typical(), "data/train-00000-of-00001.parquet": b"0" * 2_000_000}
    limits = Limits.of(max_file=1, max_unpacked=1, max_predictions=1, max_reviews=1, max_download=1)
    with pytest.raises(TagifaiError, match=r"hf:ann/tags: .*--max-download or TAGIFAI_MAX"):
        open_data(HERE, limits)
    assert not [one for one in server.requests if "parquet" in one]


@pytest.mark.parametrize("where", ["hf:", "hf:tags", "hf:a/b/c", "hf:../x", "hf:ann/tags@a/../b"])
def test_what_is_no_repository_is_refused(where):
    with pytest.raises(TagifaiError, match=r"written hf:ORG/NAME"):
        open_data(Path(where))


def test_a_repository_without_rows_says_what_is_read(tags):
    tags.branches["main"] = {"README.md": b"# Images", "cat.png": b"PNG"}
    with pytest.raises(TagifaiError, match=r"^hf:ann/tags: no file of rows in it; \.json"):
        open_data(HERE)


def test_nothing_is_written_into_the_cache(tags, capsys):
    tags.branches["main"] = {"train.csv": csv(ROWS)}
    folder = open_data(HERE)
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(TagifaiError, match=r"only read: .*data import hf:ORG/DATASET --to DIR"):
        save_slice(folder, "short", Conditions(max_words=3))
    assert main(["data", "split", "--data", "hf:ann/tags"]) == 1
    assert "only read" in capsys.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == before
    # Reviews must outlive a cache.
    assert Settings(data=HERE).reviews_file == Path("reviews-ann--tags.sqlite")


def test_commands_and_the_app_read_it(tags, server, capsys, tmp_path):
    tags.branches["main"] = typical()
    assert main(["data", "check", "--data", "hf:ann/tags", "--json"]) == 0
    capsys.readouterr()
    assert {tag for tag, _ in DataService(HERE).filter_tags(1).kept} == {"nlp", "cv"}
    done = subprocess.run(
        [sys.executable, "-m", "tagifai", "train", "--data", "hf:ann/none", "--json"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "tagifai: hf:ann/none: no such repository, or a private one: HF_TOKEN must be a token "
        "that may read it\n"
    )
