"""A child process that replaces matches of patterns, and may be killed at any moment."""

import contextlib
import json
import queue
import struct
import subprocess
import sys
import threading

MEMORY_LIMIT = 512 * 1024 * 1024
_START_SECONDS = 10.0

# The child's whole program: frames of a length and JSON, in and out. Its own watchdog, which
# needs no interpreter lock, ends it where the parent died before it could kill it.
_PROGRAM = f"""
import faulthandler, json, re, struct, sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, ({MEMORY_LIMIT}, {MEMORY_LIMIT}))
except (ImportError, ValueError, OSError):
    pass
read, write = sys.stdin.buffer.read, sys.stdout.buffer.write
def send(answer):
    frame = json.dumps(answer).encode()
    write(struct.pack("!I", len(frame)) + frame)
    sys.stdout.buffer.flush()
send(["ready", ""])
while len(head := read(4)) == 4:
    pattern, text = json.loads(read(struct.unpack("!I", head)[0]))
    faulthandler.dump_traceback_later(2, exit=True)
    try:
        answer = ["done", re.compile(pattern).sub(" ", text)]
    except (re.error, RecursionError, OverflowError) as error:
        answer = ["invalid", str(error)]
    except MemoryError:
        answer = ["memory", ""]
    faulthandler.cancel_dump_traceback_later()
    send(answer)
"""


class ChildTimeoutError(Exception):
    """No answer came in time; the child has been killed."""


class ChildDiedError(Exception):
    """The child ended without an answer."""


class RegexChild:
    """A Python process of its own, started at once; it is used by one thread at a time."""

    def __init__(self) -> None:
        # Isolated and without site: nothing of the app is imported, and it starts quickly.
        self._process = subprocess.Popen(  # noqa: S603 - a fixed program, no shell
            [sys.executable, "-I", "-S", "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._answers: queue.SimpleQueue[tuple[str, str] | None] = queue.SimpleQueue()
        self._ready = False
        # A thread, since select doesn't work on pipes everywhere.
        threading.Thread(target=self._read, name="regex-child", daemon=True).start()

    @property
    def pid(self) -> int:
        """Name the process."""
        return self._process.pid

    def replace(self, pattern: str, text: str, seconds: float) -> tuple[str, str]:
        """Replace each match by a space: ("done", text), ("invalid", why) or ("memory", "").

        Raises:
            ChildTimeoutError: it took longer than `seconds`, its start not counted.
            ChildDiedError: the process ended.
        """
        if not self._ready:
            self._answer(_START_SECONDS)
            self._ready = True
        frame = json.dumps([pattern, text]).encode()
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(struct.pack("!I", len(frame)) + frame)
            stdin.flush()
        except (OSError, ValueError):  # a broken pipe, or one that `close` has closed
            self.close()
            raise ChildDiedError from None
        return self._answer(seconds)

    def close(self) -> None:
        """Kill the process; again does nothing."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # what was still to be written has no reader
            self._process.stdin.close()

    def _answer(self, seconds: float) -> tuple[str, str]:
        try:
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            self.close()
            raise ChildTimeoutError from None
        if answer is None:
            self.close()
            raise ChildDiedError
        return answer

    def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        with stdout:
            while len(head := stdout.read(4)) == 4:
                frame = stdout.read(struct.unpack("!I", head)[0])
                try:
                    kind, value = json.loads(frame)
                except ValueError:  # cut short by its end
                    break
                self._answers.put((kind, value))
        self._answers.put(None)
