import numpy as np
import pytest

from tagifai.errors import TagifaiError
from tagifai.models.splits import assign_groups, complete_split, split_projects, stratify_folds

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


GROUPS = [f"g{number // 4}" for number in range(400)]


def test_groups_stay_together_in_split_and_folds():
    split = split_projects(Y, 0.7, 0.15, seed=1, groups=GROUPS)
    assert all(len(set(split[start : start + 4])) == 1 for start in range(0, 400, 4))
    for name, share in (("train", 0.7), ("val", 0.15), ("test", 0.15)):
        np.testing.assert_allclose(
            Y[split == name].sum(axis=0), Y.sum(axis=0) * share, atol=8, err_msg=name
        )
    for rows in stratify_folds(Y, 5, seed=1, groups=GROUPS):
        assert len(rows) % 4 == 0


def test_projects_without_a_tag_are_spread_too():
    y = np.zeros((100, 2), int)
    y[:20, 0] = 1
    split = split_projects(y, 0.6, 0.2, seed=0)
    assert {name: int((split[20:] == name).sum()) for name in ("train", "val", "test")} == {
        "train": 48, "val": 16, "test": 16,
    }  # fmt: skip
    assert all(len(rows) == 20 for rows in stratify_folds(y, 5, seed=0))


def test_one_group_for_all_cannot_be_split():
    with pytest.raises(TagifaiError, match="1 groups are too few to split: none is left for"):
        split_projects(Y, 0.7, 0.15, seed=1, groups=["same"] * 400)
    with pytest.raises(TagifaiError, match="too few projects or groups for 5 folds"):
        stratify_folds(Y, 5, seed=1, groups=["same"] * 400)


def test_a_stated_test_split_is_kept_and_the_rest_is_divided():
    stated = ["test"] * 100 + ["val"] * 20 + [None] * 280
    split = complete_split(Y, stated, 0.7, 0.15, seed=1)
    assert split[:120].tolist() == stated[:120]
    rest = split[120:].tolist()
    assert "test" not in rest
    assert rest.count("val") == pytest.approx(280 * 0.15 / 0.85, abs=3)


def test_without_a_stated_test_project_all_are_split():
    split = complete_split(Y, ["train"] * 400, 0.7, 0.15, seed=1)
    assert (split == split_projects(Y, 0.7, 0.15, seed=1)).all()


def test_it_spreads_tags_as_evenly_as_iterative_stratification():
    # Worst deviation of a tag's share from the part's, over tags: measured against the same
    # split by chance, which it has to beat by far.
    chance = np.random.default_rng(3)
    y = (chance.random((2000, 60)) < np.geomspace(0.3, 0.01, 60)).astype(int)
    split = split_projects(y, 0.7, 0.15, seed=0)
    shares = y[split == "test"].sum(axis=0) / y.sum(axis=0)
    at_random = y[chance.permutation(2000)[:300]].sum(axis=0) / y.sum(axis=0)
    assert abs(shares - 0.15).max() < abs(at_random - 0.15).max() / 3


def assign_plainly(y, shares, seed):
    """Assign each project as the algorithm is described, one after the other."""
    order = np.random.default_rng(seed).permutation(len(y))
    lacks_tag, lacks_size = np.outer(shares, y.sum(axis=0)), np.array(shares) * len(y)
    part = np.full(len(y), -1)

    def assign(row, lacks):
        if part[row] < 0:
            part[row] = chosen = np.lexsort((-lacks_size, -lacks))[0]
            lacks_tag[chosen] -= y[row]
            lacks_size[chosen] -= 1

    for tag in np.argsort(y.sum(axis=0), kind="stable"):
        for row in order:
            if y[row, tag]:
                assign(row, lacks_tag[:, tag])
    for row in order:
        assign(row, lacks_size)
    return part


@pytest.mark.parametrize("seed", range(3))
def test_projects_go_where_the_algorithm_sends_them_one_by_one(seed):
    rng = np.random.default_rng(seed)
    y = (rng.random((300, 40)) < 0.5 / np.arange(1, 41)).astype(np.uint8)
    shares = [0.7, 0.15, 0.15]
    np.testing.assert_array_equal(
        assign_groups(y, None, shares, seed), assign_plainly(y, shares, seed)
    )
