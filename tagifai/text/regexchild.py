"""A child process that replaces matches of patterns, and may be killed at any moment."""

import contextlib
import json
import queue
import signal
import struct
import subprocess
import sys
import threading

MEMORY_LIMIT = 512 * 1024 * 1024
_START_SECONDS = 10.0
# A busy machine may take this much longer than the processor time that a pattern is allowed.
_SLACK_SECONDS = 1.5
# Where the system has no timer of processor time, the clock on the wall must do.
_HAS_TIMER = hasattr(signal, "setitimer")

# The child's whole program: frames of a length and JSON, in and out. Its timer of processor time
# ends it by a signal that no Python code handles, however long a match holds the interpreter.
# Behind it, a watchdog by the clock ends a child whose parent died before it could kill it.
_PROGRAM = f"""
import faulthandler, json, re, signal, struct, sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, ({MEMORY_LIMIT}, {MEMORY_LIMIT}))
except (ImportError, ValueError, OSError):
    pass
if {_HAS_TIMER}:
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGPROF])
def allow(seconds):
    if {_HAS_TIMER}:
        signal.setitimer(signal.ITIMER_PROF, seconds)
read, write = sys.stdin.buffer.read, sys.stdout.buffer.write
def send(answer):
    frame = json.dumps(answer).encode()
    write(struct.pack("!I", len(frame)) + frame)
    sys.stdout.buffer.flush()
send(["ready", ""])
while len(head := read(4)) == 4:
    pattern, text, seconds, wait = json.loads(read(struct.unpack("!I", head)[0]))
    faulthandler.dump_traceback_later(wait + 1, exit=True)
    allow(seconds)
    try:
        answer = ["done", re.compile(pattern).sub(" ", text)]
    except (re.error, RecursionError, OverflowError) as error:
        answer = ["invalid", str(error)]
    except MemoryError:
        answer = ["memory", ""]
    allow(0)
    faulthandler.cancel_dump_traceback_later()
    send(answer)
"""


class ChildTimeoutError(Exception):
    """No answer came in time; the child has ended."""


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
        """Replace each match by a space.

        Parameters
        ----------
        pattern, text
            A regular expression, and what it is tried on.
        seconds
            The processor time that the child may take, its start not counted. The clock may show
            1.5 seconds more, for a busy machine. Where the system has no timer of processor time
            (Windows), the clock alone counts.

        Returns
        -------
        tuple of (str, str)
            ("done", text), ("invalid", why) or ("memory", "").

        Raises
        ------
        ChildTimeoutError
            It took longer.
        ChildDiedError
            The process ended.
        """
        if not self._ready:
            self._answer(_START_SECONDS)
            self._ready = True
        wait = seconds + _SLACK_SECONDS if _HAS_TIMER else seconds
        frame = json.dumps([pattern, text, seconds, wait]).encode()
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(struct.pack("!I", len(frame)) + frame)
            stdin.flush()
        except (OSError, ValueError):  # a broken pipe, or one that `close` has closed
            self.close()
            raise ChildDiedError from None
        return self._answer(wait)

    def close(self) -> None:
        """Kill the process; again does nothing."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # what was still to be written has no reader
            self._process.stdin.close()

    @property
    def _ran_out_of_time(self) -> bool:
        return _HAS_TIMER and self._process.returncode == -signal.SIGPROF

    def _answer(self, seconds: float) -> tuple[str, str]:
        try:
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            self.close()
            raise ChildTimeoutError from None
        if answer is None:
            self.close()
            raise ChildTimeoutError if self._ran_out_of_time else ChildDiedError
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
