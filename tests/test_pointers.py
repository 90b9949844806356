import json

import pytest

from tagifai.cli import parser as cli
from tagifai.errors import TagifaiError
from tagifai.pointers import read_pointer, refuse_pointer, refuse_pointer_file

DIGEST = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
HEAD = "version https://git-lfs.github.com/spec/v1\n"
POINTER = f"{HEAD}oid sha256:{DIGEST}\nsize 12345\n"


@pytest.mark.parametrize(
    "text",
    [
        POINTER,
        POINTER.replace("\n", "\r\n"),
        POINTER.rstrip(),
        POINTER.replace(HEAD, f"{HEAD}ext-0-foo sha256:{DIGEST}\n"),
    ],
)
def test_a_pointer_tells_the_digest_and_the_size(text):
    pointer = read_pointer(text.encode())
    assert (pointer.sha256, pointer.size) == (DIGEST, 12_345)
    with pytest.raises(TagifaiError, match=r"^x\.npz: a Git LFS pointer, .* \(12,345 bytes\)"):
        refuse_pointer(text.encode(), "x.npz")


@pytest.mark.parametrize(
    "text", ["", HEAD, POINTER[1:], POINTER.replace("sha256", "md5"), POINTER + "x" * 2_000]
)
def test_what_is_no_pointer_is_let_through(text, tmp_path):
    assert read_pointer(text.encode()) is None
    refuse_pointer(text.encode(), "x.npz")
    (tmp_path / "file").write_text(text)
    refuse_pointer_file(tmp_path / "file")
    refuse_pointer_file(tmp_path / "none")


SPOTS = {
    "projects.json": ["data", "check"],
    "projects.csv": ["data", "check"],
    "projects.parquet": ["data", "check"],
    "tags.json": ["data", "check"],
    "data.toml": ["data", "check"],
    "splits.json": ["data", "check"],
    "slices.json": ["train"],
    "behavioral.json": ["train"],
    "reviews.sqlite": ["reviews", "list"],
    "reviews.jsonl": ["reviews", "import", "{}"],
    "predictions.jsonl": ["import-predictions", "v1", "{}"],
    "predictions.parquet": ["import-predictions", "v1", "{}"],
    "predictions.npz": ["import-predictions", "v1", "{}"],
    "tag-list": ["import-predictions", "v1", "none.jsonl", "--tags", "{}"],
    "params.json": ["train", "--params", "{}"],
}


@pytest.mark.parametrize("name", SPOTS)
def test_whatever_file_is_a_pointer_is_named_as_one(name, tmp_path, capsys):
    projects = [{"id": 1, "title": "t", "description": "d", "tags": ["a"]}]
    (tmp_path / "projects.json").write_text(json.dumps(projects))
    if name.startswith("projects."):
        (tmp_path / "projects.json").unlink()
    path = tmp_path / name
    path.write_text(POINTER)
    places = ["--data", str(tmp_path), "--models", str(tmp_path / "model")]
    assert cli.main([*(word.format(path) for word in SPOTS[name]), *places]) == 1
    told = capsys.readouterr().err
    assert told == (
        f"tagifai: {path}: a Git LFS pointer, not the file itself (12,345 bytes): "
        f"`git lfs pull` in its repository fetches it\n"
    )
    assert path.read_text() == POINTER
