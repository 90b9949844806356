"""Models on a Hub, which a server on this machine plays."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import pytest

from tagifai.errors import TagifaiError
from tagifai.models.adapters.hub import folder_of
from tagifai.models.adapters.loading import LoadContext
from tagifai.models.predictor_spec import AllowedPredictors, parse_predictor

COMMIT = "0123456789" * 4
API = "/api/models/ann/tagger"
FILES = {
    "config.json": b'{"num_labels": 3}',
    "model.safetensors": b"weights" * 1000,
    "tokenizer.json": b"{}",
    "sub/vocab.txt": b"a",
    "pytorch_model.bin": b"a pickle",
    "modeling.py": b"1 / 0",
    "model_head.pkl": b"a pickle",
}


class Hub(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.files = dict(FILES)
        self.token, self.gated = "", False
        self.asked: list[str] = []


class Answers(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: object) -> None: ...

    def reply(self, answer: object, status: int = 200, **headers: str) -> None:
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self) -> None:
        hub, path = self.server, unquote(urlsplit(self.path).path)
        hub.asked.append(path)
        if hub.token and self.headers["Authorization"] != f"Bearer {hub.token}":
            code = "GatedRepo" if hub.gated else "RepoNotFound"
            self.reply({}, 403 if hub.gated else 401, X_Error_Code=code)
        elif path in (
            API,
            f"{API}/revision/main",
            f"{API}/revision/v1",
            f"{API}/revision/{COMMIT}",
        ):
            siblings = [{"rfilename": name} for name in hub.files]
            self.reply({"id": "ann/tagger", "sha": COMMIT, "siblings": siblings})
        elif path.startswith(f"{API}/tree/"):
            rows = [
                {"type": "file", "path": name, "size": len(content), "oid": digest(content)}
                for name, content in hub.files.items()
            ]
            self.reply(rows)
        elif path.startswith(f"/ann/tagger/resolve/{COMMIT}/"):
            content = hub.files[path.partition(f"{COMMIT}/")[2]]
            self.reply(content, ETag=f'"{digest(content)}"', X_Repo_Commit=COMMIT)
        else:
            known = path.startswith(API)
            self.reply({}, 404, X_Error_Code="RevisionNotFound" if known else "RepoNotFound")

    def do_HEAD(self) -> None:
        self.do_GET()


def digest(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Iterator[Hub]:
    with Hub() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        monkeypatch.setenv("HF_ENDPOINT", made.url)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.chdir(tmp_path)
        yield made
        made.shutdown()
        thread.join(10)


def fetched(text, **context):
    return folder_of(parse_predictor(text), LoadContext(**context))


def test_weights_are_fetched_and_nothing_that_runs(hub):
    folder = fetched("transformers:ann/tagger@v1")
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {"config.json", "model.safetensors", "tokenizer.json", "sub/vocab.txt"}
    assert (folder / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    assert not any(name in path for path in hub.asked for name in (".bin", ".py", ".pkl"))
    before = len(hub.asked)
    assert fetched(f"transformers:ann/tagger@{COMMIT}") == folder
    assert not any("resolve" in path for path in hub.asked[before:])


def test_a_versions_file_gets_what_was_fetched_and_asks_for_nothing(hub, tmp_path):
    version = tmp_path / "version"
    version.mkdir()
    with pytest.raises(TagifaiError, match="--allow-predictor 'transformers:ann/tagger@v1'"):
        fetched("transformers:ann/tagger@v1", folder=version)
    with pytest.raises(TagifaiError, match="--allow-predictor"):
        fetched("transformers:ann/tagger", from_version=True)
    assert hub.asked == []
    folder = fetched("transformers:ann/tagger@v1")
    before = len(hub.asked)
    assert fetched("transformers:ann/tagger@v1", folder=version) == folder
    assert len(hub.asked) == before
    allowed = AllowedPredictors.of(["transformers:ann/tagger"])
    fetched("transformers:ann/tagger@main", folder=version, allowed=allowed)
    assert len(hub.asked) > before


@pytest.mark.parametrize("gated", [False, True])
def test_a_token_opens_what_is_private_or_gated(hub, monkeypatch, gated):
    hub.token, hub.gated = "hf_secret", gated
    why = "is gated: accept its terms" if gated else "no such model on the Hub, or a private one"
    with pytest.raises(TagifaiError, match=f"{why}.*HF_TOKEN"):
        fetched("transformers:ann/tagger")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert (fetched("transformers:ann/tagger") / "config.json").is_file()


def test_what_is_wrong_is_one_clear_line(hub):
    with pytest.raises(TagifaiError, match="ann/tagger@v9: no such revision on the Hub"):
        fetched("transformers:ann/tagger@v9")
    with pytest.raises(TagifaiError, match="no such model on the Hub"):
        fetched("setfit:ann/other")
    del hub.files["model.safetensors"]
    with pytest.raises(TagifaiError, match="no weights in safetensors"):
        fetched("transformers:ann/tagger")


def test_a_hub_that_is_gone(hub):
    folder = fetched("transformers:ann/tagger@v1")
    hub.shutdown()
    hub.server_close()
    assert fetched("transformers:ann/tagger@v1") == folder
    with pytest.raises(TagifaiError, match="the Hub cannot be reached"):
        fetched("transformers:ann/new")


def test_a_local_folder_comes_first(hub, tmp_path):
    local = tmp_path / "ann" / "tagger"
    local.mkdir(parents=True)
    with pytest.raises(TagifaiError, match=r"no config\.json, so no folder of a model"):
        fetched("transformers:ann/tagger")
    (local / "config.json").write_text("{}")
    (local / "model.safetensors").write_bytes(b"")
    assert fetched("transformers:ann/tagger").resolve() == local
    assert hub.asked == []
