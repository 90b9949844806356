import numpy as np
import pytest
from sklearn.base import clone
from small_corpus import SMALL_PARAMS, TAGS, small_dataset

from tagifai.data import Tag, prepare
from tagifai.errors import TagifaiError
from tagifai.models.features import build_features
from tagifai.models.fold_features import TrainingFeatures

PREPARED = prepare(small_dataset(), 10)
TEXTS = [project.text for project in PREPARED.projects]
PARTS = [np.arange(start, len(TEXTS), 3) for start in range(3)]


def check_folds(pipeline, texts, parts):
    """Check that each fold has what the pipeline makes of its texts alone."""
    features = TrainingFeatures(pipeline, texts, parts)
    for number, rows in enumerate(parts):
        used = np.setdiff1d(np.arange(len(texts)), rows)
        alone = clone(pipeline)
        expected = alone.fit_transform([texts[row] for row in used])
        held_out = alone.transform([texts[row] for row in rows])
        for found, plain in zip(features.fold(number), (expected, held_out), strict=True):
            assert found.dtype == np.float32
            np.testing.assert_array_equal(found.toarray(), plain.toarray())
    whole = clone(pipeline)
    expected = whole.fit_transform(texts)
    np.testing.assert_array_equal(features.all_texts().toarray(), expected.toarray())
    fitted = features.fitted()
    for name, part in whole.named_steps["features"].transformer_list:
        if name != "aliases":
            found = dict(fitted.named_steps["features"].transformer_list)[name]
            assert found.vocabulary_ == part.vocabulary_
    new = [*texts[:3], "an unseen text of transfromers", ""]
    np.testing.assert_array_equal(fitted.transform(new).toarray(), whole.transform(new).toarray())


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"min_df": 2},
        {"word_ngrams": 0},
        {"char_ngrams": 0, "aliases": "none", "abbreviations": False},
        {"aliases": "exact", "word_ngrams": 3},
    ],
)
def test_each_fold_has_what_its_own_texts_would_give(changes):
    pipeline = build_features(SMALL_PARAMS.replaced(changes), PREPARED.tags, TAGS)
    check_folds(pipeline, TEXTS, PARTS)


def test_a_word_that_only_other_folds_know_is_read_as_the_name_it_misspells():
    # "transformrs" is known where both of its texts are: a fold that lacks one corrects it.
    texts = ["a transformrs text", "more transformrs here", "graph and graph", "transformers too"]
    tags = {"transformers": Tag("transformers")}
    params = SMALL_PARAMS.replaced({"aliases": "fuzzy", "char_ngrams": 0})
    pipeline = build_features(params, ["transformers"], tags)
    parts = [np.array([0]), np.array([2]), np.array([1, 3])]
    check_folds(pipeline, texts, parts)
    features = TrainingFeatures(pipeline, texts, parts)
    _, held_out = features.fold(0)
    flags = held_out.toarray()[:, -1]
    assert flags.tolist() == pytest.approx([params.alias_weight])


def test_no_feature_left():
    params = SMALL_PARAMS.replaced({"min_df": 4, "char_ngrams": 0, "aliases": "none"})
    pipeline = build_features(params, PREPARED.tags, TAGS)
    texts = ["a cat", "two dogs", "three birds"]
    with pytest.raises(TagifaiError, match="no word stands in min_df 4 of the 3 texts"):
        TrainingFeatures(pipeline, texts, []).fitted()
    with pytest.raises(TagifaiError, match="no text has a word left"):
        TrainingFeatures(pipeline, ["", "the"], [])
