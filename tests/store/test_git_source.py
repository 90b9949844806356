import hashlib
import os
import shutil
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tagifai.errors import TagifaiError
from tagifai.limits import Limit, Limits
from tagifai.store.git_source import GitSource
from tagifai.store.history import PerformanceIndex
from tagifai.store.versions import load_version, open_source

PERFORMANCE = '{"overall": {"f1": 0.5}}'


class Repository:
    def __init__(self, path):
        self.path = path
        path.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments, content=None):
        identity = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "tag.gpgSign=false"]
        done = subprocess.run(
            ["git", *identity, *arguments],
            cwd=self.path, check=True, capture_output=True, text=True, input=content,
        )  # fmt: skip
        return done.stdout.strip()

    def commit(self, folder="model/workspace", **files):
        place = self.path / folder
        place.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (place / f"{name}.json").write_text(text)
        self.git("add", ".")
        self.git("commit", "--quiet", "--allow-empty", "-m", "x")

    def tag(self, name, target="HEAD"):
        # update-ref makes even the names that `git tag` refuses.
        self.git("update-ref", "--stdin", content=f"create refs/tags/{name} {target}\n")


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "repository")


def test_tags_that_hold_a_version_are_listed(repository):
    repository.commit("src", code="{}")
    repository.tag("v0.1.0")
    repository.commit("model", performance=PERFORMANCE)
    repository.tag("v0.9.0")
    repository.commit(performance=PERFORMANCE.replace("5", "75"), params='{"C": 1}')
    repository.git("tag", "-a", "v0.10.0", "-m", "annotated")
    blob = repository.git("hash-object", "-w", "--stdin", content="x")
    repository.tag("blob", blob)
    source = open_source(f"git:{repository.path}")

    assert source.names() == ["v0.9.0", "v0.10.0"]
    assert load_version(source, "v0.9.0").performance["overall"] == {"f1": 0.5}
    newer = load_version(source, "v0.10.0")
    assert (newer.performance["overall"], newer.params) == ({"f1": 0.75}, {"C": 1})
    assert source.read("v0.9.0", "params.json") is None


def test_a_moved_tag_and_a_removed_one_are_seen(repository):
    repository.commit(performance=PERFORMANCE)
    repository.tag("v1")
    repository.tag("v2")
    source = GitSource(str(repository.path))
    index = PerformanceIndex(source)
    before = index.history()[0].figures["overall f1"], source.fingerprint("v1")
    repository.commit(performance=PERFORMANCE.replace("5", "6"))
    repository.git("tag", "--force", "v1")
    repository.git("tag", "-d", "v2")

    assert [(row.version, row.figures["overall f1"]) for row in index.history()] == [("v1", 0.6)]
    assert before[0] == 0.5
    assert source.fingerprint("v1") != before[1]


@pytest.mark.parametrize(
    "name",
    [
        "$(touch${IFS}PWNED)",
        "a;touch${IFS}PWNED",
        "a'b\"c",
        "HEAD",
        "--output=PWNED",
        "-p",
        "ü/x|y",
    ],
)
def test_hostile_tag_names_are_only_names(repository, name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    repository.commit(performance=PERFORMANCE)
    repository.tag(name)
    repository.commit(performance=PERFORMANCE.replace("5", "6"))
    source = GitSource(str(repository.path))

    assert source.names() == [name]
    assert load_version(source, name).performance["overall"] == {"f1": 0.5}
    assert not list(tmp_path.rglob("PWNED"))


@pytest.mark.parametrize("name", ["main", "HEAD", "refs/tags/v1", "v1^{}", "--help", "", "v1\nv1"])
def test_only_tags_are_versions(repository, name):
    repository.commit(performance=PERFORMANCE)
    repository.tag("v1")

    with pytest.raises(TagifaiError, match=r"unknown version .*allowed: v1"):
        GitSource(str(repository.path)).read(name, "performance.json")


@pytest.mark.parametrize(
    "where",
    [
        "ssh://host/x", "http://host/x", "file:///tmp", "ext::sh -c id://x", "git://host/x",
        "https://", "https://h/a b", "https://h/\nx", "https://[h/x", "HTTPS://h/x",
    ],
)  # fmt: skip
def test_urls_other_than_https_are_refused(where):
    with pytest.raises(TagifaiError, match="only https:// URLs and folders are read"):
        GitSource(where)


@pytest.mark.parametrize("where", ["", "--upload-pack=touch PWNED", "host:path", "ext::sh -c id"])
def test_what_is_no_folder_is_refused(where):
    with pytest.raises(TagifaiError, match="no such folder"):
        GitSource(where)


def test_a_folder_without_a_repository_is_refused(tmp_path):
    with pytest.raises(TagifaiError, match=r"^git:/.*: not a git repository"):
        GitSource(str(tmp_path))


def test_it_is_only_read(repository):
    with pytest.raises(TagifaiError, match="only read here: commit model/workspace/ and tag it"):
        GitSource(str(repository.path)).write("v1", {"performance.json": b"{}"})


def why_none(where):
    source = open_source(f"git:{where}")
    assert source.names() == []
    return source.why_none()


def test_a_repository_without_versions_says_why(repository, tmp_path):
    assert "no tags, and each tag is a version: commit" in why_none(repository.path)
    repository.commit("src", code="{}")
    copies = {}
    for name, flags in {"shallow": ["--depth=1"], "tagless": ["--no-tags"]}.items():
        copies[name] = tmp_path / name
        source = f"file://{repository.path}"
        subprocess.run(["git", "clone", "-q", *flags, source, str(copies[name])], check=True)
    assert "a shallow clone without tags" in why_none(copies["shallow"])
    assert "`git fetch --unshallow --tags` brings them" in why_none(copies["shallow"])
    assert "no tags, and each tag is a version; `git fetch --tags`" in why_none(copies["tagless"])
    repository.tag("v1")
    repository.tag("v2")
    assert why_none(repository.path) == (
        "none of its 2 tags has model/workspace/performance.json or model/performance.json"
    )
    below = why_none(repository.path / "src")
    assert "has src/model/workspace/performance.json or src/model/performance.json or mo" in below


def test_a_shallow_clone_finds_its_versions_once_the_tags_are_there(repository, tmp_path):
    repository.commit(performance=PERFORMANCE)
    repository.tag("v1")
    repository.commit(performance=PERFORMANCE.replace("5", "6"))
    copy = tmp_path / "copy"
    flags = ["--quiet", "--depth=1", "--no-tags"]
    subprocess.run(["git", "clone", *flags, f"file://{repository.path}", str(copy)], check=True)
    source = GitSource(str(copy))
    assert source.names() == []
    subprocess.run(["git", "-C", str(copy), "fetch", "-q", "--unshallow", "--tags"], check=True)
    assert source.names() == ["v1"]
    assert load_version(source, "v1").performance["overall"] == {"f1": 0.5}


def test_a_partial_clone_without_the_files_says_so(repository, tmp_path):
    repository.git("config", "uploadpack.allowFilter", "true")
    repository.commit(performance=PERFORMANCE)
    repository.tag("v1")
    flags = ["--quiet", "--no-checkout", "--filter=blob:none"]
    copy = tmp_path / "copy"
    subprocess.run(["git", "clone", *flags, f"file://{repository.path}", str(copy)], check=True)
    with pytest.raises(TagifaiError, match="copy: a partial clone, without the files of other"):
        GitSource(str(copy)).names()


def test_a_folder_within_a_repository_comes_before_its_top(repository):
    repository.commit(performance=PERFORMANCE)
    repository.tag("v1")
    repository.commit("services/tagger/model", performance=PERFORMANCE.replace("5", "6"))
    repository.tag("v2")

    def figures(where):
        source = open_source(f"git:{where}")
        return {n: load_version(source, n).performance["overall"]["f1"] for n in source.names()}

    assert figures(repository.path) == figures(repository.path / "model") == {"v1": 0.5, "v2": 0.5}
    assert figures(repository.path / "services/tagger") == {"v1": 0.5, "v2": 0.6}


def test_a_git_lfs_pointer_is_followed_to_what_was_fetched(repository):
    content = b"the weights" * 100
    digest = hashlib.sha256(content).hexdigest()
    pointer = (
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n"
    )
    repository.commit(performance=PERFORMANCE)
    (repository.path / "model/workspace/model.skops").write_text(pointer)
    repository.commit()
    repository.tag("v1")
    source = GitSource(str(repository.path))
    version = load_version(source, "v1")
    assert version.performance["overall"] == {"f1": 0.5}
    with pytest.raises(
        TagifaiError,
        match=r"v1/model\.skops: a Git LFS pointer.*\(1,100 bytes\): `git lfs fetch --all` in ",
    ):
        version.read_model()
    place = repository.path / ".git/lfs/objects" / digest[:2] / digest[2:4] / digest
    place.parent.mkdir(parents=True)
    place.write_bytes(content[:-1] + b"!")
    with pytest.raises(TagifaiError, match="a Git LFS pointer"):
        version.read_model()
    place.write_bytes(content)
    assert version.read_model() == content
    small = GitSource(str(repository.path), limits=Limits(file=Limit("max_file", 1_000)))
    with pytest.raises(TagifaiError, match=r"v1/model\.skops: 1,100 bytes; at most 1,000"):
        small.read("v1", "model.skops")


def test_a_file_in_place_of_a_repository_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(TagifaiError, match="file: a file, not a repository's folder"):
        GitSource(str(tmp_path / "file"))


def test_a_thousand_tags_are_read_through_two_processes(repository):
    lines = []
    for number in range(1000):
        text = PERFORMANCE.replace("5", str(number))
        lines += [
            "commit refs/heads/many", "committer t <t@localhost> 0 +0000", "data 0", "",
            f"M 100644 inline model/performance.json\ndata {len(text)}", text,
            f"reset refs/tags/v{number}", "from refs/heads/many", "",
        ]  # fmt: skip
    repository.git("fast-import", "--quiet", content="\n".join(lines))
    table = PerformanceIndex(GitSource(str(repository.path))).history()

    assert len(table) == 1000
    assert (table[1].version, table[1].figures["overall f1"]) == ("v1", 0.1)


class GitOverHttp(BaseHTTPRequestHandler):
    """The little of CGI that `git http-backend` needs."""

    def do_GET(self):
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("Content-Length") or 0)
        environment = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(length),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"], input=self.rfile.read(length), capture_output=True,
            env=environment, check=False,
        )  # fmt: skip
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - http.server's name

    def log_message(self, *_):
        pass


@pytest.fixture
def served(repository, tmp_path, monkeypatch):
    if not shutil.which("openssl"):
        pytest.skip("no openssl here to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    monkeypatch.setenv("GIT_SSL_CAINFO", str(certificate))
    server = ThreadingHTTPServer(("127.0.0.1", 0), GitOverHttp)
    server.root = tmp_path
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://localhost:{server.server_port}/repository/.git", server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_url_is_cloned_once_and_asked_again(repository, served, tmp_path):
    url, server = served
    repository.commit(performance=PERFORMANCE)
    repository.tag("v1")
    cache = tmp_path / "cache"
    source = GitSource(url, cache, fetch_every=0)

    assert source.names() == ["v1"]
    assert load_version(source, "v1").performance["overall"] == {"f1": 0.5}
    repository.commit(performance=PERFORMANCE.replace("5", "6"))
    repository.git("tag", "--force", "v1")
    repository.tag("v2")
    assert source.names() == ["v1", "v2"]
    assert load_version(source, "v1").performance["overall"] == {"f1": 0.6}
    assert len(list((cache / "git").iterdir())) == 1

    server.shutdown()
    server.server_close()
    with pytest.warns(RuntimeWarning, match="the tags fetched before are shown"):
        assert GitSource(url, cache).names() == ["v1", "v2"]
    with pytest.raises(TagifaiError, match=f"^{source.location}: git: fatal: unable to access"):
        GitSource(url, tmp_path / "other").names()


def test_a_password_is_not_repeated():
    source = GitSource("https://me:secret@localhost/x.git")

    assert source.location == "git:https://localhost/x.git"
