import os
import time

import pytest

from tagifai.errors import TagifaiError
from tagifai.versions.sources import FolderSource, read_files

PERFORMANCE = b'{"overall": {"f1": 0.5}}'


@pytest.fixture
def source(tmp_path):
    return FolderSource(tmp_path / "model")


def test_a_missing_folder_has_no_versions(source):
    assert source.names() == []


def test_hidden_folders_and_files_are_no_versions(source):
    for name in ("v2", "v10", "workspace", ".git", "__pycache__"):
        (source.path / name).mkdir(parents=True)
    (source.path / "README.md").write_text("x")

    assert source.names() == ["v2", "v10", "workspace"]


def test_a_release_is_written_once(source):
    source.write("v1", {"performance.json": PERFORMANCE})

    with pytest.raises(TagifaiError, match=r"version 'v1' exists in .*never changed"):
        source.write("v1", {"performance.json": b"{}"})
    assert source.read("v1", "performance.json") == PERFORMANCE
    assert [path.name for path in source.path.iterdir()] == ["v1"]


def test_the_workspace_is_replaced_as_a_whole(source):
    source.write("workspace", {"performance.json": PERFORMANCE, "params.json": b"{}"})
    source.write("workspace", {"performance.json": b"{}"})

    assert read_files(source, "workspace") == {"performance.json": b"{}"}
    assert [path.name for path in source.path.iterdir()] == ["workspace"]


def test_a_place_that_cannot_be_written_is_named(source):
    source.path.write_text("a file in the way")

    with pytest.raises(TagifaiError, match=r"model: cannot be written \(File exists\)"):
        source.write("v1", {"performance.json": PERFORMANCE})
    with pytest.raises(TagifaiError, match=r"model: cannot be listed \(Not a directory\)"):
        source.names()
    assert source.path.read_text() == "a file in the way"


@pytest.mark.parametrize(
    "name", ["", "..", "../x", "a/b", ".hidden", "-x", "a\0b", "x" * 101, "v1.lock", "a..b", "ü"]
)
def test_names_that_could_not_live_everywhere_are_refused(source, name):
    with pytest.raises(TagifaiError, match="a name is 1 to 100"):
        source.write(name, {"performance.json": PERFORMANCE})
    assert not source.path.exists()


def test_only_files_of_a_version_are_written_and_read(source):
    with pytest.raises(TagifaiError, match=r"unknown version file 'evil\.sh'"):
        source.write("v1", {"evil.sh": b""})
    with pytest.raises(TagifaiError, match=r"unknown version file '\.\./x'"):
        source.read("v1", "../x")


@pytest.mark.parametrize("name", ["v2", "", "..", "../secret", "/etc", "a\0b", "x" * 5000])
def test_unknown_versions_are_refused_with_those_there_are(source, name):
    source.write("v1", {"performance.json": PERFORMANCE})
    (source.path.parent / "secret").mkdir()
    (source.path.parent / "secret" / "performance.json").write_bytes(PERFORMANCE)

    with pytest.raises(TagifaiError, match=r"unknown version .*allowed: v1"):
        source.read(name, "performance.json")


def test_links_that_lead_out_are_not_followed(source):
    source.write("v1", {"params.json": b"{}"})
    outside = source.path.parent / "outside"
    outside.mkdir()
    (outside / "performance.json").write_bytes(PERFORMANCE)
    (source.path / "v2").symlink_to(outside)
    (source.path / "v3").symlink_to(source.path / "v1")
    (source.path / "v1" / "performance.json").symlink_to(outside / "performance.json")

    assert source.names() == ["v1", "v3"]
    for name in ("v1", "v2"):
        with pytest.raises(TagifaiError, match="leads out of"):
            source.read(name, "performance.json")
    assert source.read("v3", "params.json") == b"{}"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are POSIX's")
def test_a_pipe_in_place_of_a_file_is_refused(source):
    source.write("v1", {"params.json": b"{}"})
    os.mkfifo(source.path / "v1" / "performance.json")
    with pytest.raises(TagifaiError, match=r"performance\.json: not a file"):
        source.read("v1", "performance.json")


def test_a_file_too_large_is_refused(source, monkeypatch):
    source.write("v1", {"performance.json": PERFORMANCE})
    monkeypatch.setattr("tagifai.versions.sources.MAX_FILE", 10)

    with pytest.raises(TagifaiError, match=r"performance\.json: 24 bytes; at most 10 are read"):
        source.read("v1", "performance.json")
    with pytest.raises(TagifaiError, match="24 bytes"):
        source.write("v2", {"performance.json": PERFORMANCE})


def test_the_fingerprint_follows_content_alone(source):
    source.write("v1", {"performance.json": PERFORMANCE, "params.json": b"{}"})
    source.write("v2", {"params.json": b"{}", "performance.json": PERFORMANCE})
    source.write("v3", {"performance.json": PERFORMANCE})

    assert source.fingerprint("v1") == source.fingerprint("v2")
    assert source.fingerprint("v1") != source.fingerprint("v3")


def test_a_rewrite_of_equal_size_is_seen(source):
    source.write("v1", {"performance.json": PERFORMANCE})
    path = source.path / "v1" / "performance.json"
    before = source.fingerprint("v1"), source.stamp("v1", "performance.json")
    path.write_bytes(PERFORMANCE.replace(b"0.5", b"0.6"))

    assert source.fingerprint("v1") != before[0]
    assert source.stamp("v1", "performance.json") != before[1]
    assert source.stamp("v1", "params.json") is None


def test_settled_files_are_not_read_again(source):
    source.write("v1", {"performance.json": PERFORMANCE})
    path = source.path / "v1" / "performance.json"
    an_hour_ago = time.time() - 3600
    os.utime(path, (an_hour_ago, an_hour_ago))
    first = source.fingerprint("v1")
    before = path.stat()
    path.chmod(0o000)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    changed = FolderSource(source.path)
    path.chmod(0o600)

    assert changed.fingerprint("v1") == first
    assert ("v1", "performance.json") in changed._digests
