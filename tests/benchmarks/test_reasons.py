import numpy as np
import pytest

from benchmarks.rows.reasons import Asked, deletion_area, either_word, ours
from tagifai.inference.attribution import split_parts

TEXT = "deep nets with masks"


def predict(texts):
    """Return 0.8 with the word nets, 0.6 with masks alone, else 0.2."""
    return np.array([[0.8 if "nets" in t else 0.6 if "masks" in t else 0.2] for t in texts])


def asked():
    return Asked(predict, TEXT, 0, split_parts(TEXT))


def test_the_area_is_that_under_the_probabilities():
    # nets, masks, deep, with: 0.8, 0.6, 0.2, 0.2, 0.2
    area = deletion_area(asked(), np.array([0.2, 3.0, 0.1, 1.0]))
    assert area == pytest.approx((0.8 / 2 + 0.6 + 0.2 + 0.2 + 0.2 / 2) / 4)
    worst = deletion_area(asked(), np.array([2.0, 0.0, 1.0, 0.5]))
    assert worst == pytest.approx((0.8 / 2 + 0.8 * 3 + 0.2 / 2) / 4)


def test_the_best_order_is_found():
    contributions, num_texts = ours(asked())
    assert np.argmax(contributions) == 1
    assert num_texts <= 200


def test_either_of_two_words_is_enough():
    model = either_word(lambda texts: np.full((len(texts), 1), 0.5), TEXT)
    both, first, second, none = model([TEXT, "deep", "nets", "with"])[:, 0]
    assert both == first == second == pytest.approx(1 / (1 + np.exp(-2)))
    assert none == pytest.approx(1 / (1 + np.exp(2)))
