"""Names of versions, tags of git and addresses of repositories that lead elsewhere."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from security.rows import Files, Measured, Row, measured

from tagifai.errors import TagifaiError
from tagifai.store.git_source import GitSource
from tagifai.store.versions import FolderSource, load_version, open_source

SECRET = "SECRET-7d1f"
VERSIONS = [
    "../outside", "..", ".", "", "/etc", "v1/../../outside", "..\\outside", "a\x00b", "v" * 5_000,
    "link", "v1\u202e", "-rf", "$(touch PWNED)", "%2e%2e%2foutside", "v1\n", ".hidden", "~", "v1/",
]  # fmt: skip
TAGS = ["$(touch${IFS}PWNED)", "a;touch${IFS}PWNED", "a'b\"c", "HEAD", "--output=PWNED", "-p",
        "ü/x|y", "--upload-pack=touch${IFS}PWNED"]  # fmt: skip
REVISIONS = ["main", "HEAD~0", "refs/tags/v1", "v1^{}", "--help", "v1\nv1", "v1:model", "@{u}"]
REPOSITORIES = [
    "--upload-pack=touch PWNED", "ext::sh -c touch%20PWNED", "ssh://-oProxyCommand=touch PWNED/x",
    "file:///etc", "http://127.0.0.1/x", "git://127.0.0.1/x", "https://-oProxyCommand=x/\ny",
    "host:path",
]  # fmt: skip


def git(place: Path, *arguments: str, content: str | None = None) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "tag.gpgSign=false"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=place, check=True, capture_output=True, text=True,
        input=content,
    )  # fmt: skip
    return done.stdout


def measure_names(files: Files, full: bool) -> Measured:
    folder = files.folder
    models, outside = folder / "models", folder / "outside"
    for place in (models / "v1", outside):
        place.mkdir(parents=True)
        f1 = "0.5" if place.name == "v1" else f'0.5, "note": "{SECRET}"'
        (place / "performance.json").write_text(f'{{"overall": {{"f1": {f1}}}}}')
    (models / "link").symlink_to(outside)
    (models / "v1" / "params.json").symlink_to(outside / "performance.json")
    repository = folder / "repository"
    repository.mkdir()
    git(repository, "init", "--quiet", "--initial-branch=main")
    (repository / "model").mkdir()
    (repository / "model" / "performance.json").write_text('{"overall": {"f1": 0.5}}')
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "x")
    for tag in ["v1", *TAGS]:
        git(repository, "update-ref", "--stdin", content=f"create refs/tags/{tag} HEAD\n")
    before = {path: path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}
    wrong: list[str] = []
    tried = 0
    here = Path.cwd()
    os.chdir(outside)
    try:
        source, tags = FolderSource(models), GitSource(str(repository))
        asked: list[tuple[str, Callable[[], object], bool]] = [
            ("v1/params.json", lambda: source.read("v1", "params.json"), False),
            ("v1/../x", lambda: source.read("v1", "../../outside/performance.json"), False),
        ]
        for name in VERSIONS:
            asked += [
                (f"version {name[:40]!r}", lambda n=name: load_version(source, n), False),  # type: ignore[misc]
                (
                    f"file of {name[:40]!r}",
                    lambda n=name: source.read(n, "performance.json"),
                    False,
                ),  # type: ignore[misc]
                (
                    f"new {name[:40]!r}",
                    lambda n=name: source.write(n, {"params.json": b"{}"}),
                    False,
                ),  # type: ignore[misc]
            ]
        asked += [(f"tag {t!r}", lambda t=t: load_version(tags, t), True) for t in TAGS]  # type: ignore[misc]
        asked += [(f"revision {r!r}", lambda r=r: tags.read(r, "performance.json"), False)
                  for r in REVISIONS]  # type: ignore[misc] # fmt: skip
        asked += [(f"repository {r!r}", lambda r=r: open_source(f"git:{r}").names(), False)
                  for r in REPOSITORIES]  # type: ignore[misc] # fmt: skip
        for what, ask, allowed in asked:
            tried += 1
            try:
                answer = ask()
            except TagifaiError as error:
                if allowed:
                    wrong.append(f"{what}: {error}")
                continue
            except Exception as error:
                wrong.append(f"{what}: {type(error).__name__}: {str(error)[:80]}")
                continue
            if (not allowed and answer is not None) or SECRET in str(answer):
                wrong.append(f"{what}: taken")
    finally:
        os.chdir(here)
    after = {path: path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}
    if after != before:
        changed = {str(p) for p in set(after) ^ set(before)} or {"times of files"}
        wrong.append(f"written: {', '.join(sorted(changed))[:200]}")
    if list(folder.rglob("PWNED")) or (here / "PWNED").exists():
        wrong.append("a command was run")
    distinct = len(VERSIONS) + len(TAGS) + len(REVISIONS) + len(REPOSITORIES)
    return measured(
        f"{distinct} names and addresses in {tried} ways: nothing read, written or run outside",
        wrong,
    )


ROWS = [
    Row("names", "40 hostile version and tag names and repository URLs",
        "nothing read or written outside", measure_names),
]  # fmt: skip
