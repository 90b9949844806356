import pytest

from tagifai.data import Dataset, Project, Tag, rules
from tagifai.data.config import DataConfig
from tagifai.data.rules import Case, finding


def project(number, title="", description="", tags=()):
    return Project(str(number), title, description, tuple(tags))


def dataset(projects=(), tags=()):
    return Dataset(tuple(projects), {tag.tag: tag for tag in tags}, "")


def test_unknown_tags_come_with_their_projects_most_first():
    projects = [project(1, tags=["a", "x"]), project(2, tags=["y", "x"]), project(3, tags=["a"])]

    assert rules.unknown_tags(dataset(projects, [Tag("a")])) == [
        Case(("1", "2"), ("x",)),
        Case(("2",), ("y",)),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Part-of-Speech, in C++!", "part of speech in c++"),
        ("हिन्दी में।", "हिन्दी में"),
        ("用PyTorch训练模型。", "用 pytorch 训练 模型"),
        ("ภาษาไทย", "ภาษา ไทย"),
    ],
)
def test_words_of_every_script(text, words):
    assert rules.plain(text) == words


def test_a_tag_is_said_within_a_text_without_spaces():
    projects = [
        project(1, "机器学习模型", tags=["机器学习"]),
        project(2, "蛋糕", tags=["机器学习"]),
    ]
    assert rules.count_unsaid(dataset(projects)) == 1


def test_without_a_tag_file_every_tag_is_known():
    assert rules.unknown_tags(dataset([project(1, tags=["a"])])) == []


def test_unused_tags():
    found = rules.unused_tags(dataset([project(1, tags=["b"])], [Tag("c"), Tag("b"), Tag("a")]))

    assert found == [Case(tags=("a",)), Case(tags=("c",))]


def test_missing_parents():
    tags = {"a": Tag("a", parents=("b", "z")), "b": Tag("b")}

    assert rules.missing_parents(tags) == [Case(tags=("a", "z"))]


@pytest.mark.parametrize(
    ("parents", "rings"),
    [
        ({"a": "b", "b": "c", "c": "a", "d": "a"}, [("a", "b", "c")]),
        ({"a": "a"}, [("a",)]),
        ({"a": "b", "b": "a", "c": "d", "d": "c"}, [("a", "b"), ("c", "d")]),
        ({"a": "bc", "b": "d", "c": "d", "d": "z"}, []),
        ({"a": ""}, []),
    ],
)
def test_parent_cycles(parents, rings):
    tags = {name: Tag(name, parents=tuple(above)) for name, above in parents.items()}

    assert [case.tags for case in rules.parent_cycles(tags)] == rings


def test_an_alias_of_two_tags_is_ambiguous_whatever_its_spelling():
    tags = {
        "nlp": Tag("nlp", ("Text-Mining", "words")),
        "search": Tag("search", ("text mining",)),
        "words": Tag("words"),
        "c": Tag("c"),
        "c++": Tag("c++", ("C++",)),
    }

    assert rules.ambiguous_aliases(tags) == [
        Case(tags=("nlp", "search"), note="text mining"),
        Case(tags=("nlp", "words"), note="words"),
    ]


def test_more_than_eight_tags_are_many_and_none_is_no_mistake():
    projects = [project(n, tags=[f"t{k}" for k in range(n)]) for n in (0, 1, 8, 9)]

    assert rules.tag_numbers(projects) == [Case(("9",), note="9 tags")]


def test_a_description_without_a_word_is_empty():
    projects = [project(1, "t", " … "), project(2, "u", "a"), project(3, "v", "")]

    assert rules.empty_descriptions(projects) == [Case(("1",), note="t"), Case(("3",), note="v")]


def test_titles_are_the_same_whatever_their_case_and_punctuation():
    projects = [project(1, "Word2Vec"), project(2, "GloVe"), project(3, "word2vec!"), project(4)]

    assert rules.same_titles([*projects, project(5)]) == [Case(("1", "3"), note="Word2Vec")]


def test_near_duplicates_name_the_earlier_project():
    projects = [
        project(1, "One", "replay surprising transitions more often than dull ones"),
        project(2, "Two", "blocks learn corrections"),
        project(3, "One", "replay surprising transitions: more often than dull ones"),
        project(4, "Four", "replay is old"),
    ]

    assert [case.ids for case in rules.near_duplicates(projects)] == [("3", "1")]
    assert rules.near_duplicates(projects)[0].note == "cosine 1.00: One"


def test_texts_without_words_are_no_duplicates():
    assert rules.near_duplicates([project(1), project(2, "!", "?")]) == []
    assert rules.near_duplicates([]) == []


def test_labels_are_said_by_the_tag_or_an_alias_in_whole_words():
    tags = [Tag("image-classification"), Tag("nlp", ("Text Mining",)), Tag("c++"), Tag("art")]
    projects = [
        project(1, "Image classification", "made easy", ["image-classification"]),
        project(2, "", "classification of an image", ["image-classification"]),
        project(3, "Text-mining", "in C++.", ["nlp", "c++"]),
        project(4, "Start", "party", ["art", "nlp", "unheard"]),
        project(5, "Unheard", "", ["unheard"]),
    ]

    assert rules.count_unsaid(dataset(projects, tags)) == 4


def test_a_finding_counts_all_and_shows_some():
    cases = [Case(tuple(map(str, range(50))), ("t",), "note")] * 30
    (found,) = finding("rule", "too many", cases)

    assert (found.rule, found.message, found.count) == ("rule", "too many: 30", 30)
    assert len(found.cases) == 20
    assert found.cases[0] == Case(tuple(map(str, range(20))), ("t",), "note")
    assert finding("rule", "none", []) == []


def test_tags_that_differ_in_spelling_alone_are_grouped_most_projects_first():
    projects = [
        project(1, tags=["Apples", "time series", "c"]),
        project(2, tags=["apples", "time-series", "c++"]),
        project(3, tags=["TIME_SERIES", "apples", "c#"]),
    ]

    assert rules.tag_spellings(dataset(projects)) == [
        Case(
            tags=("apples", "Apples"),
            note="'apples' 2 projects, 'Apples' 1 project",
        ),
        Case(
            tags=("TIME_SERIES", "time series", "time-series"),
            note="'TIME_SERIES' 1 project, 'time series' 1 project, 'time-series' 1 project",
        ),
    ]


def test_unicode_forms_of_a_tag_are_told_apart_as_the_file_writes_them():
    composed, apart = "caf\u00e9", "cafe\u0301"
    projects = [
        Project("1", "", "", (composed,), {}, (apart,)),
        Project("2", "", "", (composed,), {}, (apart, composed)),
        Project("3", "", "", (composed,)),
    ]

    (case,) = rules.tag_spellings(dataset(projects))
    assert case.tags == (apart, composed)
    assert case.note == "'cafe\\u0301' 2 projects, 'caf\u00e9' 2 projects"


def test_a_tag_of_the_file_is_a_spelling_too():
    found = rules.tag_spellings(dataset([project(1, tags=["nlp"])], [Tag("NLP"), Tag("cv")]))

    assert found == [Case(tags=("nlp", "NLP"), note="'nlp' 1 project, 'NLP' 0 projects")]


def test_excluded_tags_without_a_project():
    config = DataConfig(excluded=("a", "b"))
    data = Dataset((project(1, tags=["a"]),), {}, "", config)

    assert rules.idle_exclusions(data) == [Case(tags=("b",))]


def test_ids_are_the_same_whatever_their_blanks_and_unicode_form():
    projects = [project("u\u0308 1"), project("\u00fc  1 "), project("U 1"), project("ab")]

    assert rules.same_ids(projects) == [
        Case(("u\u0308 1", "\u00fc  1 "), note="'u\\u0308 1', '\\xfc  1 '")
    ]


def test_texts_are_compared_in_one_unicode_form():
    composed = project(1, "\u00c4rzte \u00dcbung", "Der \u00f6ffentliche Kurs in \ufb01ne Mathe")
    apart = project(2, "A\u0308rzte U\u0308bung", "Der o\u0308ffentliche Kurs in fine Mathe")

    assert rules.same_titles([composed, apart])[0].ids == ("1", "2")
    assert rules.near_duplicates([composed, apart])[0].ids == ("2", "1")
    assert rules.near_duplicates([composed, apart])[0].note.startswith("cosine 1.00")


def test_words_keep_their_vowel_signs():
    assert rules.plain("\u0939\u093f\u0928\u094d\u0926\u0940 \u0915\u0940!") == (
        "\u0939\u093f\u0928\u094d\u0926\u0940 \u0915\u0940"
    )
    assert rules.plain("\u0915\u0940") != rules.plain("\u0915\u093e")
