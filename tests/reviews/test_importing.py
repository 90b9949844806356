import json
from dataclasses import replace

import pytest

from tagifai.data import Dataset, Project, Tag
from tagifai.errors import TagifaiError
from tagifai.reviews import ReviewStore
from tagifai.reviews.files import ReviewFile, export_reviews, read_reviews
from tagifai.reviews.importing import import_reviews
from tagifai.reviews.tasks import build_tasks
from tagifai.reviews.verdicts import accepted_changes, reach_verdicts
from tagifai.store.review_events import Review, in_force

PROJECTS = (Project("7", "Cats", "seen", ("cv",)), Project("8", "Words", "read", ("nlp",)))
DATA = Dataset(PROJECTS, {"graphs": Tag("graphs")}, "digest")
TAGS = ("cv", "graphs", "nlp")
ANN, BEN = "ann@x.org", "ben@x.org"


@pytest.fixture
def store(tmp_path):
    opened = ReviewStore(tmp_path / "r.sqlite", journal="delete")
    yield opened
    opened.close()


def state(chosen, *, at="2026-05-01T10:00:00Z", name="a", by=ANN, **given):
    """Make an annotation of project 7, which carries cv and was asked about nlp."""
    value = {"choices": list(chosen)}
    return {
        "unique_id": name,
        "completed_by": {"email": by},
        "updated_at": at,
        "result": [{"from_name": "tags", "type": "choices", "value": value}],
        **given,
    }


def file_of(*annotations, number=1, projects=PROJECTS):
    tasks = build_tasks(
        (),
        {p.id: p for p in projects},
        TAGS,
        asked=[("7", "nlp")],
        version="v1",
        data_digest="digest",
    )
    (written,) = json.loads(export_reviews((), "label-studio", tasks))
    content = json.dumps([{**written, "id": number, "annotations": list(annotations)}])
    return read_reviews(content.encode(), "label-studio", "f.json")


def bring(store, *annotations, **given):
    return import_reviews(store, file_of(*annotations), DATA, **given)


def changes(store):
    return accepted_changes(reach_verdicts(store.events()))


def statuses(store):
    return {pair[1]: v.status for pair, v in reach_verdicts(store.events()).items()}


ADD = {"7": {"add": ["graphs"], "remove": []}}


def test_a_later_state_replaces_the_earlier_one_for_pairs_not_asked_about(store):
    first = bring(store, state(["cv", "graphs"]))
    assert (first.num_new, first.num_replaced, changes(store)) == (2, 0, ADD)
    second = bring(store, state(["cv"], at="2026-05-02T10:00:00Z"))
    assert (second.num_new, second.num_replaced, second.num_outdated) == (1, 1, 0)
    assert changes(store) == {}
    assert statuses(store) == {"nlp": "right"}


def test_the_order_of_imports_does_not_matter(store):
    bring(store, state(["cv"], at="2026-05-02T10:00:00Z"))
    late = bring(store, state(["cv", "graphs"]))
    assert (late.num_new, late.num_replaced, late.num_outdated) == (2, 0, 2)
    assert changes(store) == {}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2026-05-01T10:00:00Z", "2026-05-01T10:00:00.000001Z"),
        # Later, though the clock on the wall showed less.
        ("2026-05-01T12:00:00+05:00", "2026-05-01T08:00:00Z"),
        ("2026-05-01T23:59:00-01:00", "2026-05-02T01:00:00Z"),
    ],
)
def test_states_are_ordered_by_time_in_any_zone(store, first, second):
    bring(store, state(["cv"], at=second))
    bring(store, state(["cv", "graphs"], at=first))
    assert changes(store) == {}
    bring(store, state(["cv", "graphs"], at="2026-06-01T00:00:00Z"))
    assert changes(store) == ADD


def test_of_two_states_with_one_time_the_one_imported_later_counts(store):
    bring(store, state(["cv", "graphs"]))
    assert bring(store, state(["cv"])).num_replaced == 1
    assert changes(store) == {}
    # Both are known now: neither comes back.
    for chosen in (["cv", "graphs"], ["cv"]):
        again = bring(store, state(chosen))
        assert (again.num_new, again.num_replaced) == (0, 0)
        assert changes(store) == {}


def test_importing_twice_adds_nothing(store):
    for times in range(2):
        found = bring(store, state(["graphs"]), state(["cv"], name="b", by=BEN))
        assert (found.num_new, found.num_known) == ((4, 0) if times == 0 else (0, 4))
    assert len(store.events()) == 6


def test_what_was_added_again_is_added(store):
    for day, chosen in ((1, ["cv", "graphs"]), (2, ["cv"]), (3, ["graphs", "cv"])):
        bring(store, state(chosen, at=f"2026-05-0{day}T10:00:00Z"))
    assert changes(store) == ADD


@pytest.mark.parametrize("given", [{"was_cancelled": True}, {"result": None}])
def test_a_state_that_decides_nothing_takes_back_what_an_earlier_one_did(store, given):
    bring(store, state(["cv", "graphs", "nlp"]))
    bring(store, state([], at="2026-05-02T10:00:00Z", **given))
    assert changes(store) == {}
    assert set(statuses(store).values()) <= {"skipped"}


def test_of_two_annotations_of_one_person_the_later_counts(store):
    bring(
        store, state(["cv", "graphs"], name="a"), state(["cv"], name="b", at="2026-05-02T10:00:00Z")
    )
    assert changes(store) == {}
    bring(store, state(["cv", "graphs"], name="a", at="2026-05-03T10:00:00Z"))
    assert changes(store) == ADD


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("together", [True, False])
def test_who_leaves_a_label_as_it_is_disagrees_with_who_changes_it(store, order, together):
    both = [
        state(["cv", "graphs"], name="a"),
        state(["cv"], name="b", by=BEN, at="2026-04-01T00:00:00Z"),
    ]
    both = [both[number] for number in order]
    for part in [both] if together else [[one] for one in both]:
        bring(store, *part)
    assert statuses(store)["graphs"] == "conflict"
    assert changes(store) == {}
    verdict = reach_verdicts(store.events())["7", "graphs"]
    assert [(r.reviewer, r.decision) for r in verdict.reviews] == [(BEN, "right"), (ANN, "add")]
    # Once they agree it is no conflict.
    bring(store, state(["cv", "graphs"], name="b", by=BEN, at="2026-05-05T00:00:00Z"))
    assert changes(store) == ADD


def test_a_tag_that_was_not_offered_was_not_left_as_it_is(store):
    bring(store, state(["cv"], by=BEN))
    store.submit(reviewer="ann", project="7", tag="rare", decision="add")
    assert statuses(store)["rare"] == "add"


def test_an_annotation_that_is_gone_stays_unless_taken_back(store):
    bring(store, state(["cv", "graphs"]), state(["cv", "graphs"], name="b", by=BEN))
    found = bring(store, state(["cv", "graphs"], name="b", by=BEN))
    assert (found.num_missing, found.taken_back, changes(store)) == (1, False, ADD)
    found = bring(store, take_back_missing=True)
    assert (found.num_missing, found.taken_back, found.num_replaced) == (2, True, 4)
    assert in_force(store.events()) == ()
    # An older file doesn't bring it back; a later state does.
    bring(store, state(["cv", "graphs"]))
    assert changes(store) == {}
    bring(store, state(["cv", "graphs"], at="2099-01-01T00:00:00Z"))
    assert changes(store) == ADD


def test_annotations_of_another_task_are_not_missed(store):
    bring(store, state(["cv", "graphs"]))
    found = import_reviews(store, file_of(number=2), DATA, take_back_missing=True)
    assert found.num_missing == 0
    assert changes(store) == ADD


def response(chosen, status="submitted"):
    tasks = build_tasks((), {"7": PROJECTS[0]}, TAGS, asked=[("7", "nlp")])
    (record,) = json.loads(export_reviews((), "argilla", tasks))
    given = {"value": chosen, "user_id": "eve", "status": status}
    content = json.dumps([{**record, "responses": {"tags": [given]}}])
    return read_reviews(content.encode(), "argilla")


def test_states_without_a_time_follow_each_other_as_they_come(store):
    for chosen, new, accepted in (
        (["cv", "graphs"], 2, ADD),
        (["cv", "graphs"], 0, ADD),
        (["cv"], 1, {}),
        (["cv"], 0, {}),
        (["graphs", "cv"], 2, ADD),
    ):
        found = import_reviews(store, response(chosen), DATA, now="2026-05-01T10:00:00.000000Z")
        assert (found.num_new, changes(store)) == (new, accepted)
    import_reviews(store, response(["cv", "graphs"], "draft"), DATA)
    assert changes(store) == {}


def test_unknown_choices_are_refused_all_at_once_with_the_nearest(store):
    with pytest.raises(
        TagifaiError,
        match=r"f.json: row 1, annotation a: 2 unknown tags: 'graph' \(did you mean 'graphs'\?\), "
        r"'music'; known tags: 'cv', 'graphs', 'nlp'; --new-tags takes",
    ):
        bring(store, state(["graph"]), state(["cv", "music"], name="b"))
    assert store.events() == ()
    found = bring(store, state(["cv", "music"], name="b"), new_tags=True)
    assert found.new_tags == ("music",)
    assert changes(store) == {"7": {"add": ["music"], "remove": []}}
    # It was allowed once.
    assert bring(store, state(["cv", "music"], name="b")).num_known == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Graphs", "'Graphs' is another spelling of 'graphs', and no new tag"),
        ("n-l p", "'n-l p' is another spelling of 'nlp'"),
        (" music", "the new tag ' music' is blank, or begins or ends with a blank"),
    ],
)
def test_a_spelling_of_a_known_tag_is_no_new_one(store, name, message):
    with pytest.raises(TagifaiError, match=message):
        bring(store, state(["cv", name]), new_tags=True)
    assert store.events() == ()


def test_questions_about_tags_that_are_gone_are_counted(store):
    data = replace(DATA, projects=(replace(PROJECTS[0], tags=("graphs",)),))
    found = import_reviews(store, file_of(state(["graphs"])), data)
    # cv would be removed, nlp was asked about; the data has neither any more.
    assert found.unused == {"question about a tag that the data does not have": 2}
    assert changes(store) == ADD


def test_what_was_applied_and_is_taken_back_is_named(store):
    bring(store, state(["cv", "graphs"]))
    applied = replace(DATA, projects=(replace(PROJECTS[0], tags=("cv", "graphs")), PROJECTS[1]))
    later = file_of(state(["cv"], at="2026-05-02T10:00:00Z"))
    found = import_reviews(store, later, applied)
    assert found.applied == (("7", "graphs"),)


def review(number, project, tag, decision="right"):
    at = f"2026-01-01T00:00:{number:02}.000000Z"
    return Review(f"u{number}", at, "ann", project, tag, decision, data_digest="other")


def test_reviews_of_other_data_are_counted(store):
    reviews = (review(1, "7", "cv"), review(2, "gone", "cv"))
    found = import_reviews(store, ReviewFile(reviews, rows={"u1": 1, "u2": 2}), DATA)
    assert (found.num_new, found.num_other_data, found.num_unknown) == (2, 2, 1)


def test_reviews_of_another_data_set_altogether_are_refused(store):
    with pytest.raises(TagifaiError, match="reviews: 1 review of another data set: none of their"):
        import_reviews(store, ReviewFile((review(1, "x", "cv"),), rows={"u1": 1}), DATA)
    assert store.events() == ()


def test_a_store_of_an_earlier_release_takes_annotations(tmp_path):
    import sqlite3

    path = tmp_path / "old.sqlite"
    ReviewStore(path, journal="delete").close()
    old = sqlite3.connect(path)
    for column in ("source", "unchanged"):
        old.execute(f"ALTER TABLE reviews DROP COLUMN {column}")
    old.execute(
        "INSERT INTO reviews VALUES (1, 'u', '2026-01-01T00:00:00.000000Z', ?, '7', "
        "'graphs', 'add', '', '', '', '')",
        (ANN,),
    )
    old.commit()
    old.close()
    store = ReviewStore(path, journal="delete")
    assert changes(store) == ADD
    # The same person's later answer to the whole task counts.
    bring(store, state(["cv"]))
    assert changes(store) == {}
