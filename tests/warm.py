"""Start servers in moments: import once what each would import for seconds, then fork for each.

Run by `servers.py` as `python tests/warm.py FD`, where FD is a socket that listens: all processes
that run tests share this one. An order is the words of a command and environment variables as JSON,
with a pipe to print into; the answer is the new process's id, and a descriptor that is readable
once it has ended. When whoever ordered is gone, all that was started for them is ended, and with
the last of them this.
"""

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIMIT = 100_000
# Imported and nothing more: what is computed is each server's own.
MODULES = (
    "tagifai.ui.app",
    "tagifai.ui.server.serving",
    "tagifai.services.app",
    "tagifai.services.inference",
    "tagifai.services.influence",
    "tagifai.services.words",
    "tagifai.models.persistence",
    "skops.io",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
)


def load() -> None:
    sys.path[0] = str(ROOT)  # as for a program there
    from tagifai.spaces import stay_offline
    from tagifai.ui.gradio_fixes.type_stubs import leave_as_installed

    stay_offline(os.environ)
    leave_as_installed()
    for module in MODULES:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # keeps the memory shared


def take_orders(listener: socket.socket) -> list[str]:
    """Fork for each order. Return in the new processes alone, with the command's words."""
    started: dict[socket.socket, list[int]] = {listener.accept()[0]: []}
    while started:
        for ready in select.select([listener, *started], [], [])[0]:
            if ready is listener:
                started[listener.accept()[0]] = []
                continue
            text, pipes, _, _ = socket.recv_fds(ready, LIMIT, 1)
            if not text:
                for pid in started.pop(ready):
                    os.kill(pid, signal.SIGTERM)  # the ended too: none is waited for, nor another's
                ready.close()
                continue
            pid = os.fork()
            if pid == 0:
                for each in (listener, *started):
                    each.close()
                for descriptor in (1, 2):
                    os.dup2(pipes[0], descriptor)
                os.close(pipes[0])
                words, variables = json.loads(text)
                os.environ.update(variables)
                # Python reads it when it starts, and this one has started.
                paths = variables.get("PYTHONPATH", "").split(os.pathsep)
                sys.path[1:1] = [path for path in paths if path]
                return list(words)
            os.close(pipes[0])
            started[ready].append(pid)
            ended = os.pidfd_open(pid)
            socket.send_fds(ready, [str(pid).encode()], [ended])
            os.close(ended)
    sys.exit(0)


if __name__ == "__main__":
    load()
    sys.argv = take_orders(socket.socket(fileno=int(sys.argv[1])))
    if sys.argv[0] == "-m":
        sys.argv = sys.argv[1:]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")
