"""Files beside predictor.json, taken from homes that are no folders."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tagifai.errors import TagifaiError
from tagifai.limits import Limit, Limits
from tagifai.store.beside import FileBeside, FileHome, digest_beside, find_beside, take_beside
from tagifai.store.sources import FolderSource


class Home(FolderSource):
    """A home that lists what it was given, and writes down what is copied."""

    def __init__(self, path: Path, contents: dict[str, bytes], limits: Limits) -> None:
        super().__init__(path, limits)
        self.contents = contents
        self.copied: list[str] = []

    def list_beside(self, name: str) -> dict[str, FileBeside]:
        return {
            path: FileBeside(hashlib.sha1(content).hexdigest(), len(content))
            for path, content in self.contents.items()
        }

    def copy_beside(self, name: str, path: str, to: Path, most: int) -> None:
        self.copied.append(path)
        to.write_bytes(self.contents[path])


def home(tmp_path, contents, most=1_000):
    return Home(tmp_path, contents, replace(Limits(), download=Limit("max_download", most)))


MODEL = {
    "predictor.json": b"{}",
    "performance.json": b"{}",
    "config.json": b"c",
    "sub/model.onnx": b"graph",
    "sub/deep/data.bin": b"12345",
    "submarine": b"other",
}


def test_what_lies_at_a_path_or_below_it(tmp_path):
    source = home(tmp_path, MODEL)
    assert isinstance(source, FileHome)
    assert not isinstance(FolderSource(tmp_path), FileHome)
    assert sorted(find_beside(source, "v1", "sub")) == ["sub/deep/data.bin", "sub/model.onnx"]
    assert list(find_beside(source, "v1", "./sub/../sub/model.onnx")) == ["sub/model.onnx"]
    assert sorted(find_beside(source, "v1", ".")) == [
        "config.json", "sub/deep/data.bin", "sub/model.onnx", "submarine",
    ]  # fmt: skip
    assert list(find_beside(source, "v1", "sub", lambda path: path.endswith(".onnx"))) == [
        "sub/model.onnx"
    ]
    assert find_beside(source, "v1", "su") == {}
    for place in ("..", "../v2/x", "sub/../../x", "/etc/passwd"):
        with pytest.raises(TagifaiError, match="leaves the version's folder"):
            find_beside(source, "v1", place)


def test_files_are_copied_once_for_the_same_content(tmp_path):
    source = home(tmp_path, dict(MODEL))
    cache = tmp_path / "cache"
    found = find_beside(source, "v1", "sub")
    folder = take_beside(source, "v1", found, cache)
    assert (folder / "sub/model.onnx").read_bytes() == b"graph"
    assert (folder / "sub/deep/data.bin").read_bytes() == b"12345"
    assert (cache / "predictors").stat().st_mode & 0o077 == 0
    assert take_beside(source, "v9", found, cache) == folder
    assert len(source.copied) == 2
    source.contents["sub/model.onnx"] = b"other"
    changed = find_beside(source, "v1", "sub")
    assert digest_beside(changed) != digest_beside(found)
    other = take_beside(source, "v1", changed, cache)
    assert (other / "sub/model.onnx").read_bytes() == b"other"
    assert (folder / "sub/model.onnx").read_bytes() == b"graph"


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/x", "a//b", "./x", "a\0b", "x" * 300, ""])
def test_no_name_leads_out_of_the_cache(tmp_path, path):
    source = home(tmp_path / "models", {path: b"1"})
    with pytest.raises(TagifaiError, match="name is not safe here"):
        take_beside(source, "v1", source.list_beside("v1"), tmp_path / "cache")
    assert source.copied == []
    assert not (tmp_path / "cache").exists()


def test_files_are_held_to_the_limit_of_downloads(tmp_path):
    source = home(tmp_path, {"a": b"1" * 600, "b": b"2" * 600})
    with pytest.raises(TagifaiError, match=r"v1: the files .* more bytes than .*--max-download"):
        take_beside(source, "v1", source.list_beside("v1"), tmp_path / "cache")
    assert source.copied == []
    # A size that was stated wrongly is found out in time, and nothing is left.
    stated = {path: FileBeside(one.digest, 1) for path, one in source.list_beside("v1").items()}
    with pytest.raises(TagifaiError, match="--max-download"):
        take_beside(source, "v1", stated, tmp_path / "cache")
    assert list((tmp_path / "cache/predictors").iterdir()) == []
    many = {str(i): FileBeside("", 0) for i in range(10_001)}
    with pytest.raises(TagifaiError, match="10,001 files; at most 10,000"):
        take_beside(source, "v1", many, tmp_path / "cache")


def test_folders_longest_unused_are_removed(tmp_path):
    cache = tmp_path / "cache"
    folders = []
    for number in range(3):
        source = home(tmp_path, {"model": bytes([number]) * 400})
        folders.append(take_beside(source, "v1", source.list_beside("v1"), cache))
        os.utime(folders[-1], (number, number))
    assert [folder.exists() for folder in folders] == [False, True, True]
