"""Every way in which a cache can be broken; the answers must be right all the same."""

import json
import os
import pickle
import shlex
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

from security.rows import Files, Measured, Row, measured
from security.target import ROOT

from tagifai.store.cache import ContentCache, open_memory

KEYS = [("answer", str(number)) for number in range(3)]


def right(key: tuple[str, ...]) -> dict[str, object]:
    return {"key": list(key), "f1": [0.25, None], "tag": "ü"}


def outputs(cache: ContentCache) -> list[Path]:
    return sorted(Path(cache.memory.location).rglob("output.pkl"))


def rewritten(change: Callable[[bytes], bytes]) -> Callable[[ContentCache, Path], None]:
    def damage(cache: ContentCache, folder: Path) -> None:
        for path in outputs(cache):
            path.write_bytes(change(path.read_bytes()))

    return damage


def swap(cache: ContentCache, folder: Path) -> None:
    contents = [path.read_bytes() for path in outputs(cache)]
    for path, content in zip(outputs(cache), contents[1:] + contents[:1], strict=True):
        path.write_bytes(content)


def remove(name: str) -> Callable[[ContentCache, Path], None]:
    def damage(cache: ContentCache, folder: Path) -> None:
        for path in outputs(cache):
            (path.parent / name).unlink()

    return damage


def gone(cache: ContentCache, folder: Path) -> None:
    shutil.rmtree(folder)


def file_instead(cache: ContentCache, folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("a file in the way")


def folders_instead(cache: ContentCache, folder: Path) -> None:
    for path in outputs(cache):
        path.unlink()
        path.mkdir()


def metadata(cache: ContentCache, folder: Path) -> None:
    for path in Path(cache.memory.location).rglob("metadata.json"):
        path.write_text('{"duration": ')


BROKEN: dict[str, Callable[[ContentCache, Path], None]] = {
    "empty": rewritten(lambda content: b""),
    "torn": rewritten(lambda content: content[: len(content) // 2]),
    "garbage": rewritten(lambda content: os.urandom(len(content))),
    "another type": rewritten(lambda content: pickle.dumps({"f1": 1})),
    "a flipped bit": rewritten(lambda content: content.replace(b"0.25", b"0.75")),
    "places swapped": swap,
    "no output": remove("output.pkl"),
    "no metadata": remove("metadata.json"),
    "torn metadata": metadata,
    "folders instead": folders_instead,
    "folder gone": gone,
    "a file instead": file_instead,
}
# Reads every key twice in a process of its own; prints the answers.
PROGRAM = """
import json, sys, warnings
warnings.simplefilter("ignore")
from tagifai.store.cache import ContentCache, open_memory
folder, limit, *keys = sys.argv[1:]
if limit == "limit":
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
right = lambda key: {"key": key, "f1": [0.25, None], "tag": "ü"}
cache = ContentCache(open_memory(folder))
keys = [key.split("/") for key in keys] * 2
print(json.dumps([cache.remember(tuple(key), lambda key=key: right(key)) for key in keys]))
"""
# A small disk, full; and one that is mounted for reading. In a namespace: nothing stays mounted.
FULL = "mount -t tmpfs -o size=64k none {0} && (cat /dev/zero > {0}/filled; true) 2>/dev/null && "
CLOSED = "mount -t tmpfs -o size=1m none {0} && mount -o remount,ro {0} && "


def may_mount() -> bool:
    asked = ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt"]
    try:
        return subprocess.run(asked, capture_output=True).returncode == 0
    except OSError:
        return False


def elsewhere(folder: Path, *, before: str = "", limit: str = "none") -> list[object]:
    """Ask for every answer in a process of its own, after the shell's words `before`."""
    words = [sys.executable, "-c", PROGRAM, str(folder), limit, *("/".join(key) for key in KEYS)]
    if before:
        program = before.format(shlex.quote(str(folder))) + shlex.join(words)
        words = ["unshare", "-m", "sh", "-c", program]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise AssertionError(done.stderr[-300:])
    found: list[object] = json.loads(done.stdout)
    return found


def measure_caches(files: Files, full: bool) -> Measured:
    folder = files.folder
    wrong: list[str] = []
    tried = 0
    for name, damage in BROKEN.items():
        place = folder / name.replace(" ", "-")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cache = ContentCache(open_memory(place))
            for key in KEYS:
                cache.remember(key, lambda key=key: right(key))
            damage(cache, place)
            for opened in (cache, ContentCache(open_memory(place))):
                for key in KEYS * 2:
                    tried += 1
                    try:
                        answer = opened.remember(key, lambda key=key: right(key))
                    except Exception as error:
                        answer = f"{type(error).__name__}: {error}"
                    if answer != right(key):
                        wrong.append(f"{name}: {str(answer)[:100]}")
    expected = [right(key) for key in KEYS * 2]
    if may_mount():
        told = "full and read-only: disks mounted for it"
        ways = {"full disk": {"before": FULL}, "read-only disk": {"before": CLOSED}}
    else:
        told = "full: files limited to 10 bytes; read-only: a folder that may not be written"
        ways = {"full disk": {"limit": "limit"}, "read-only folder": {}}
    for name, how in ways.items():
        tried += len(expected)
        place = folder / name.replace(" ", "-")
        place.mkdir(mode=0o700 if how else 0o500)
        found = elsewhere(place, **how)
        if found != expected:
            wrong.append(f"{name}: {str(found)[:100]}")
    return measured(f"{len(BROKEN)} kinds of damage, {tried} answers, all right; {told}", wrong)


ROWS = [
    Row("caches", "12 kinds of broken cache, read-only folder, full disk", "right values",
        measure_caches),
]  # fmt: skip
