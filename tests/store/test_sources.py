import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tagifai.errors import TagifaiError
from tagifai.limits import Limit, Limits
from tagifai.predictions import Predictions
from tagifai.store.sources import FolderSource, read_files
from tagifai.store.versions import load_version

PERFORMANCE = b'{"overall": {"f1": 0.5}}'


@pytest.fixture
def source(tmp_path):
    return FolderSource(tmp_path / "model")


def test_a_place_without_versions_says_why(source):
    def why():
        assert source.names() == []
        return source.why_none()

    assert why() == "there is no such folder; `python -m tagifai train` makes the first"
    source.path.mkdir()
    assert why() == "the folder is empty; `python -m tagifai train` makes the first"
    (source.path / ".gitkeep").touch()
    assert why().startswith("the folder is empty")
    (source.path / "README.md").touch()
    assert why() == "no folder is in it, only files; `python -m tagifai train` makes the first"
    (source.path / "v1").symlink_to(source.path.parent)
    assert why().startswith("links that lead out of it are not followed")
    (source.path / "performance.json").write_bytes(PERFORMANCE)
    assert why() == f"it is a version itself; give the folder around it, {source.path.parent}"
    (source.path / "performance.json").unlink()
    (source.path / ".git").mkdir()
    assert why() == f"it is a repository; git:{source.path} reads its tags as versions"


POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    b"size 12345\n"
)


def test_a_git_lfs_pointer_is_named_and_leaves_the_other_files(source):
    files = {"performance.json": PERFORMANCE, "model.skops": b"x", "predictions.npz": b"x"}
    source.write("v1", files)
    for filename in ("model.skops", "predictions.npz"):
        (source.path / "v1" / filename).write_bytes(POINTER)
    version = load_version(source, "v1")

    assert version.performance["overall"] == {"f1": 0.5}
    for read, filename in (
        (version.read_model, "model.skops"),
        (version.load_predictions, "predictions.npz"),
        (lambda: read_files(source, "v1"), "predictions.npz"),
    ):
        with pytest.raises(
            TagifaiError, match=rf"v1/{filename}: a Git LFS pointer.*12,345 bytes.*`git lfs pull`"
        ):
            read()


UNREADABLE = """
import os, sys
from tagifai.store.cache import ContentCache, open_memory
from tagifai.services.data import DataService
from tagifai.errors import TagifaiError
from tagifai.services.versions import VersionService
from tagifai.store.sources import FolderSource
os.setgid(65534); os.setuid(65534)
def asked(path, ask):
    desk = VersionService(FolderSource(path), ContentCache(open_memory(None)), DataService("data"))
    try:
        print(ask(desk))
    except TagifaiError as error:
        print(error)
models = sys.argv[1]
asked(models, lambda desk: desk.history()[0].error)
asked(models, lambda desk: desk.load(desk.latest()))
asked(models + "/v2", lambda desk: desk.names())
asked(models, lambda desk: desk.source.check_writable("v3"))
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="becomes another user")
def test_what_may_not_be_read_is_named_as_that():
    # Not below pytest's own folder, which nobody else may enter.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        source = FolderSource(Path(folder) / "model")
        source.write("v1", {"performance.json": PERFORMANCE})
        source.write("v2", {"performance.json": PERFORMANCE})
        source.path.chmod(0o755)
        (source.path / "v1").chmod(0o755)
        (source.path / "v1" / "performance.json").chmod(0o600)
        (source.path / "v2").chmod(0o700)
        done = subprocess.run(
            [sys.executable, "-c", UNREADABLE, str(source.path)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.splitlines() == [
            f"{source.path}/v1/performance.json: cannot be read (Permission denied)",
            f"{source.path}/v2/params.json: cannot be read (Permission denied)",
            f"{source.path}/v2: cannot be listed (Permission denied)",
            f"{source.path}: cannot be written (no permission for {source.path})",
        ]


def test_what_write_would_refuse_is_told_before(source, tmp_path):
    source.check_writable("v1")
    assert not source.path.exists()
    source.write("v1", {"performance.json": PERFORMANCE})
    source.check_writable("workspace")
    with pytest.raises(TagifaiError, match=r"version 'v1' exists in .*never changed"):
        source.check_writable("v1")
    with pytest.raises(TagifaiError, match="a name is 1 to 100"):
        source.check_writable("../v2")
    (tmp_path / "file").touch()
    with pytest.raises(TagifaiError, match="file: a file, not a folder of versions"):
        FolderSource(tmp_path / "file").check_writable("v1")
    with pytest.raises(TagifaiError, match=r"file/model: cannot be written \(.*file is a file\)"):
        FolderSource(tmp_path / "file/model").check_writable("v1")


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
    with pytest.raises(TagifaiError, match=r"model: a file, not a folder of versions"):
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


def test_what_could_not_be_read_back_is_not_written(source):
    source.write("v1", {"performance.json": PERFORMANCE})
    small = FolderSource(
        source.path, Limits(file=Limit("max_file", 10), unpacked=Limit("max_unpacked", 500))
    )

    with pytest.raises(TagifaiError, match=r"performance\.json: 24 bytes; at most 10 .*--max-file"):
        small.read("v1", "performance.json")
    with pytest.raises(TagifaiError, match="24 bytes"):
        small.write("v2", {"performance.json": PERFORMANCE})
    packed = Predictions.of(["1"], ["test"], ["cv"], [[1]], [[0.5]]).to_bytes()
    wide = FolderSource(source.path, Limits(unpacked=Limit("max_unpacked", 500)))
    with pytest.raises(
        TagifaiError, match=r"predictions\.npz: \d+ bytes once unpacked; at most 500"
    ):
        wide.write("v2", {"performance.json": PERFORMANCE, "predictions.npz": packed})
    assert source.names() == ["v1"]


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


@pytest.mark.parametrize("before", [False, True])
def test_a_disk_that_is_full_leaves_no_half_of_a_version(tmp_path, before):
    """Of a file that may not grow the system says what it says of a full disk: it stops writing."""
    home = tmp_path / "model"
    files = {"performance.json": b'{"overall": {}}', "params.json": b"{}"}
    if before:
        FolderSource(home).write("workspace", files)
    program = f"""
import resource, signal
from tagifai.errors import TagifaiError
from tagifai.store.sources import FolderSource
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
files = {{"performance.json": b'{{"overall": {{}}}}', "predictions.npz": b"x" * 300_000}}
try:
    FolderSource({str(home)!r}).write("workspace", files)
except TagifaiError as error:
    print(error)
"""
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert re.search(r"workspace: cannot be written \(.+\)\n$", said.stdout), said.stdout
    assert sorted(path.name for path in home.iterdir()) == (["workspace"] if before else [])
    if before:
        assert FolderSource(home).read("workspace", "params.json") == b"{}"
