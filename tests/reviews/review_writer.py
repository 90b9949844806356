"""Writes reviews until it is killed, each one's uid to a file as soon as it is acknowledged.

Orders come from standard input, one JSON list of writers a line. Each writer is a fork: an
interpreter of its own would take longer to start than it lives.
"""

import json
import os
import sys
import time

from tagifai.reviews import ReviewStore


def write(path: str, journal: str, reviewer: str, acknowledged: str) -> None:
    store = ReviewStore(path, journal=journal)
    output = os.open(acknowledged, os.O_WRONLY | os.O_CREAT)
    number = 0
    while True:
        review = store.submit(
            reviewer=reviewer,
            project=str(number),
            tag="graphs",
            decision="add",
            note="x" * (number % 900),
        )
        os.write(output, f"{review.uid}\n".encode())
        # Or one of two would keep the file to itself.
        time.sleep(0.001)
        number += 1


def fork_writer(order: list[str]) -> int:
    pid = os.fork()
    if not pid:
        write(*order)
    return pid


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    for line in sys.stdin:
        pids = [fork_writer(order) for order in json.loads(line)]
        say(" ".join(map(str, pids)))
        for pid in pids:
            os.waitpid(pid, 0)
        say("gone")


if __name__ == "__main__":
    main()
