"""Save a text as a behavioral test in the data folder."""

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from tagifai.behavioral import (
    BEHAVIORAL_FILE,
    BehavioralTest,
    Case,
    load_behavioral_tests,
    parse_behavioral_test,
)
from tagifai.data.hub import refuse_hub_folder
from tagifai.data.json_files import MAX_BYTES
from tagifai.data.names import refuse_unknown_tags
from tagifai.errors import TagifaiError, one_of

_WAIT_SECONDS = 5.0
# A lock this old was left by a program that was killed.
_STALE_SECONDS = 30.0


def check_may_save(folder: Path, public: bool) -> None:
    """Check that tests can be saved in a data folder.

    Raises
    ------
    TagifaiError
        The app is open to strangers by a public link, or the folder is missing or read-only.
    """
    if public:
        raise TagifaiError(
            "this app runs with a public link, so nobody can be let write to its data folder: "
            "start it without --share to save behavioral tests"
        )
    refuse_hub_folder(folder)
    if not folder.is_dir():
        raise TagifaiError(f"{folder}: no such data folder, so no test can be saved in it")
    target = folder / BEHAVIORAL_FILE
    if not os.access(folder, os.W_OK) or (target.exists() and not os.access(target, os.W_OK)):
        raise TagifaiError(
            f"{folder} is read-only for this app, so no test can be saved in it: "
            f"make it writable, or start the app with --data on a copy"
        )


def make_test(
    kind: str,
    group: str,
    texts: Sequence[str],
    expected: Sequence[str] = (),
    forbidden: Sequence[str] = (),
    known_tags: Sequence[str] | None = None,
) -> BehavioralTest:
    """Build a test of a text, or of a text and its changed form.

    Parameters
    ----------
    kind : {"MFT", "INV", "DIR"}
        MFT: the first text must have the tags `expected` and none of `forbidden`. INV: both
        texts must; where no tag is named, both must get the same tags. DIR: the changed text
        must, and the two must not get the same tags.
    group : str
        The group that the test is reported under.
    texts : sequence of str
        The text, and its changed form.
    expected, forbidden : sequence of str
        Tags.
    known_tags : sequence of str, optional
        The tags that may be named.

    Raises
    ------
    TagifaiError
        The kind or a tag is unknown, a text is missing, or there is nothing to test.
    """
    if kind not in ("MFT", "INV", "DIR"):
        raise one_of("type of test", kind, ("MFT", "INV", "DIR"))
    if known_tags is not None:
        refuse_unknown_tags((*expected, *forbidden), known_tags, "behavioral test")
    used = list(texts[:1] if kind == "MFT" else texts)
    named = {"expected": list(expected), "forbidden": list(forbidden)}
    cases: list[dict[str, object]] = [
        {"text": text, **({} if kind == "DIR" and not number else named)}
        for number, text in enumerate(used)
    ]
    return parse_behavioral_test({"type": kind, "group": group, "cases": cases})


def save_test(folder: Path | str, test: BehavioralTest) -> int:
    """Append a test to a data folder's `behavioral.json`; return how many it holds then.

    The file is replaced as a whole or not at all; several programs may save at once.

    Raises
    ------
    TagifaiError
        The file already holds the test, is malformed or full, or the folder cannot be written.
    """
    path = Path(folder) / BEHAVIORAL_FILE
    try:
        with _locked(path):
            tests = load_behavioral_tests(path) if path.exists() else ()
            if test in tests:
                raise TagifaiError(f"{path}: test {tests.index(test) + 1} is this very one")
            content = json.dumps(
                [_row(one) for one in (*tests, test)], ensure_ascii=False, indent=1
            ).encode()
            if len(content) > MAX_BYTES:
                raise TagifaiError(f"{path}: full; at most {MAX_BYTES:,} bytes are read")
            _replace(path, content + b"\n")
            return len(tests) + 1
    except OSError as error:
        raise TagifaiError(f"{path}: cannot be written ({error.strerror or error})") from None


def _row(test: BehavioralTest) -> dict[str, object]:
    return {"type": test.type, "group": test.group, "cases": [_case(case) for case in test.cases]}


def _case(case: Case) -> dict[str, object]:
    return {name: value for name, value in asdict(case).items() if value or name == "text"}


def _replace(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Lock the file for one writer at a time, across programs."""
    lock = path.with_name(f".{path.name}.lock")
    give_up = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
            break
        except FileExistsError:
            with contextlib.suppress(FileNotFoundError):
                if time.time() - lock.stat().st_mtime > _STALE_SECONDS:
                    lock.unlink(missing_ok=True)
                    continue
            if time.monotonic() > give_up:
                raise TagifaiError(f"{path}: another program is writing it; try again") from None
            time.sleep(0.02)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
