import numpy as np
import pytest
from sklearn.base import clone
from small_corpus import TAGS, small_dataset

from tagifai.models.features import AliasFlags, TextCleaner, alias_phrases, build_features
from tagifai.models.params import Params


def names_of(params):
    texts = [project.text for project in small_dataset(20).projects]
    features = build_features(params, list(TAGS), TAGS).fit(texts)
    return [name for name, _ in features.named_steps["features"].transformer_list]


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({}, ["words", "characters", "aliases"]),
        ({"char_ngrams": 0, "aliases": "none"}, ["words"]),
        ({"word_ngrams": 0, "aliases": "exact"}, ["characters", "aliases"]),
    ],
)
def test_params_choose_the_kinds_of_features(changes, kinds):
    assert names_of(Params().replaced(changes)) == kinds


def test_only_fuzzy_aliases_correct_spelling():
    steps = {
        kind: list(
            build_features(Params(aliases=kind, abbreviations=False), list(TAGS), TAGS).named_steps
        )
        for kind in ("exact", "fuzzy")
    }
    assert steps == {
        "exact": ["preprocess", "features"],
        "fuzzy": ["preprocess", "spelling", "features"],
    }


def test_abbreviations_are_read_with_or_without_flags():
    for kind in ("none", "exact", "fuzzy"):
        features = build_features(Params(aliases=kind), list(TAGS), TAGS)
        spelling = features.named_steps["spelling"].fit([])
        assert spelling.transform(["nlp visoin"]) == [
            "natural language processing " + ("vision" if kind == "fuzzy" else "visoin")
        ]


def test_flags_need_whole_words_in_order():
    flags = AliasFlags((("graph",), ("graph network", "gnn")), weight=0.5).fit([])
    found = flags.transform(["graphs", "graph network", "network graph", "gnn", ""]).toarray()
    np.testing.assert_array_equal(found, [[0, 0], [0.5, 0.5], [0.5, 0], [0, 0.5], [0, 0]])


def test_phrases_of_own_and_lower_tags_are_preprocessed_alike():
    phrases = alias_phrases(["computer-vision", "transformers"], TAGS, TextCleaner(stem=True))
    assert phrases == (("comput vision", "vision"), ("transform",), ("segment",))


def test_features_clone_and_repeat():
    texts = [project.text for project in small_dataset(30).projects]
    features = build_features(Params(), list(TAGS), TAGS)
    first, second = features.fit_transform(texts), clone(features).fit_transform(texts)
    assert (first != second).nnz == 0
    assert first.dtype == np.float32
