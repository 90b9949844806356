"""Answers of predictors, kept across restarts."""

import sqlite3
import threading
import warnings

import numpy as np
import pytest

from tagifai.store.answer_store import AnswerStore, FreshAnswers, open_answers


@pytest.mark.parametrize("folder", [None, "cache"])
def test_an_answer_is_found_again_as_it_was(tmp_path, folder):
    answers = open_answers(None if folder is None else tmp_path / folder)
    assert answers.get("a") is None
    assert not (tmp_path / "cache").exists()  # nothing is made before there is something to keep
    value = [0.0, 1.0, 1 / 3, 5e-324]
    answers.put("a", value)
    assert answers.get("a") == value
    assert answers.get("b") is None
    answers.put("a", [0.5])
    assert answers.get("a") == [0.5]
    assert answers.get("a", max_age=60) == [0.5]
    assert answers.get("a", max_age=-1) is None
    again = open_answers(None if folder is None else tmp_path / folder)
    assert again.get("a") == (None if folder is None else [0.5])


def test_the_oldest_answers_are_dropped(tmp_path):
    answers = AnswerStore(tmp_path / "answers.sqlite", max_bytes=20_000)
    for number in range(501):  # swept with the 501st
        answers.put(f"{number}", [float(number)] * 10)
    kept = [number for number in range(501) if answers.get(f"{number}") is not None]
    # 80 bytes of numbers and 100 beside them.
    assert kept == list(range(501 - 111, 501))


def test_threads_and_processes_share_a_file(tmp_path):
    path = tmp_path / "answers.sqlite"
    one, other = AnswerStore(path), AnswerStore(path)

    def write(start):
        for number in range(start, start + 50):
            (one if number % 2 else other).put(f"{number}", [float(number)])

    threads = [threading.Thread(target=write, args=(start,)) for start in range(0, 200, 50)]
    with warnings.catch_warnings(action="error", category=RuntimeWarning):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for answers in (one, other, AnswerStore(path)):
        assert [answers.get(f"{number}") for number in range(200)] == [[n] for n in range(200)]


def test_a_damaged_file_costs_what_it_held(tmp_path):
    path = tmp_path / "answers.sqlite"
    path.write_bytes(b"no database" * 1_000)
    answers = AnswerStore(path)
    assert answers.get("a") is None
    answers.put("a", [1.0])
    answers.close()
    assert AnswerStore(path).get("a") == [1.0]
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE answers SET value = 'text'")
    assert AnswerStore(path).get("a") is None


def test_a_place_that_cannot_be_written_costs_a_warning(tmp_path):
    (tmp_path / "file").write_text("")
    answers = AnswerStore(tmp_path / "file/answers.sqlite")
    with pytest.warns(RuntimeWarning, match="answers of predictors are not kept: .*file"):
        answers.put("a", [1.0])
    with warnings.catch_warnings(action="error", category=RuntimeWarning):
        answers.put("b", [0.5])
        assert answers.get("b") == [0.5]


def test_only_its_owner_reads_it(tmp_path):
    answers = open_answers(tmp_path)
    answers.put("a", np.array([0.25]))
    assert (tmp_path / "answers.sqlite").stat().st_mode & 0o077 == 0


def test_all_may_be_asked_again(tmp_path):
    answers = AnswerStore(None)
    answers.put("a", [0.25])
    fresh = FreshAnswers(answers)
    assert fresh.get("a") is None
    fresh.put("a", [0.75])
    assert answers.get("a") == [0.75]
