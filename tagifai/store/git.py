"""Run git on a repository that may be hostile: no shell, no prompt, no protocol but https."""

import os
import subprocess
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path

from tagifai.errors import TagifaiError, shorten

TIMEOUT_S = 300
_OPTIONS = (
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "protocol.allow=never",
    "-c",
    "protocol.https.allow=always",
    "-c",
    "http.lowSpeedLimit=1000",
    "-c",
    "http.lowSpeedTime=30",
    "-c",
    "credential.interactive=false",
)


def run_git(repository: Path, arguments: Sequence[str], content: bytes = b"") -> bytes:
    """Run git in `repository` with `content` as its input, and return what it prints.

    Raises
    ------
    TagifaiError
        There is no git, it fails, or takes more than `TIMEOUT_S` seconds.
    """
    try:
        done = subprocess.run(  # noqa: S603 - a list, no shell; data never stands before options end
            _command(repository, arguments),
            input=content,
            capture_output=True,
            check=False,
            timeout=TIMEOUT_S,
            env=_environment(),
        )
    except FileNotFoundError:
        raise TagifaiError("git is not installed, and git: reads versions through it") from None
    except (subprocess.TimeoutExpired, OSError, ValueError) as error:
        raise TagifaiError(f"git: {shorten(str(error), 200)}") from None
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["failed"]
        problem = next((one for one in lines if one.startswith(("fatal:", "error:"))), lines[-1])
        if "dubious ownership" in problem:
            problem += f"; `git config --global --add safe.directory {repository}` lets git read it"
        raise TagifaiError(f"git: {shorten(problem, 300)}")
    return done.stdout


def copy_object(repository: Path, object_id: str, to: Path) -> None:
    """Write the content of an object to a file, however large it is.

    Raises
    ------
    TagifaiError
        There is no such object, or the file cannot be written.
    """
    try:
        with to.open("wb") as file:
            done = subprocess.run(  # noqa: S603 - a list, no shell; the id is hexadecimal
                _command(repository, ["cat-file", "blob", object_id]),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.DEVNULL,
                check=False,
                timeout=TIMEOUT_S,
                env=_environment(),
            )
    except (subprocess.TimeoutExpired, OSError) as error:
        raise TagifaiError(f"git: {shorten(str(error), 200)}") from None
    if done.returncode:
        raise TagifaiError(f"{repository}: object {object_id} is missing")


class ObjectReader:
    """Reads a repository's objects through one process, however many are read."""

    def __init__(self, repository: Path) -> None:
        self.repository = repository
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def read(self, object_id: str) -> bytes:
        """Return the content of an object, named by its full hexadecimal id.

        Raises
        ------
        TagifaiError
            There is no such object.
        """
        with self._lock:
            try:
                return self._ask(object_id)
            except (OSError, ValueError):
                self._process = None
                raise TagifaiError(f"{self.repository}: object {object_id} is missing") from None

    def _ask(self, object_id: str) -> bytes:
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(object_id.encode() + b"\n")
        process.stdin.flush()
        head = process.stdout.readline().split()
        if len(head) != 3:
            raise ValueError(object_id)
        size = int(head[2])
        content = process.stdout.read(size + 1)
        if len(content) != size + 1:
            raise ValueError(object_id)
        return content[:size]

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(  # noqa: S603 - a list, no shell
                _command(self.repository, ["cat-file", "--batch"]),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
            )
            weakref.finalize(self, _end, self._process)
        return self._process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def _command(repository: Path, arguments: Sequence[str]) -> list[str]:
    return ["git", "-C", str(repository), *_OPTIONS, *arguments]


def _environment() -> dict[str, str]:
    # Inside a hook git points every git at its own repository.
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(("GIT_SSL_", "GIT_CONFIG_GLOBAL"))
    }
    return inherited | {
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": "https",
        "GIT_ASKPASS": "",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "SSH_ASKPASS": "",
    }
