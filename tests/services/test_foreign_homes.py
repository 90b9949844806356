"""Predictors that lie beside a version's file in homes that are no folders: git and the Hub."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest
import skops.io
from hub_server import running_hub
from onnx_folders import write_bag_of_words
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from tagifai.errors import TagifaiError
from tagifai.limits import Limits
from tagifai.models.adapters.sklearn import SklearnPredictor
from tagifai.services.data import DataService
from tagifai.services.versions import VersionService
from tagifai.store.cache import ContentCache, open_memory
from tagifai.store.hub_source import HubSource
from tagifai.store.versions import open_source

TAGS = ["cv", "nlp"]
TEXTS = ["a cv text", "an nlp text", "cv and nlp", "nothing"] * 5
PERFORMANCE = json.dumps({"overall": {}, "class": {}, "slices": {}, "behavioral": {}}).encode()


def described(**more):
    return {"performance.json": PERFORMANCE, "predictor.json": json.dumps(more).encode()}


def pipeline(strength=10.0):
    made = make_pipeline(TfidfVectorizer(), OneVsRestClassifier(LogisticRegression(C=strength)))
    made.fit(TEXTS, [[int(tag in text) for tag in TAGS] for text in TEXTS])
    return made


def onnx_files(tmp_path):
    """Return the files of an ONNX folder that knows its tags, by name."""
    folder = tmp_path / "onnx"
    weights = {tag: [4.0 * (tag == other) for other in TAGS] for tag in TAGS}
    write_bag_of_words(folder, weights, [-2.0, -2.0], TAGS)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class GitHome:
    """A repository in which each version is a commit with a tag."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.where = f"git:{path}"

    def git(self, *words):
        identity = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "tag.gpgSign=false"]
        subprocess.run(["git", *identity, *words], cwd=self.path, check=True, capture_output=True)

    def add(self, name, files):
        folder = self.path / "model/workspace"
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        self.git("add", ".")
        self.git("commit", "--quiet", "--allow-empty", "-m", name)
        self.git("tag", "--force", name)


class HubHome:
    """A repository of the Hub in which each version is a tag, at the root as models are there."""

    where = "hf:ann/tagger"

    def __init__(self, server) -> None:
        self.server = server
        self.made = server.add("models/ann/tagger")
        self.made.branches["main"] = {"README.md": b"# A tagger"}

    def add(self, name, files):
        self.made.tags[name] = {**files, ".gitattributes": b"*.bin filter=lfs"}


@pytest.fixture(params=["git", "hub"])
def home(request, tmp_path, monkeypatch):
    if request.param == "git":
        yield GitHome(tmp_path / "repository")
        return
    with running_hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield HubHome(server)


def open_home(home, tmp_path, limits=None, allowed=()):
    source = open_source(home.where, limits=limits or Limits())
    if isinstance(source, HubSource):
        source.fetch_every = 0
    return VersionService(
        source,
        ContentCache(open_memory(None)),
        DataService(tmp_path / "data"),
        allow_predictor=allowed,
        cache_folder=tmp_path / "cache",
    )


def tags_of(versions, name, text="about nlp alone"):
    (found,) = versions.predict(name, [text])
    return found.tags


@pytest.mark.parametrize("source", ["pipe.skops", "models/../models/pipe.skops", "model.skops"])
def test_a_pipeline_beside_the_versions_file(home, tmp_path, source):
    path = "/".join(Path(source).parts[-2:] if ".." in source else [source])
    files = {path: skops.io.dumps(pipeline()), "other.bin": b"of no use"}
    home.add("v1", described(kind="sklearn", source=source, tags=TAGS) | files)
    versions = open_home(home, tmp_path)
    assert versions.can_predict("v1")
    assert tags_of(versions, "v1") == ("nlp",)
    taken = [one.name for one in (tmp_path / "cache/predictors").rglob("*") if one.is_file()]
    assert taken == [Path(source).name]


@pytest.mark.parametrize("source", ["net", ".", "net/model.onnx"])
def test_an_onnx_folder_or_file_with_what_lies_beside_it(home, tmp_path, source):
    below = "" if source == "." else "net/"
    files = {f"{below}{name}": content for name, content in onnx_files(tmp_path).items()}
    home.add("v1", described(kind="onnx", source=source) | files)
    versions = open_home(home, tmp_path)
    assert versions.predictor("v1").tags == tuple(TAGS)
    assert tags_of(versions, "v1") == ("nlp",)


def test_a_moved_tag_brings_its_own_model(home, tmp_path):
    about = described(kind="sklearn", source="pipe.skops", tags=TAGS)
    home.add("v1", {**about, "pipe.skops": skops.io.dumps(pipeline(10.0))})
    versions = open_home(home, tmp_path)
    first = versions.predictor("v1")
    assert versions.predictor("v1") is first
    home.add("v1", {**about, "pipe.skops": skops.io.dumps(pipeline(0.1))})
    versions.names()
    second = versions.predictor("v1")
    assert second is not first
    assert isinstance(second.predictor, SklearnPredictor)
    low, high = (float(one.predict_proba(["nlp"])[0, 1]) for one in (second, first))
    assert low < high - 0.1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("pipe.skop", r"unknown file or folder of .* 'pipe\.skop': did you mean 'pipe\.skops'"),
        ("../v2/pipe.skops", "leaves the version's folder"),
        ("a/../../pipe.skops", "leaves the version's folder"),
        ("link.skops", r"unknown file or folder of .* 'link\.skops'"),
    ],
)
def test_what_is_not_beside_it_is_told(home, tmp_path, source, message):
    files = described(kind="sklearn", source=source, tags=TAGS)
    if isinstance(home, GitHome):
        folder = home.path / "model/workspace"
        folder.mkdir(parents=True)
        (folder / "link.skops").symlink_to("/etc/passwd")
    home.add("v1", {**files, "pipe.skops": skops.io.dumps(pipeline())})
    with pytest.raises(TagifaiError, match=rf"^v1/predictor\.json: .*{message}"):
        tags_of(open_home(home, tmp_path), "v1")


def test_large_models_are_held_to_a_limit(home, tmp_path):
    about = described(kind="sklearn", source="pipe.skops", tags=TAGS)
    home.add("v1", {**about, "pipe.skops": skops.io.dumps(pipeline()) + b"\0" * 1_500_000})
    limits = Limits.of(
        max_file=256, max_unpacked=512, max_predictions=256, max_reviews=256, max_download=1
    )
    versions = open_home(home, tmp_path, limits)
    with pytest.raises(TagifaiError, match=r"more bytes than .*--max-download"):
        tags_of(versions, "v1")
    assert list((tmp_path / "cache").rglob("*.skops")) == []


def test_code_beside_it_still_needs_permission(home, tmp_path):
    code = {"evil.py": b"open('RAN', 'w')\ntagger = None\n"}
    home.add("v1", described(kind="python", source="evil:tagger", tags=TAGS) | code)
    with pytest.raises(TagifaiError, match="--allow-predictor 'python:evil:tagger'"):
        tags_of(open_home(home, tmp_path), "v1")
    assert list(tmp_path.rglob("evil.py")) == (
        [home.path / "model/workspace/evil.py"] if isinstance(home, GitHome) else []
    )


@pytest.mark.parametrize("kind", ["transformers", "setfit"])
def test_of_a_transformers_folder_only_safe_files_are_taken(home, tmp_path, kind):
    files = {
        "config.json": b"{}",
        "modules.json": b"[]",
        "1_Pooling/config.json": b"{}",
        "tokenizer.json": b"{}",
        "model.safetensors": b"1",
        "pytorch_model.bin": b"2",
        "modeling_evil.py": b"3",
    }
    home.add("v1", described(kind=kind, source=".", tags=TAGS) | files)
    with pytest.raises(TagifaiError, match=r"^v1/predictor\.json: "):
        tags_of(open_home(home, tmp_path), "v1")
    (folder,) = (tmp_path / "cache/predictors").iterdir()
    taken = {one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file()}
    assert taken == set(files) - {"pytorch_model.bin", "modeling_evil.py"}
    if isinstance(home, HubHome):
        assert not any("pytorch_model" in path for path in home.server.requests)


def test_a_name_of_the_hub_is_no_file_beside_it(home, tmp_path):
    home.add("v1", described(kind="transformers", source="nobody/nothing", tags=TAGS))
    with pytest.raises(
        TagifaiError, match=r"^v1/predictor\.json: .*(not in the local cache|is ne)"
    ):
        tags_of(open_home(home, tmp_path), "v1")


def test_a_spacy_folder_is_taken_whole(home, tmp_path):
    files = {"pipe/config.cfg": b"[nlp]", "pipe/vocab/strings.json": b"[]", "pipe/x/model": b"1"}
    home.add("v1", described(kind="spacy", source="pipe", tags=TAGS) | files)
    with pytest.raises(TagifaiError, match=r"^v1/predictor\.json: "):
        tags_of(open_home(home, tmp_path), "v1")
    (folder,) = (tmp_path / "cache/predictors").iterdir()
    taken = {one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file()}
    assert taken == set(files)


def test_what_was_fetched_serves_without_a_network(tmp_path, monkeypatch):
    with running_hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
        home = HubHome(server)
        about = described(kind="sklearn", source="pipe.skops", tags=TAGS)
        home.add("v1", {**about, "pipe.skops": skops.io.dumps(pipeline())})
        assert tags_of(open_home(home, tmp_path), "v1") == ("nlp",)
        asked = len(server.requests)
        assert tags_of(open_home(home, tmp_path), "v1") == ("nlp",)
        assert {path.rpartition("/")[2] for path in server.requests[asked:]} == {"refs"}
        server.close()
        with pytest.warns(RuntimeWarning, match="cannot be reached"):
            assert tags_of(open_home(home, tmp_path), "v1") == ("nlp",)


@pytest.mark.parametrize("fetched", ["whole", "damaged", "none"])
def test_a_pointer_of_git_lfs_is_followed(tmp_path, fetched):
    home = GitHome(tmp_path / "repository")
    content = skops.io.dumps(pipeline())
    digest = hashlib.sha256(content).hexdigest()
    pointer = (
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n"
    )
    about = described(kind="sklearn", source="pipe.skops", tags=TAGS)
    home.add("v1", {**about, "pipe.skops": pointer.encode()})
    place = home.path / ".git/lfs/objects" / digest[:2] / digest[2:4]
    place.mkdir(parents=True)
    if fetched != "none":
        (place / digest).write_bytes(content if fetched == "whole" else content[:-1] + b"x")
    versions = open_home(home, tmp_path)
    if fetched == "whole":
        assert tags_of(versions, "v1") == ("nlp",)
    else:
        with pytest.raises(TagifaiError, match=r"a Git LFS pointer, .*`git lfs fetch --all`"):
            tags_of(versions, "v1")
