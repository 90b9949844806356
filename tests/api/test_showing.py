import os
import threading
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import tagifai
from tagifai.errors import TagifaiError
from tagifai.permissions import Visit

TEXTS = [f"{('a cat', 'a dog')[row % 2]} number {row}" for row in range(40)]
TAGS = ["cats", "dogs"]
Y_TRUE = np.eye(2, dtype=int)[np.arange(40) % 2]
Y_PROB = Y_TRUE * 0.8 + 0.1
VISIT = Visit(host="127.0.0.1:7860", client="127.0.0.1", owner=True)


def predict(texts):
    return np.array([[0.9 * ("cat" in text), 0.9 * ("dog" in text)] for text in texts])


def is_answering(url):
    with urllib.request.urlopen(f"{url}health") as answer:
        return answer.status == 200


def test_several_at_once_each_with_its_own(capfd):
    with (
        tagifai.show(TEXTS, Y_TRUE, Y_PROB, tags=TAGS, open_browser=False) as one,
        tagifai.show(
            TEXTS, Y_TRUE, predictor=predict, tags=TAGS, name="f", open_browser=False
        ) as two,
    ):
        assert one.url != two.url
        assert is_answering(one.url)
        assert is_answering(two.url)
        one._select("tab=inspection&part=tags&version=model&tag=cats&outcome=tp")
        two._select("tab=inspection&part=tags&version=f&tag=dogs&outcome=tp")
        assert sorted(one.selection().index) == list(range(0, 40, 2))
        assert sorted(two.selection().index) == list(range(1, 40, 2))
        folders = one._folder, two._folder
        assert all(folder.exists() for folder in folders)
    assert one.closed
    assert two.closed
    assert not any(folder.exists() for folder in folders)
    assert capfd.readouterr() == ("", "")
    with pytest.raises(TagifaiError, match="the session is closed"):
        one.selection()


def test_reviews_are_read_as_a_table():
    with tagifai.show(TEXTS, Y_TRUE, Y_PROB, tags=TAGS, open_browser=False) as session:
        session._services.reviews.decide(VISIT, "model", ("3", "cats"), "right", "seen")
        row = session.reviews().iloc[0]
        assert row[["id", "tag", "decision", "note", "version"]].tolist() == [
            "3",
            "cats",
            "right",
            "seen",
            "model",
        ]
    # What was decided outlives the session; where it was written does not.
    assert session.reviews()["decision"].tolist() == ["right"]
    assert not session._folder.exists()


def test_what_is_closed_has_left_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    # What the first session imports and starts stays for those that follow.
    tagifai.show(TEXTS, Y_TRUE, Y_PROB, tags=TAGS, open_browser=False).close()
    before = all_that_lasts(tmp_path)
    for _ in range(2):
        session = tagifai.show(TEXTS, Y_TRUE, predictor=predict, tags=TAGS, open_browser=False)
        assert is_answering(session.url)
        preprocessing = session._services.preprocessing
        assert preprocessing.preprocess("a1 b2", False, False, "[0-9]", "") == "a b"
        session._services.reviews.decide(VISIT, "model", ("3", "cats"), "skip")
        session.close()
        session.close()
    for _ in range(100):  # a server's idle threads end a moment after it
        left = all_that_lasts(tmp_path) - before
        if not left:
            break
        time.sleep(0.1)
    assert left == set()


def all_that_lasts(folder):
    """List this process's threads, children and open files, and what is in a folder."""
    lasting = {thread.name for thread in threading.enumerate()}
    lasting |= {str(path) for path in folder.rglob("*")}
    for link in Path("/proc/self/fd").glob("*"):
        with suppress(OSError):
            lasting.add(str(link.readlink()).partition(":")[0])  # pipes and sockets have numbers
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = path.read_text().rpartition(")")[2].split()[1]
            if int(parent) == os.getpid():
                lasting.add(f"process {path.parent.name}")
    return lasting


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y_prob": Y_PROB[:3]}, r"y_prob: shape \(40, 2\) is needed .*, got \(3, 2\)"),
        ({"y_prob": Y_PROB + 0.2}, "y_prob: row 0, tag 'cats': a probability from 0 to 1"),
        ({"y_prob": Y_PROB * np.nan}, "y_prob: row 0, tag 'cats': a number is needed, got NaN"),
        ({"y_true": [["cows"]] * 40}, "y_true: row 0: unknown tag 'cows'"),
        ({"texts": []}, "texts: at least one text"),
        ({"split": ["train"] * 40}, "split: no text is in test"),
        ({"name": "../x"}, "name of a version"),
        ({"out_of_fold": "maybe"}, "unknown out_of_fold"),
    ],
)
def test_what_does_not_fit_leaves_nothing(arguments, message, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    given = {"texts": TEXTS, "y_true": Y_TRUE, "y_prob": Y_PROB, "tags": TAGS, **arguments}
    with pytest.raises(TagifaiError, match=f"^{message}"):
        tagifai.show(given.pop("texts"), given.pop("y_true"), open_browser=False, **given)
    assert list(tmp_path.iterdir()) == []
