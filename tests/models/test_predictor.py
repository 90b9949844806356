import threading

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from tagifai.errors import TagifaiError
from tagifai.models.predictor import (
    MAX_CHARACTERS,
    CheckedPredictor,
    PredictionCancelled,
    Predictor,
    batches,
    predict_checked,
    rows_sum_to_one,
    softmax_warning,
)

TAGS = ("cv", "nlp")


class Answers:
    """Answers what it was made with; a function is called with the texts."""

    def __init__(self, answer, tags=TAGS, **more):
        self.answer, self.tags, self.calls = answer, tags, []
        self.__dict__.update(more)

    def predict_proba(self, texts):
        self.calls.append(list(texts))
        return self.answer(texts) if callable(self.answer) else self.answer


def lengths(texts):
    return [[min(1, len(text) / 10), 0.5] for text in texts]


def raising(error):
    def answer(texts):
        raise error

    return answer


def test_good_answers_of_any_kind_come_back_as_arrays():
    rows = [[0.25, 1.0], [0.0, 0.5]]
    frame = pd.DataFrame(rows, columns=TAGS)
    exact = np.array(rows)
    for answer in (rows, exact, exact.astype(np.float16), frame, sparse.csr_matrix(exact)):
        found = predict_checked(Answers(answer), ["a", "b"])
        assert found.dtype == np.float32
        assert found.tolist() == rows
    assert predict_checked(Answers([[True, False]]), ["a"]).tolist() == [[1, 0]]
    assert predict_checked(Answers(np.array([[1, 0]], object)), ["a"]).tolist() == [[1, 0]]
    assert isinstance(Answers(rows), Predictor)


def test_no_text_asks_nothing():
    predictor = Answers(raising(RuntimeError("never")))
    assert predict_checked(predictor, []).shape == (0, 2)
    assert predictor.calls == []


def test_rounding_above_one_is_cut_and_anything_more_is_refused():
    assert predict_checked(Answers([[1 + 1e-7, -1e-7]]), ["a"]).tolist() == [[1, 0]]
    with pytest.raises(TagifaiError, match=r"text 1, tag 'cv': .* got 1.001"):
        predict_checked(Answers([[1.001, 0]]), ["a"])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (np.zeros((1, 2)), r"shape \(1, 2\) for 2 texts and 2 tags; \(2, 2\) is needed"),
        (np.zeros((2, 3)), r"shape \(2, 3\) for 2 texts"),
        (np.zeros(2), r"shape \(2,\)"),
        (np.zeros((2, 2, 1)), r"shape \(2, 2, 1\)"),
        ([[0.1], [0.1, 0.2]], "a list that is no array of numbers"),
        (None, "returned nothing, None"),
        ("cv", "values of type <U2"),
        ([["a", "b"], ["c", "d"]], "values of type <U1"),
        (np.zeros((2, 2), complex), "values of type complex128"),
        ([[0.1, np.nan], [0, 0]], "text 1, tag 'nlp': .* got nan$"),
        ([[0, 0], [np.inf, 0]], "text 2, tag 'cv': .* got inf$"),
        ([[0, 0], [0, 4.5]], "text 2, tag 'nlp': .* got 4.5; these look like logits"),
        (raising(ValueError("out of\nmemory")), "raised ValueError: out of memory"),
        (raising(SystemExit("3")), "raised SystemExit: 3"),
        (raising(TagifaiError("the server is gone")), "the server is gone"),
    ],
)
def test_bad_answers_are_one_clear_line(answer, message):
    with pytest.raises(TagifaiError, match=f"^predictor sklearn:x: .*{message}") as told:
        predict_checked(Answers(answer), ["a", "b"], name="sklearn:x")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ("cv", "tags must be a list of names, got 'cv'"),
        (None, "tags must be a list of names, got None"),
        ([], "0 tags; between 1 and"),
        (["cv", 3], "a name that is not empty, got 3"),
        (["cv", " "], "a name that is not empty"),
        (["cv", "cv"], "tag 'cv' comes twice"),
    ],
)
def test_tags_are_names(tags, message):
    with pytest.raises(TagifaiError, match=message):
        predict_checked(Answers([[0, 0]], tags), ["a"])
    with pytest.raises(TagifaiError, match="has no predict_proba"):
        predict_checked(object(), ["a"])


def test_the_number_of_a_bad_text_counts_over_batches():
    predictor = Answers(lambda texts: [[2 if text == "bad" else 0, 0] for text in texts])
    checked = CheckedPredictor(predictor, batch_size=2)
    with pytest.raises(TagifaiError, match="text 4, tag 'cv'"):
        checked.predict_proba(["a", "b", "c", "bad"])


def test_tags_that_change_are_noticed_before_and_after_a_call():
    predictor = Answers([[0, 0]])
    checked = CheckedPredictor(predictor)
    checked.predict_proba(["a"])
    predictor.tags = ("nlp", "cv")
    with pytest.raises(TagifaiError, match=r"its tags changed .* 'nlp' where 'cv' was"):
        checked.predict_proba(["a"])
    growing = Answers(lambda texts: setattr(growing, "tags", ("cv", "nlp", "new")) or [[0, 0]])
    with pytest.raises(TagifaiError, match="3 where 2 were"):
        predict_checked(growing, ["a"])


def test_batches_keep_to_texts_and_characters_and_report_progress():
    predictor = Answers(lengths, batch_size=3)
    seen = []
    texts = [str(i) * i for i in range(8)]
    found = CheckedPredictor(predictor).predict_proba(texts, lambda *done: seen.append(done))
    assert [len(call) for call in predictor.calls] == [3, 3, 2]
    assert seen == [(3, 8, "texts"), (6, 8, "texts"), (8, 8, "texts")]
    np.testing.assert_allclose(found[:, 0], [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
    long = "x" * (MAX_CHARACTERS // 2)
    assert list(batches([long, long, "a", long], 9)) == [(0, 2), (2, 4)]
    assert list(batches([long * 3, "a"], 9)) == [(0, 1), (1, 2)]
    many = CheckedPredictor(Answers(lengths, [f"t{i}" for i in range(80_000)]))
    assert many.batch_size == 100  # 8 million probabilities at once


def test_odd_attributes_are_left_aside():
    odd = Answers(lengths, batch_size="many", concurrency=None, timeout=-1, warnings="a\nb")
    checked = CheckedPredictor(odd)
    assert (checked.batch_size, checked.timeout, checked.warnings) == (256, 120, ("a b",))
    assert checked.predict_proba(["a"]).shape == (1, 2)
    assert CheckedPredictor(Answers(lengths, batch_size=0.5, timeout=np.nan)).timeout == 120
    assert CheckedPredictor(Answers(lengths, warnings=["a", "b"])).warnings == ("a", "b")
    assert CheckedPredictor(Answers(lengths)).warnings == ()


def test_half_a_surrogate_becomes_a_question_mark():
    predictor = Answers([[0, 0]])
    predict_checked(predictor, ["a\ud800b"])
    assert predictor.calls == [["a?b"]]


def test_what_hangs_is_left_behind_and_the_next_call_says_so():
    release = threading.Event()
    predictor = Answers(lambda texts: release.wait(30) and [[0, 0]])
    checked = CheckedPredictor(predictor, "http:x", timeout=0.2)
    with pytest.raises(TagifaiError, match=r"no answer for 1 text within 0.2 seconds"):
        checked.predict_proba(["a"])
    with pytest.raises(TagifaiError, match="still busy with an earlier call"):
        checked.predict_proba(["a"])
    assert len(predictor.calls) == 1
    release.set()
    patient = CheckedPredictor(predictor, timeout=30)
    assert patient.predict_proba(["a"]).tolist() == [[0, 0]]


def test_a_prediction_can_be_cancelled_within_a_batch_and_between_two():
    release, asked = threading.Event(), []
    slow = Answers(lambda texts: release.wait(30) and [[0, 0]])

    def cancelled():
        asked.append(None)
        return len(asked) > 3

    with pytest.raises(PredictionCancelled, match="cancelled"):
        predict_checked(slow, ["a"], cancelled=cancelled)
    release.set()
    done = []
    quick = CheckedPredictor(Answers(lengths), batch_size=1)
    with pytest.raises(PredictionCancelled):
        quick.predict_proba(["a", "b", "c"], lambda *one: done.append(one), lambda: len(done) == 2)
    assert len(done) == 2


def test_calls_at_once_are_as_many_as_the_predictor_says():
    running, most, guard = [0], [0], threading.Lock()
    together = [threading.Barrier(1)]

    def answer(texts):
        with guard:
            running[0] += 1
            most[0] = max(most[0], running[0])
        together[0].wait()
        with guard:
            running[0] -= 1
        return [[0, 0]]

    for concurrency in (1, 3):
        most[0], together[0] = 0, threading.Barrier(concurrency, timeout=60)
        checked = CheckedPredictor(Answers(answer, concurrency=concurrency))
        threads = [threading.Thread(target=checked.predict_proba, args=(["a"],)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert most[0] == concurrency


def test_a_softmax_is_told_from_a_sigmoid():
    rng = np.random.default_rng(0)
    softmax = rng.dirichlet(np.ones(5), 50)
    assert rows_sum_to_one(softmax)
    assert rows_sum_to_one(softmax.astype(np.float16))
    assert not rows_sum_to_one(rng.random((50, 5)))
    assert not rows_sum_to_one(softmax[:4])  # too few to tell
    assert not rows_sum_to_one(np.eye(5)[[0, 1, 2, 3, 4, 0]])  # decisions for one tag each
    assert not rows_sum_to_one(np.ones((50, 1)))
    assert "use a sigmoid for each tag" in softmax_warning(softmax)
    assert softmax_warning(rng.random((50, 5))) == ""


class Embedder(Answers):
    def __init__(self, embed):
        super().__init__([[0.5, 0.5]])
        self.embed = embed


def test_embeddings_come_in_batches_with_progress():
    seen = []
    checked = CheckedPredictor(
        Embedder(lambda texts: [[len(text), 1.0] for text in texts]), batch_size=2
    )
    found = checked.embed(["a", "bb", "ccc"], lambda *done: seen.append(done))
    assert found.tolist() == [[1, 1], [2, 1], [3, 1]]
    assert found.dtype == np.float32
    assert seen == [(2, 3, "texts"), (3, 3, "texts")]
    with pytest.raises(PredictionCancelled):
        checked.embed(["a"], cancelled=lambda: True)
    with pytest.raises(TagifaiError, match="3 texts with 2 numbers each do not fit; at most 5"):
        checked.embed(["a", "b", "c"], max_cells=5)


@pytest.mark.parametrize(
    ("embed", "message"),
    [
        (lambda texts: np.zeros(2), r"embed returned an array of shape \(2,\) for 2 texts"),
        (lambda texts: np.zeros((1, 3)), r"shape \(1, 3\) for 2 texts"),
        (lambda texts: np.full((2, 3), np.nan), "embed returned a value that is not finite"),
        (lambda texts: None, "embed returned nothing, None"),
        (lambda texts: 1 / 0, "raised ZeroDivisionError"),
        ("no function", r"has no embed\(texts\)"),
    ],
)
def test_bad_embeddings_are_one_clear_line(embed, message):
    with pytest.raises(TagifaiError, match=message):
        CheckedPredictor(Embedder(embed), "sklearn:x").embed(["a", "b"])
