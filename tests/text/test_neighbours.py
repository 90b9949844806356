import numpy as np
import pytest
from scipy import sparse
from sklearn.preprocessing import normalize

from tagifai.text import neighbours
from tagifai.text.neighbours import nearest_earlier


def by_hand(rows, at_least, keep):
    """Every pair multiplied: what the quick way must give."""
    cosine = (rows @ rows.T).toarray()
    found = []
    for row in range(len(cosine)):
        near = [j for j in range(row) if cosine[row, j] >= at_least]
        near.sort(key=lambda j: (-round(cosine[row, j], 9), j))
        found += [(row, j, cosine[row, j]) for j in near[:keep]]
    return found


def random_rows(seed, n=700, features=60):
    # Few features, some of them very common: many pairs on both sides of the threshold.
    rng = np.random.default_rng(seed)
    often = 0.6 / np.arange(1, features + 1) ** 0.5
    return normalize(
        sparse.csr_matrix(
            rng.random((n, features))
            * (rng.random(features) + often > 0.9)
            * (rng.random((n, features)) < often)
        )
    )


@pytest.mark.parametrize("at_least", [0.5, 0.7, 0.95, 1.0])
@pytest.mark.parametrize("keep", [1, 3])
@pytest.mark.parametrize("many", [0, 10**9])
def test_no_pair_is_missed(monkeypatch, at_least, keep, many):
    monkeypatch.setattr(neighbours, "MANY", many)
    rows = sparse.vstack([random_rows(0), random_rows(0)[:50]]).tocsr()
    found = nearest_earlier(rows, at_least, keep=keep)

    expected = by_hand(rows, at_least - 1e-9, keep)
    assert len(expected) >= 50
    assert [f.row for f in found] == [row for row, _, _ in expected]
    assert [f.cosine for f in found] == pytest.approx([c for _, _, c in expected], abs=1e-6)


def test_equal_rows_meet_in_the_first_of_them():
    rows = sparse.csr_matrix([[0.6, 0.8], [1.0, 0.0], [0.6, 0.8], [0.6, 0.8]])

    assert nearest_earlier(rows, 0.9) == [(2, 0, 1.0), (3, 0, 1.0)]


def test_empty_rows_are_like_nothing():
    assert nearest_earlier(sparse.csr_matrix((3, 2)), 0.1) == []
    assert nearest_earlier(sparse.csr_matrix((0, 0)), 0.1) == []


def test_progress_rises_to_the_whole():
    told = []
    nearest_earlier(random_rows(1), 0.9, advance=told.append)

    assert told == [pytest.approx(256 / 700), pytest.approx(512 / 700), 1.0]
