import numpy as np
import pytest
from scipy import sparse

from tagifai.errors import TagifaiError
from tagifai.models.fitting import (
    TAGS_A_BLOCK,
    Fold,
    FoldInMemory,
    SavedFold,
    fit_block,
    tag_blocks,
)
from tagifai.models.linear import build_members, fit_matrix
from tagifai.models.params import Params

RNG = np.random.default_rng(0)
X = sparse.csr_matrix(np.where(RNG.random((60, 12)) < 0.4, RNG.random((60, 12)), 0))
HELD_OUT = sparse.csr_matrix(X[:9], dtype=np.float32)
Y = (RNG.random((60, 5)) < 0.4).astype(np.uint8)
MEMBERS = build_members(Params())
SCORED, WHOLE = Fold(X, Y, HELD_OUT), Fold(X, Y, None)


def test_blocks_cover_all_tags_once():
    for num_tags in (1, 16, 17, 60, 301):
        blocks = tag_blocks(num_tags)
        assert [tag for start, stop in blocks for tag in range(start, stop)] == list(
            range(num_tags)
        )
        sizes = [stop - start for start, stop in blocks]
        assert max(sizes) <= TAGS_A_BLOCK
        assert max(sizes) - min(sizes) <= 1


def test_blocks_of_any_size_give_the_scores_and_weights_of_all_tags_at_once():
    matrices = [fit_matrix(member, X, Y) for member in MEMBERS]
    scored = [
        fit_block(FoldInMemory(lambda: SCORED), MEMBERS, *tags, 0.0) for tags in ((0, 2), (2, 5))
    ]
    found = np.concatenate([block.scores for block in scored], axis=2)
    expected = [HELD_OUT @ matrix + bias for matrix, bias in matrices]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)
    layers = fit_block(FoldInMemory(lambda: WHOLE), MEMBERS, 1, 3, 0.0).layers
    for (weights, bias), (matrix, intercepts) in zip(layers, matrices, strict=True):
        np.testing.assert_array_equal(weights.toarray(), matrix[:, 1:3])
        np.testing.assert_array_equal(bias, intercepts[1:3])


def test_small_weights_are_pruned_before_texts_are_scored():
    (plain, _), *_ = fit_block(FoldInMemory(lambda: WHOLE), MEMBERS[:1], 0, 5, 0.0).layers
    cut = float(np.median(np.abs(plain.toarray())))
    (pruned, bias), *_ = fit_block(FoldInMemory(lambda: WHOLE), MEMBERS[:1], 0, 5, cut).layers
    kept = np.where(np.abs(plain.toarray()) < cut, 0, plain.toarray())
    np.testing.assert_array_equal(pruned.toarray(), kept)
    assert pruned.nnz == np.count_nonzero(kept) < plain.nnz
    scores = fit_block(FoldInMemory(lambda: SCORED), MEMBERS[:1], 0, 5, cut).scores
    np.testing.assert_allclose(scores[0], HELD_OUT @ kept + bias, rtol=1e-6, atol=1e-7)


def test_a_fold_in_files_gives_the_same_bits(tmp_path):
    for fold, name in ((SCORED, "scored"), (WHOLE, "whole")):
        saved = fold.save(tmp_path / name)
        here = fit_block(FoldInMemory(lambda fold=fold: fold), MEMBERS, 0, 5, 0.0)
        there = fit_block(saved, MEMBERS, 0, 5, 0.0)
        np.testing.assert_array_equal(there.scores, here.scores)
        for (found, bias), (weights, intercepts) in zip(there.layers, here.layers, strict=True):
            np.testing.assert_array_equal(found.toarray(), weights.toarray())
            np.testing.assert_array_equal(bias, intercepts)


def test_a_folder_that_a_worker_does_not_see(tmp_path):
    with pytest.raises(TagifaiError, match=r"cannot be read by a worker .*--cluster-folder"):
        fit_block(SavedFold(tmp_path / "nowhere"), MEMBERS, 0, 5, 0.0)
