"""Reviews sent to a dataset and brought from it, by huggingface_hub itself to a hub on loopback."""

import json
import os
import subprocess
import sys

import pytest
from hub import DATASET, running_hub
from servers import ROOT

from tagifai.errors import TagifaiError
from tagifai.reviews import ReviewStore
from tagifai.services.review_repository import ReviewRepository

# The address of the hub is read when huggingface_hub is imported: each run is a process.
PROGRAM = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
from tagifai.reviews import ReviewStore
from tagifai.services.review_repository import ReviewRepository

path, decisions = Path(sys.argv[1]), sys.argv[2:]
store = ReviewStore(path, journal="delete")
reviews = SimpleNamespace(store=lambda: store, events=lambda: store.events())
said = []
repository = ReviewRepository("ann/reviews", reviews, say=said.append, minutes=0.005)
repository.start()
until = time.monotonic() + 20
while not said and time.monotonic() < until:
    time.sleep(0.02)
for number, decision in enumerate(decisions):
    store.submit(reviewer="ann", project=str(number), tag="nlp", decision=decision)
print(said[0])
print(len(store.events()))
"""


def run(hub, folder, *decisions, **variables):
    folder.mkdir(exist_ok=True)
    told = {"HF_ENDPOINT": hub.url, "HF_HOME": str(folder / "hf"), "HF_TOKEN": "hf_x", **variables}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, folder / "reviews.sqlite", *decisions],
        cwd=ROOT,
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def decisions_in(content):
    return [json.loads(line)["decision"] for line in content.splitlines()]


def test_what_one_run_sends_the_next_one_brings_and_neither_overwrites(tmp_path):
    with running_hub() as hub:
        first = run(hub, tmp_path / "first", "add", "skip")
        assert first == [f"reviews are kept in the dataset {DATASET}; 0 brought from it", "2"]
        (name,) = hub.files
        assert name.startswith("reviews/")
        assert decisions_in(hub.files[name]) == ["add", "skip"]
        assert hub.created["visibility"] == "private"

        second = run(hub, tmp_path / "second", "right")
        assert second == [f"reviews are kept in the dataset {DATASET}; 2 brought from it", "3"]
        assert len(hub.files) == 2
        assert [decisions_in(content) for content in hub.files.values()] == [
            ["add", "skip"],
            ["right"],
        ]
        assert hub.tokens == {"Bearer hf_x"}


def test_a_hub_that_is_not_there_keeps_nobody_from_reviewing(tmp_path):
    with running_hub() as hub:
        gone = {"HF_ENDPOINT": "http://127.0.0.1:9"}
        told, kept = run(hub, tmp_path / "alone", "add", **gone)
    assert told.startswith(f"reviews were not sent to {DATASET}: ")
    assert told.endswith("they are tried again")
    assert kept == "1"


@pytest.mark.parametrize("name", ["reviews", "ann/reviews/x", "../ann", ""])
def test_a_name_that_is_none_is_refused(name, tmp_path):
    with pytest.raises(TagifaiError, match="--reviews-repo: a dataset as ann/reviews is needed"):
        ReviewRepository(name, ReviewStore(tmp_path / "r.sqlite"), say=print)
