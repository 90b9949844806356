"""A Hub of models and datasets, which a server on this machine plays."""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from replies import Replies

Files = dict[str, bytes]


def commit_of(files: Files) -> str:
    return hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()


@dataclass
class Repository:
    """What each tag and branch holds, and the commits that there have been."""

    tags: dict[str, Files] = field(default_factory=dict)
    branches: dict[str, Files] = field(default_factory=dict)

    @property
    def refs(self) -> dict[str, Files]:
        return {**self.branches, **self.tags}


class FakeHub(ThreadingHTTPServer):
    """Repositories by kind and name; counts what is asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.repositories: dict[str, Repository] = {}
        self.token: str | None = None
        self.gated = False
        self.requests: list[str] = []

    def add(self, place: str) -> Repository:
        """Make a repository at a place such as `models/ann/tagger`."""
        return self.repositories.setdefault(place, Repository())

    def close(self) -> None:
        """Be gone, as for a machine without a network."""
        self.shutdown()
        self.server_close()


class Answers(Replies):
    server: FakeHub

    def do_GET(self) -> None:
        hub, path = self.server, unquote(urlsplit(self.path).path)
        hub.requests.append(f"{self.command} {path}")
        if hub.token and self.headers["Authorization"] != f"Bearer {hub.token}":
            code = "GatedRepo" if hub.gated else "RepoNotFound"
            self.reply({}, 403 if hub.gated else 401, X_Error_Code=code)
            return
        asked = re.fullmatch(r"/api/(models|datasets)/([^/]+/[^/]+)(?:/(\w+)(?:/(.+))?)?", path)
        if asked:
            found = hub.repositories.get(f"{asked[1]}/{asked[2]}")
            if found:
                self.describe(found, asked[3] or "revision", asked[4] or "main")
                return
        fetched = re.fullmatch(r"/(datasets/)?([^/]+/[^/]+)/resolve/(\w+)/(.+)", path)
        if fetched:
            kind = "datasets" if fetched[1] else "models"
            found = hub.repositories.get(f"{kind}/{fetched[2]}")
            if found:
                self.send(found, fetched[3], fetched[4])
                return
        self.reply({}, 404, X_Error_Code="RepoNotFound")

    def do_HEAD(self) -> None:
        self.do_GET()

    def describe(self, found: Repository, what: str, revision: str) -> None:
        commits = {commit_of(files): files for files in found.refs.values()}
        files = commits.get(revision, found.refs.get(revision))
        if what == "refs":
            listed = {
                kind: [
                    {"name": name, "ref": f"refs/{folder}/{name}", "targetCommit": commit_of(files)}
                    for name, files in refs.items()
                ]
                for kind, folder, refs in (
                    ("branches", "heads", found.branches),
                    ("tags", "tags", found.tags),
                )
            }
            self.reply({**listed, "converts": []})
        elif files is None:
            self.reply({}, 404, X_Error_Code="RevisionNotFound")
        elif what == "tree":
            self.reply(
                [
                    {
                        "type": "file",
                        "path": name,
                        "size": len(content),
                        "oid": hashlib.sha1(content).hexdigest(),
                    }
                    for name, content in files.items()
                ]
            )
        else:
            self.reply({"id": "ann/one", "sha": commit_of(files), "siblings": []})

    def send(self, found: Repository, commit: str, name: str) -> None:
        commits = {commit_of(files): files for files in found.refs.values()}
        content = commits[commit][name]
        tag = f'"{hashlib.sha1(content).hexdigest()}"'
        self.reply(content, ETag=tag, X_Repo_Commit=commit)


@contextmanager
def running_hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        thread = threading.Thread(target=hub.serve_forever, daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join(10)
