import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tagifai.errors import TagifaiError
from tagifai.reviews import Review, ReviewStore, in_force

KILLS = int(os.environ.get("TAGIFAI_KILLS", "100"))
WRITER = Path(__file__).parent / "review_writer.py"


@pytest.fixture
def store(tmp_path):
    opened = ReviewStore(tmp_path / "reviews.sqlite")
    yield opened
    opened.close()


def add(store, project="p1", *, reviewer="ann", decision="add", **rest):
    return store.submit(reviewer=reviewer, project=project, tag="cv", decision=decision, **rest)


def test_a_review_says_who_when_what_and_what_was_seen(store):
    kept = add(store, note="sees cats", version="v1", data_digest="abc")
    assert store.events() == (kept,)
    assert kept.to_dict() == {
        "uid": kept.uid,
        "at": kept.at,
        "reviewer": "ann",
        "project": "p1",
        "tag": "cv",
        "decision": "add",
        "note": "sees cats",
        "version": "v1",
        "data_digest": "abc",
        "undoes": "",
    }
    assert Review.from_dict(kept.to_dict()) == kept


def test_reviews_outlive_the_store(tmp_path):
    first = ReviewStore(tmp_path / "deep" / "reviews.sqlite")
    kept = add(first)
    first.close()
    assert ReviewStore(tmp_path / "deep" / "reviews.sqlite").events() == (kept,)


def test_undo_takes_back_the_latest_first_and_keeps_both_on_record(store):
    first, second = add(store, "p1"), add(store, "p2")
    assert store.undo("ann").undoes == second.uid
    assert in_force(store.events()) == (first,)
    store.undo("ann")
    assert in_force(store.events()) == ()
    assert len(store.events()) == 4
    with pytest.raises(TagifaiError, match="nothing to undo for 'ann'"):
        store.undo("ann")


def test_undo_of_one_named(store):
    first, second = add(store, "p1"), add(store, "p2")
    store.undo("ann", first.uid)
    assert in_force(store.events()) == (second,)


def test_nobody_undoes_what_somebody_else_decided(store):
    kept = add(store, reviewer="bob")
    with pytest.raises(TagifaiError, match="is in force"):
        store.undo("ann", kept.uid)
    forged = Review("f" * 32, kept.at[:-1] + "Z", "ann", "p1", "cv", "undo", undoes=kept.uid)
    store.merge([forged])
    assert in_force(store.events()) == (kept,)


def test_times_rise_even_when_the_clock_is_set_back(store):
    late = Review("a" * 32, "2999-12-31T23:59:59.999999Z", "ann", "p1", "cv", "add")
    store.merge([late])
    assert add(store, decision="right").at == "3000-01-01T00:00:00.000000Z"
    assert [event.decision for event in store.events()] == ["add", "right"]


def test_merging_again_adds_nothing(store, tmp_path):
    other = ReviewStore(tmp_path / "other.sqlite")
    events = [add(other, f"p{i}") for i in range(5)]
    assert (store.merge(events), store.merge(events)) == (5, 0)
    assert store.events() == other.events()


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_a_commit_waits_for_the_disk(tmp_path, journal):
    store = ReviewStore(tmp_path / "r.sqlite", journal=journal)
    assert store.journal == journal
    assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_threads_write_side_by_side(tmp_path):
    stores = [ReviewStore(tmp_path / "r.sqlite") for _ in range(2)]

    def write(number):
        for i in range(20):
            add(stores[number % 2], f"p{number}-{i}")

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = stores[0].events()
    assert len(events) == 80
    assert len({event.at for event in events}) == 80


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"decision": "ad"}, "unknown decision 'ad': did you mean 'add'"),
        ({"decision": "undo"}, "unknown decision 'undo'"),
        ({"project": " "}, "review, project: empty"),
        ({"reviewer": ""}, "review, reviewer: empty"),
        ({"note": "x" * 2001}, "note: at most 2,000 characters, got 2,001"),
        ({"note": 3}, "note: a text is needed, got 3"),
    ],
)
def test_an_invalid_review_is_refused_and_nothing_kept(store, given, message):
    with pytest.raises(TagifaiError, match=message):
        add(store, **given)
    assert store.events() == ()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"at": "2026-01-31 12:00"}, "review, at: a time as"),
        ({"at": "2026-13-31T12:00:00.000000Z"}, "review, at: a time as"),
        ({"undoes": "x"}, "review, undoes: needed with the decision undo"),
        ({"nota": "x"}, "unknown field of a review 'nota': did you mean 'note'"),
    ],
)
def test_a_foreign_event_is_checked(store, given, message):
    values = {**add(store).to_dict(), **given}
    with pytest.raises(TagifaiError, match=message):
        Review.from_dict(values)


def test_lone_surrogates_are_replaced(store):
    assert add(store, note="a\ud800b").note == "a?b"
    assert store.events()[0].note == "a?b"


def test_a_file_that_is_no_review_store_is_told(tmp_path):
    (tmp_path / "text").write_text("not a database at all, but long enough to be read as one")
    with pytest.raises(TagifaiError, match="reviews cannot be kept here"):
        ReviewStore(tmp_path / "text")
    with sqlite3.connect(tmp_path / "other") as other:
        other.execute("CREATE TABLE reviews (id INTEGER)")
    with pytest.raises(TagifaiError, match="reviews cannot be kept here"):
        ReviewStore(tmp_path / "other")
    with pytest.raises(TagifaiError, match="unknown journal 'off'"):
        ReviewStore(tmp_path / "r", journal="off")


def test_a_review_that_cannot_be_written_is_not_acknowledged(store):
    store._connection.execute("PRAGMA query_only=1")
    with pytest.raises(TagifaiError, match="the review was not kept"):
        add(store)


@pytest.fixture
def writers():
    """Start writers by their orders; give their processes, and tell when all are gone."""
    process = subprocess.Popen(
        [sys.executable, str(WRITER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(WRITER.parents[2])},
    )

    def start(orders):
        process.stdin.write(json.dumps(orders) + "\n")
        process.stdin.flush()
        return [int(pid) for pid in process.stdout.readline().split()]

    yield start, lambda: process.stdout.readline() == "gone\n"
    process.communicate()


def wait_until_written(paths, seconds=60):
    until = time.monotonic() + seconds
    while not all(path.exists() and path.stat().st_size for path in paths):
        assert time.monotonic() < until, "a writer never wrote"
        time.sleep(0.001)


@pytest.mark.long
@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_no_acknowledged_review_is_lost_to_kill_9(tmp_path, writers, journal):
    start, are_gone = writers
    path = tmp_path / "reviews.sqlite"
    rng = random.Random(7)
    acknowledged: set[str] = set()
    for kill in range(KILLS):
        # Every other round two processes write at once.
        names = ("ann", "bob")[: 1 + kill % 2]
        said = [tmp_path / f"{kill}-{name}" for name in names]
        pids = start([[str(path), journal, *map(str, it)] for it in zip(names, said, strict=True)])
        wait_until_written(said)
        time.sleep(rng.uniform(0, 0.05))
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        assert are_gone()
        acknowledged.update(uid for file in said for uid in file.read_text().split())
        if kill % 10 == 9 or kill == KILLS - 1:
            store = ReviewStore(path, journal=journal)
            assert store._connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert acknowledged <= {event.uid for event in store.events()}
            store.close()
    assert len(acknowledged) >= KILLS
