"""Writers of reviews killed in the middle of it."""

import json
import os
import random
import signal
import subprocess
import sys
import time

from security.rows import Files, Measured, Row, measured
from security.target import ROOT

from tagifai.reviews import ReviewStore

WRITER = ROOT / "tests" / "reviews" / "review_writer.py"


def measure_kills(files: Files, full: bool) -> Measured:
    folder = files.folder
    kills, doubled = (200, 20) if full else (15, 3)
    rng, path = random.Random(7), folder / "reviews.sqlite"
    forker = subprocess.Popen(
        [sys.executable, str(WRITER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert forker.stdin is not None
    assert forker.stdout is not None
    acknowledged: set[str] = set()
    wrong: list[str] = []
    try:
        for kill in range(kills):
            names = ("ann", "bob") if kill % (kills // doubled) == 0 else ("ann",)
            said = [folder / f"{kill}-{name}" for name in names]
            orders = [
                [str(path), "delete", name, str(file)]
                for name, file in zip(names, said, strict=True)
            ]
            forker.stdin.write(json.dumps(orders) + "\n")
            forker.stdin.flush()
            pids = [int(pid) for pid in forker.stdout.readline().split()]
            until = time.monotonic() + 60
            while not all(file.exists() and file.stat().st_size for file in said):
                if time.monotonic() > until:
                    raise AssertionError("a writer never wrote")
                time.sleep(0.001)
            time.sleep(rng.uniform(0, 0.05))
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            if forker.stdout.readline() != "gone\n":
                raise AssertionError("a writer outlived its kill")
            for file in said:
                acknowledged.update(file.read_text().split("\n")[:-1])
    finally:
        forker.communicate()
    store = ReviewStore(path, journal="delete")
    kept = {event.uid for event in store.events()}
    (check,) = store._connection.execute("PRAGMA integrity_check").fetchone()
    store.close()
    lost = acknowledged - kept
    wrong += [f"{len(lost)} lost"] * bool(lost) + [f"integrity: {check}"] * (check != "ok")
    wrong += ["hardly anything was written"] * (len(acknowledged) < kills)
    return measured(
        f"{kills} kills, {doubled} with two writers: {len(acknowledged):,} acknowledged, "
        f"{len(lost)} lost; integrity {check}",
        wrong,
    )


ROWS = [
    Row("kills", "200 `kill -9` during reviews, 20 with two writers",
        "no acknowledged review lost, database intact", measure_kills),
]  # fmt: skip
