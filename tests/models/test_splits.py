import numpy as np
import pytest

from tagifai.errors import TagifaiError
from tagifai.models.splits import split_projects, stratify_folds

RNG = np.random.default_rng(0)
Y = (RNG.random((400, 6)) < [0.5, 0.3, 0.2, 0.1, 0.1, 0.05]).astype(np.uint8)
Y[Y.sum(axis=1) == 0, 0] = 1


def test_sizes_and_tags_are_spread():
    split = split_projects(Y, 0.7, 0.15, seed=1)
    sizes = {name: int((split == name).sum()) for name in ("train", "val", "test")}
    assert sizes["train"] == pytest.approx(280, abs=8)
    assert sizes["val"] == pytest.approx(60, abs=8)
    assert sum(sizes.values()) == 400
    for name, share in (("train", 0.7), ("val", 0.15), ("test", 0.15)):
        expected = Y.sum(axis=0) * share
        np.testing.assert_allclose(Y[split == name].sum(axis=0), expected, atol=3)


def test_the_seed_decides():
    first = split_projects(Y, 0.7, 0.15, seed=1)
    assert (first == split_projects(Y, 0.7, 0.15, seed=1)).all()
    assert (first != split_projects(Y, 0.7, 0.15, seed=2)).any()


def test_no_validation_part():
    assert set(split_projects(Y, 0.8, 0.0, seed=1)) == {"train", "test"}


def test_too_few_projects():
    with pytest.raises(TagifaiError, match="9 projects are too few to split"):
        split_projects(Y[:9], 0.7, 0.15, seed=1)


def test_a_single_tag_is_spread_too():
    split = split_projects(Y[:, 1:2], 0.7, 0.15, seed=1)
    assert Y[split == "test", 1].mean() == pytest.approx(Y[:, 1].mean(), abs=0.05)
    parts = stratify_folds(Y[:, 1:2], 4, seed=1)
    assert sorted(np.concatenate(parts).tolist()) == list(range(400))
