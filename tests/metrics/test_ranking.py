import json
import subprocess
import sys

import numpy as np
import orjson
import pytest
from scipy import sparse
from sklearn.metrics import average_precision_score, ndcg_score

from tagifai.matrices import TagPairs
from tagifai.metrics.ranking import (
    average_precision,
    list_ranking,
    part_figures,
    propensities,
    ranking_figures,
    split_by_frequency,
)

# Two projects by hand: the first has tags 0 and 3, the second tag 1; the third has none.
Y_TRUE = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0]])
Y_PROB = np.array([[0.9, 0.8, 0.1, 0.7], [0.6, 0.5, 0.0, 0.0], [0.3, 0.2, 0.9, 0.1]])


def test_precision_and_gain_at_k_by_hand():
    found = ranking_figures(Y_TRUE, Y_PROB, at=(1, 2, 3))
    assert found.num_projects == 2
    # First: right, wrong, right. Second: wrong, right, and nothing third.
    assert [one.precision for one in found.top] == pytest.approx([1 / 2, 2 / 4, 3 / 6])
    second, third = 1 / np.log2(3), 1 / np.log2(4)
    assert [one.ndcg for one in found.top] == pytest.approx(
        [
            (1 + 0) / 2,
            (1 / (1 + second) + second) / 2,
            ((1 + third) / (1 + second) + second) / 2,
        ]
    )
    # Of two tags one is among the first two; of one tag none is first.
    assert found.r_precision == pytest.approx((1 / 2 + 0) / 2)


def test_propensity_scored_precision_by_hand():
    # C = (ln 100 − 1) · 2.5 ^ 0.55; p = 1 / (1 + C · (N + 1.5) ^ −0.55).
    counts = np.array([50, 20, 10, 1])
    c = (np.log(100) - 1) * 2.5**0.55
    weight = 1 + c * (counts + 1.5) ** -0.55
    assert propensities(counts, 100) == pytest.approx(1 / weight)
    found = ranking_figures(Y_TRUE, Y_PROB, at=(1, 3), counts=counts, num_train=100)
    # At 1: tag 0 is found, and the best order has the rare tag 3 and tag 1.
    assert found.top[0].psprecision == pytest.approx(weight[0] / (weight[3] + weight[1]))
    # At 3 everything is found.
    assert found.top[1].psprecision == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(5))
def test_gain_and_average_precision_are_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    y_true = rng.random((80, 30)) < 0.1
    y_true[np.arange(80), rng.integers(0, 30, 80)] = True
    y_prob = rng.permutation(80 * 30).reshape(80, 30) / 2_400 + 1e-4  # no two alike
    found = ranking_figures(y_true, y_prob, at=(1, 3, 5, 30))
    for one in found.top:
        expected = ndcg_score(y_true, y_prob, k=one.k)
        assert one.ndcg == pytest.approx(expected, abs=1e-12)
    places = np.argsort(-y_prob, axis=1)
    r_precision = [
        np.mean(truth[order[: truth.sum()]]) for truth, order in zip(y_true, places, strict=True)
    ]
    assert found.r_precision == pytest.approx(np.mean(r_precision))
    ties = rng.choice([0.0, 0.2, 0.5], (80, 30))
    for column in np.flatnonzero(y_true.any(axis=0)):
        pairs = TagPairs(y_true[:, column], ties[:, column])
        assert average_precision(pairs) == pytest.approx(
            average_precision_score(y_true[:, column], ties[:, column]), abs=1e-12
        )


def test_the_figures_are_plain_data():
    found = ranking_figures(Y_TRUE, Y_PROB, Y_PROB > 0.5, at=(1, 3))
    back = orjson.loads(orjson.dumps(found.to_json()))
    rows = list_ranking({"ranking": back})
    assert [row.metric for row in rows[:3]] == ["precision@1", "precision@3", "ndcg@1"]
    assert {row.name for row in rows} == {"order of tags", "head (2 tags)", "torso (1 tag)",
                                          "tail (1 tag)"}  # fmt: skip
    assert list_ranking({"ranking": {"top": [{"k": "x"}, 3], "parts": 4}}) == []
    assert list_ranking({"ranking": "none"}) == list_ranking({}) == []


def test_a_tag_of_probability_0_stands_nowhere():
    nothing = ranking_figures(np.array([[1, 0]]), np.array([[0.0, 0.0]]), at=(1, 2))
    assert [(one.precision, one.ndcg, one.psprecision) for one in nothing.top] == [(0, 0, 0)] * 2
    assert ranking_figures(np.zeros((2, 3)), np.ones((2, 3))) is None
    more = ranking_figures(np.array([[1, 0]]), np.array([[0.9, 0.1]]), at=(5,))
    assert more.top[0].precision == pytest.approx(1 / 5)


def test_equal_probabilities_come_in_the_order_of_the_tags():
    y_prob = np.array([[0.5, 0.5, 0.5]])
    for matrix in (y_prob, sparse.csr_array(y_prob)):
        for truth, expected in (([1, 0, 0], 1), ([0, 0, 1], 0)):
            assert ranking_figures(np.array([truth]), matrix, at=(1,)).top[0].precision == expected


def test_head_torso_and_tail_share_the_labels_as_stated():
    counts = np.array([500, 5, 300, 95, 100])
    # 500 of 1,000 are the head, 400 the torso, the last tenth the tail.
    assert split_by_frequency(counts).tolist() == [0, 2, 1, 2, 1]
    y_true = np.array([[1, 0, 1, 0, 0], [1, 1, 0, 0, 1]])
    y_pred = np.array([[1, 0, 0, 0, 0], [1, 1, 0, 1, 1]])
    head, torso, tail = part_figures(y_true, y_pred, counts)
    assert (head.name, head.num_tags, head.num_labels, head.f1) == ("head", 1, 2, 1.0)
    assert (torso.num_tags, torso.recall, torso.precision) == (2, 0.5, 1.0)
    # Tag 3 is never true: its recall is undefined, its F1 is 0.
    assert (tail.least, tail.most, tail.recall, tail.f1) == (5, 95, 1.0, 0.5)


def test_without_a_label_all_tags_are_the_head():
    assert split_by_frequency(np.zeros(3)).tolist() == [0, 0, 0]


OF_NAPKINXC = """
import json, sys
import numpy as np
from napkinxc.metrics import Jain_et_al_inverse_propensity, ndcg_at_k, precision_at_k
from napkinxc.metrics import psprecision_at_k
from scipy.sparse import csr_matrix

given = json.load(sys.stdin)
inverse = Jain_et_al_inverse_propensity(csr_matrix(np.array(given["learned"])), A=0.55, B=1.5)
pair = given["true"], given["ranked"]
print(json.dumps({
    "precision": precision_at_k(*pair, k=5).tolist(),
    "ndcg": ndcg_at_k(*pair, k=5).tolist(),
    "psprecision": psprecision_at_k(*pair, inverse, k=5).tolist(),
    "inverse": inverse.tolist(),
}))
"""


@pytest.mark.fresh
def test_all_figures_are_napkinxcs(tmp_path):
    """In an environment of its own, since it needs a compiler."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv/bin/python"
    subprocess.run([python, "-m", "pip", "install", "-q", "napkinxc==0.7.2"], check=True)
    rng = np.random.default_rng(0)
    y_true = rng.random((200, 40)) < 0.08
    y_true[np.arange(200), rng.integers(0, 40, 200)] = True
    y_prob = rng.permutation(200 * 40).reshape(200, 40) / 9_000
    y_prob[rng.random((200, 40)) < 0.3] = 0
    learned = (rng.random((500, 40)) < rng.choice([0.02, 0.1, 0.3], 40)).astype(int)
    order = np.argsort(-y_prob, axis=1, kind="stable")
    given = {
        "true": [np.flatnonzero(row).tolist() for row in y_true],
        "ranked": [own[row[own] > 0].tolist() for own, row in zip(order, y_prob, strict=True)],
        "learned": learned.tolist(),
    }
    program = [python, "-c", OF_NAPKINXC]
    said = subprocess.run(program, input=json.dumps(given), text=True, check=True,
                          capture_output=True)  # fmt: skip
    expected = json.loads(said.stdout)
    counts = learned.sum(axis=0)
    assert 1 / propensities(counts, 500) == pytest.approx(np.array(expected["inverse"]))
    for matrix in (y_prob, sparse.csr_array(y_prob)):
        found = ranking_figures(y_true, matrix, at=(1, 2, 3, 4, 5), counts=counts, num_train=500)
        for metric in ("precision", "ndcg", "psprecision"):
            values = [getattr(one, metric) for one in found.top]
            assert values == pytest.approx(expected[metric], abs=1e-12)
