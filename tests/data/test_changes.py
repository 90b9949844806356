from tagifai.data import Project
from tagifai.data.changes import compare_data, digest_texts
from tagifai.predictions import Predictions

SEEN = {
    "1": Project("1", "One", "text", ("cv",)),
    "2": Project("2", "Two", "text", ()),
    "3": Project("3", "Three", "text", ("cv",)),
}
PREDICTIONS = Predictions.of("123", ["test"] * 3, ["cv"], [[1], [0], [1]], [[0.5]] * 3)


def test_nothing_changed():
    changes = compare_data(PREDICTIONS, SEEN, digest_texts(SEEN.values()))
    assert (changes.gone, changes.new, changes.tagged_anew, changes.edited) == ((), (), (), ())
    assert str(changes) == ""


def test_gone_new_edited_and_tagged_anew_are_told_apart():
    now = {
        "1": Project("1", "One", "another text", ("cv",)),
        "2": Project("2", "Two", "text", ("cv", "unknown")),
        "4": Project("4", "Four", "", ("cv",)),
        "5": Project("5", "Five", "", ("unknown",)),
    }
    changes = compare_data(PREDICTIONS, now, digest_texts(SEEN.values()))
    assert (changes.gone, changes.new, changes.tagged_anew, changes.edited) == (
        ("3",),
        ("4",),
        ("2",),
        ("1",),
    )
    assert str(changes) == (
        "Projects since this version was made: 1 gone, 1 with an edited text, "
        "1 with other tags, 1 new."
    )


def test_without_digests_edits_cannot_be_told():
    assert compare_data(PREDICTIONS, SEEN).edited is None


def test_what_is_new_follows_what_the_version_learns_from():
    now = {
        **SEEN,
        "4": Project("4", "Four", "", ("cv",)),
        "5": Project("5", "Five", "", ("rare",)),
        "6": Project("6", "Six", "", ()),
    }
    new = {kind: compare_data(PREDICTIONS, now, None, kind).new
           for kind in (None, "unlabelled", "negative")}  # fmt: skip
    assert new == {None: ("4",), "unlabelled": ("4", "5"), "negative": ("4", "5", "6")}
