import numpy as np
import pytest
from sklearn.base import clone
from small_corpus import TAGS, small_dataset

from tagifai.data import Tag
from tagifai.errors import TagifaiError
from tagifai.models.features import AliasFlags, TextCleaner, alias_phrases, build_features
from tagifai.models.params import Params
from tagifai.text.preprocessing import FILTERS, OLD_FILTERS


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


def test_names_are_found_in_any_form_of_a_text():
    tags = {
        "fine-tuning": Tag("fine-tuning"),
        "机器学习": Tag("机器学习"),
        "café": Tag("cafe\u0301"),
    }
    cleaner = TextCleaner(filters=FILTERS)
    phrases = alias_phrases(list(tags), tags, cleaner)
    texts = [
        "ﬁne\u2010tuning",
        "用机器学习做分类",
        "CAFE\u0301s or a café",
        "caf",
        "ＦＩＮＥ tuning",
    ]
    found = AliasFlags(phrases, 1.0).fit([]).transform(cleaner.transform(texts))
    assert found.toarray().tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [1, 0, 0]]


def test_a_language_is_read_as_its_parameters_say():
    german = build_features(Params(language="de", stem=True), list(TAGS), TAGS)
    cleaner = german.named_steps["preprocess"]
    assert cleaner.clean("Die Häuser und the houses") == "haus the hous"
    assert clone(cleaner).clean("Die Häuser") == "haus"


def test_a_model_made_before_there_were_languages_reads_as_it_did():
    cleaner = TextCleaner(filters=OLD_FILTERS)
    state = dict(cleaner.__getstate__())
    for name in ("language", "normalize"):
        state.pop(name)
    old = TextCleaner.__new__(TextCleaner)
    old.__setstate__(state)
    assert (old.language, old.normalize) == ("english", False)
    assert old.clean("The A\u0308rzte: ﬁne 机器学习，x™") == "\u0308rzte ﬁne 机器学习，x™"
    new = TextCleaner.__new__(TextCleaner)
    new.__setstate__(cleaner.__getstate__())
    assert (new.language, new.normalize) == ("english", True)


@pytest.mark.parametrize("changes", [{}, {"char_ngrams": 0}, {"word_ngrams": 0}])
def test_texts_without_a_word_are_refused(changes):
    features = build_features(Params().replaced(changes), list(TAGS), TAGS)
    for texts in ([], [""], ["the of and", "!? …", "it is"]):
        with pytest.raises(TagifaiError, match=r"^no text has a word left after preprocessing"):
            features.fit(texts)


def test_a_vocabulary_that_min_df_leaves_empty_is_refused():
    texts = ["red cats", "blue dogs", "red"]
    features = build_features(Params(min_df=3, char_ngrams=0), list(TAGS), TAGS)
    with pytest.raises(TagifaiError, match=r"^no word stands in min_df 3 of the 3 texts; lower it"):
        features.fit(texts)
    features = build_features(Params(min_df=9, word_ngrams=0), list(TAGS), TAGS)
    with pytest.raises(TagifaiError, match=r"^no run of characters stands in min_df 9 of the 3 te"):
        features.fit(texts)


def test_features_clone_and_repeat():
    texts = [project.text for project in small_dataset(30).projects]
    features = build_features(Params(), list(TAGS), TAGS)
    first, second = features.fit_transform(texts), clone(features).fit_transform(texts)
    assert (first != second).nnz == 0
    assert first.dtype == np.float32
