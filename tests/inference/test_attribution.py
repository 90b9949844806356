"""Reasons for a predictor that is only called."""

from itertools import permutations

import numpy as np
import pytest
from scipy.special import expit

from tagifai.errors import TagifaiError
from tagifai.inference.attribution import (
    estimate_shapley,
    keep_parts,
    leave_one_out,
    split_parts,
)


class Scored:
    """Probabilities from a score of the words that are there; counts what it is asked."""

    def __init__(self, *scores):
        self.scores = scores
        self.calls = []

    def __call__(self, texts):
        self.calls.append(list(texts))
        words = [set(text.split()) for text in texts]
        return np.array([[expit(score(one)) for score in self.scores] for one in words])


def additive(weights, bias=0.0):
    return lambda words: bias + sum(weights.get(word, 0.0) for word in words)


def saturating(words):
    """Either of two words is enough, a third one counters them."""
    return 4.0 * bool(words & {"bert", "gpt"}) - 1.5 * ("not" in words) - 2.0


def shapley_of(score, words):
    """Average over all orders."""
    found = dict.fromkeys(words, 0.0)
    orders = list(permutations(words))
    for order in orders:
        there = set()
        for word in order:
            before = score(there)
            there = there | {word}
            found[word] += (score(there) - before) / len(orders)
    return np.array([found[word] for word in words])


def test_an_additive_score_is_taken_apart_exactly_by_both():
    weights = {"masks": 2.0, "of": 0.0, "cells": -0.5, "unet": 1.25}
    predict = Scored(additive(weights, -1.0), additive({"cells": 3.0}))
    for attribution in (
        leave_one_out(predict, "masks of cells unet"),
        estimate_shapley(predict, "masks of cells unet"),
    ):
        assert [part.text for part in attribution.parts] == list(weights)
        expected = [[2.0, 0.0], [0.0, 0.0], [-0.5, 3.0], [1.25, 0.0]]
        np.testing.assert_allclose(attribution.contributions, expected, atol=1e-9)
        np.testing.assert_allclose(attribution.base, [-1.0, 0.0], atol=1e-9)
        np.testing.assert_allclose(attribution.log_odds, [1.75, 3.0], atol=1e-9)
        np.testing.assert_allclose(attribution.error, 0, atol=1e-9)
        np.testing.assert_allclose(attribution.noise, 0, atol=1e-9)


def test_words_that_say_the_same_share_what_they_say():
    text = "bert gpt not we use it for text"
    exact = shapley_of(saturating, text.split())
    assert exact[:2] == pytest.approx([2.0, 2.0])
    alone = leave_one_out(Scored(saturating), text)
    assert alone.contributions[:2, 0] == pytest.approx([0, 0])
    assert alone.error[0] == pytest.approx(-4.0)
    predict = Scored(saturating)
    drawn = estimate_shapley(predict, text, budget=200)
    assert drawn.contributions[:, 0] == pytest.approx(exact, abs=0.6)
    np.testing.assert_allclose(drawn.error, 0, atol=1e-9)
    assert len(predict.calls) == 1
    assert len(predict.calls[0]) == drawn.num_texts <= 200
    assert drawn.noise[0, 0] > 0
    assert drawn.noise[3, 0] == pytest.approx(0, abs=1e-9)


def test_noise_says_how_far_off_the_estimate_is():
    text = "bert gpt not we use it for text"
    exact = shapley_of(saturating, text.split())[0]
    found = [estimate_shapley(Scored(saturating), text, 60, seed) for seed in range(200)]
    off = np.array([one.contributions[0, 0] - exact for one in found])
    noise = np.array([one.noise[0, 0] for one in found])
    assert abs(off.mean()) < 0.1  # unbiased
    assert np.sqrt((noise**2).mean()) == pytest.approx(off.std(), rel=0.2)


def test_the_same_seed_gives_the_same_answer():
    text = "bert gpt not we use it for text"
    first, again, other = (estimate_shapley(Scored(saturating), text, 40, s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.contributions, again.contributions)
    assert (first.contributions != other.contributions).any()


def test_three_words_are_asked_in_every_order():
    found = estimate_shapley(Scored(saturating), "bert gpt not")
    assert found.contributions[:, 0] == pytest.approx([2.0, 2.0, -1.5])
    assert found.num_texts == 8
    assert found.noise.tolist() == [[0.0]] * 3


@pytest.mark.parametrize("budget", [4, 9, 20, 200])
def test_a_long_text_keeps_to_the_budget(budget):
    text = " ".join(f"word{number}" for number in range(500))
    predict = Scored(additive({"word3": 2.0}))
    found = estimate_shapley(predict, text, budget)
    assert found.num_texts <= budget
    assert len(found.parts) <= 60
    best = int(found.contributions[:, 0].argmax())
    assert "word3" in found.parts[best].text.split()
    assert found.contributions[best, 0] == pytest.approx(2.0)
    assert found.parts[0].start == 0
    assert found.parts[-1].stop == len(text)


@pytest.mark.parametrize("text", ["", "  ", "…!?"])
def test_a_text_without_words_has_no_reasons(text):
    for explain in (leave_one_out, estimate_shapley):
        found = explain(Scored(additive({}, 0.5)), text)
        assert found.parts == ()
        assert found.contributions.shape == (0, 1)
        assert found.base == pytest.approx([0.5])
        assert found.error == pytest.approx([0])


def test_certain_probabilities_have_finite_log_odds():
    found = estimate_shapley(lambda texts: [[1.0 if "a" in text else 0.0] for text in texts], "a b")
    assert np.isfinite(found.contributions).all()
    np.testing.assert_allclose(found.error, 0, atol=1e-9)


def test_parts_of_any_script_can_be_left_out():
    assert [part.text for part in split_parts("用PyTorch训练模型。")] == [
        "用",
        "PyTorch",
        "训练",
        "模型",
    ]
    text = "  Fine-tuning   BERT, quickly."
    parts = split_parts(text)
    assert [text[part.start : part.stop] for part in parts] == ["Fine", "tuning", "BERT", "quickly"]
    assert keep_parts(text, parts, [True, True, False, True]) == "Fine-tuning   , quickly."
    assert keep_parts(text, parts, [False] * 4) == "-   , ."


def test_a_budget_that_is_too_small_is_refused():
    with pytest.raises(TagifaiError, match="at least 4 texts is needed, got 3"):
        estimate_shapley(Scored(saturating), "a b", 3)
