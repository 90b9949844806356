import json

import pytest

from tagifai.data import Project
from tagifai.errors import TagifaiError
from tagifai.reviews.annotations import annotation_events, from_argilla, from_label_studio
from tagifai.reviews.tasks import argilla_records, build_tasks, label_studio_tasks

NOW = "2026-02-02T00:00:00.000000Z"
PROJECTS = {"7": Project("7", "Cats", "seen", ("cv",))}
TASKS = build_tasks(
    (), PROJECTS, ("cv", "nlp", "graphs"), asked=[("7", "nlp")], version="v1", data_digest="digest"
)


def task(*annotations, **given):
    (written,) = label_studio_tasks(TASKS)
    return {**written, "id": 3, "annotations": list(annotations), **given}


def annotation(chosen, *, results=(), **given):
    own = (
        []
        if chosen is None
        else [
            {
                "from_name": "tags",
                "to_name": "text",
                "type": "choices",
                "value": {"choices": chosen},
            }
        ]
    )
    return {
        "id": 5,
        "unique_id": "abc",
        "completed_by": {"id": 1, "email": "eve@example.org"},
        "created_at": "2026-01-05T09:00:00Z",
        "updated_at": "2026-01-05T12:00:00+02:00",
        "was_cancelled": False,
        "ground_truth": False,
        "result": [*own, *results],
        **given,
    }


def record(responses, **given):
    (written,) = argilla_records(TASKS)
    return {**written, "responses": responses} | given


def said(found, known=None):
    (one,) = found.annotations
    return [(event.tag, event.decision) for event in annotation_events(one, NOW, known=known)[:-1]]


@pytest.mark.parametrize(
    ("chosen", "decisions", "unchanged"),
    [
        (["cv", "nlp"], [("nlp", "add")], ("cv", "graphs")),
        (["cv"], [("nlp", "right")], ("cv", "graphs")),
        (["nlp"], [("cv", "remove"), ("nlp", "add")], ("graphs",)),
        ([], [("cv", "remove"), ("nlp", "right")], ("graphs",)),
        # A choice that was added to the setup later.
        (["cv", "new"], [("nlp", "right"), ("new", "add")], ("cv", "graphs")),
    ],
)
def test_what_was_chosen_is_decided_and_the_rest_was_left_as_it_was(chosen, decisions, unchanged):
    found = from_label_studio(task(annotation(chosen)))
    assert said(found) == decisions
    (one,) = found.annotations
    *events, whole = annotation_events(one, one.at)
    assert (whole.decision, whole.tag, whole.unchanged_tags) == ("annotation", "", unchanged)
    assert {(e.reviewer, e.at, e.project, e.version, e.data_digest, e.source) for e in events} == {
        (
            "eve@example.org",
            "2026-01-05T10:00:00.000000Z",
            "7",
            "v1",
            "digest",
            "label-studio/3/abc",
        )
    }
    assert found.unused == {}


def test_nothing_is_decided_about_tags_that_are_gone():
    assert said(from_label_studio(task(annotation([]))), known=["cv"]) == [("cv", "remove")]
    assert said(from_label_studio(task(annotation(["nlp"]))), known=["cv"]) == [
        ("cv", "remove"),
        ("nlp", "add"),
    ]


@pytest.mark.parametrize(
    ("given", "decisions", "unused"),
    [
        ({"was_cancelled": True}, [("nlp", "skip")], {"skipped annotation": 1}),
        ({"result": None}, [], {"annotation without a result": 1}),
    ],
)
def test_a_state_without_a_decision_is_counted(given, decisions, unused):
    found = from_label_studio(task(annotation(["nlp"], **given)))
    assert said(found) == decisions
    assert found.unused == unused


def test_drafts_are_no_answers():
    found = from_label_studio(task(drafts=[{}, {}]))
    assert found.annotations == []
    assert found.unused == {"draft": 2}


def test_an_annotation_marked_as_ground_truth_is_a_persons_decision_all_the_same():
    starred = from_label_studio(task(annotation(["nlp"], ground_truth=True)))
    assert said(starred) == said(from_label_studio(task(annotation(["nlp"]))))


def test_results_of_further_controls_are_counted():
    comment = {"from_name": "why", "type": "textarea", "value": {"text": ["so"]}}
    relation = {"type": "relation", "from_id": "a", "to_id": "b"}
    found = from_label_studio(task(annotation(["nlp"], results=[comment, relation, comment])))
    assert said(found) == [("cv", "remove"), ("nlp", "add")]
    assert found.unused == {
        "result of the control 'why' (textarea)": 2,
        "result without a control, of type relation": 1,
    }


def result(**given):
    value = {"choices": ["cv"]}
    return {"from_name": "tags", "to_name": "text", "type": "choices", "value": value, **given}


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (result(from_name="topic"), "annotation abc: the control 'topic' is not 'tags'"),
        (result(from_name="why", type="textarea", value={"text": ["x"]}), "the control 'why' is"),
        (result(type="taxonomy"), "the control 'tags' gave 'taxonomy'; 'choices' are needed"),
        (result(value={"choices": "cv"}), "choices: a list of strings is needed, got 'cv'"),
        (result(value={"choices": [["cv"]]}), r"a list of strings is needed, got \[\['cv'\]\]"),
        (result(value={"choices": [None]}), r"a list of strings is needed, got \[None\]"),
        (result(value={"choices": None}), "choices: a list of strings is needed, got None"),
        (result(value={"text": ["cv"]}), "choices: a list of strings is needed, got None"),
        (result(value=["cv"]), r"value: an object is needed, got \['cv'\]"),
        ("cv", "result: an object is needed, got 'cv'"),
    ],
)
def test_what_is_no_list_of_choices_of_the_control_is_refused(one, message):
    with pytest.raises(TagifaiError, match=message):
        from_label_studio(task(annotation(None, results=[one])))


def test_another_control_of_choices_is_refused_beside_the_own_one():
    with pytest.raises(TagifaiError, match="the control 'topic' is not 'tags'"):
        from_label_studio(task(annotation(["cv"], results=[result(from_name="topic")])))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"updated_at": "yesterday"}, "updated_at: a time as .* is needed, got 'yesterday'"),
        ({"updated_at": 1714557600}, "updated_at: a time as .* is needed, got 1714557600"),
        ({"updated_at": "0001-01-01T00:00:00+14:00"}, "updated_at: a time as"),
        ({"result": "cv"}, "annotation abc, result: a list is needed, got 'cv'"),
    ],
)
def test_a_malformed_annotation_is_told_by_its_field(given, message):
    with pytest.raises(TagifaiError, match=message):
        from_label_studio(task(annotation(["cv"], **given)))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"tags": "cv"}, "data.tags: a list of strings is needed, got 'cv'"),
        ({"choices": None}, "data.choices: a list of strings is needed, got None"),
        ({"asked": [1]}, r"data.asked: a list of strings is needed, got \[1\]"),
        ({"project_id": None}, "data.project_id: an id is needed, got None"),
        ({"reviews": {}}, "data.reviews: a list is needed"),
        ({"reviews": ["x"]}, "data.reviews: an object is needed, got 'x'"),
    ],
)
def test_a_malformed_task_is_told_by_its_field(data, message):
    (written,) = label_studio_tasks(TASKS)
    with pytest.raises(TagifaiError, match=message):
        from_label_studio({"data": {**written["data"], **data}})


@pytest.mark.parametrize(
    ("by", "name"),
    [
        (3, "label-studio:3"),
        ({"id": 3}, "label-studio:3"),
        ({"id": 3, "email": "eve@x.org"}, "eve@x.org"),
        ("eve@x.org", "eve@x.org"),
        (None, "label-studio:label-studio/3/abc"),
    ],
)
def test_an_annotator_is_named(by, name):
    (one,) = from_label_studio(task(annotation(["cv"], completed_by=by))).annotations
    assert one.reviewer == name


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ({}, "2026-01-05T10:00:00.000000Z"),
        ({"updated_at": None}, "2026-01-05T09:00:00.000000Z"),
        ({"updated_at": "2026-01-05T12:00:00.5"}, "2026-01-05T12:00:00.500000Z"),
        ({"updated_at": "2026-01-05T23:30:00-05:30"}, "2026-01-06T05:00:00.000000Z"),
        ({"updated_at": None, "created_at": None}, ""),
    ],
)
def test_times_of_any_zone_are_one_order(given, at):
    (one,) = from_label_studio(task(annotation(["cv"], **given))).annotations
    assert one.at == at


EVE = "0f5c9a52-7a43-4e5c-9b52-3f6f0c6a9a51"


def nested(value, status="submitted", user=EVE, **given):
    return record({"tags": [{"value": value, "user_id": user, "status": status, **given}]})


def flat(value, status="submitted", user=EVE):
    (written,) = argilla_records(TASKS)
    return {
        "id": "7",
        "status": "completed",
        "_server_id": "s",
        "text": "Cats seen",
        "tagifai": written["metadata"]["tagifai"],
        "tags.suggestion": ["cv"],
        "tags.suggestion.score": 0.5,
        "tags.suggestion.agent": "v1",
        "tags.responses": [value],
        "tags.responses.users": [user],
        "tags.responses.status": [status],
    }


def served(value, status="submitted", user=EVE):
    return record(
        [
            {
                "id": "r",
                "values": {"tags": {"value": value}},
                "status": status,
                "user_id": user,
                "inserted_at": "2026-05-01T10:00:00",
                "updated_at": "2026-05-01T12:00:00",
            }
        ]
    )


FORMS = pytest.mark.parametrize("form", [nested, flat, served])


@FORMS
def test_responses_of_argilla_come_back(form):
    found = from_argilla(form(["cv", "nlp"]))
    assert said(found) == [("nlp", "add")]
    (one,) = found.annotations
    assert (one.reviewer, one.source) == (f"argilla:{EVE}", f"argilla/7/{EVE}")
    assert one.at == ("2026-05-01T12:00:00.000000Z" if form is served else "")
    assert found.unused == {}


@FORMS
@pytest.mark.parametrize(
    ("value", "status", "decisions", "unused"),
    [
        (["nlp"], "draft", [], {"draft response": 1}),
        (["nlp"], "discarded", [("nlp", "skip")], {"discarded response": 1}),
        (None, "discarded", [("nlp", "skip")], {"discarded response": 1}),
        (None, "submitted", [], {"response without a value": 1}),
    ],
)
def test_drafts_and_discarded_and_empty_responses_decide_nothing(
    form, value, status, decisions, unused
):
    found = from_argilla(form(value, status))
    assert said(found) == decisions
    assert found.unused == unused


@FORMS
@pytest.mark.parametrize("user", [None, "", "None"])
def test_a_response_of_nobody_is_counted(form, user):
    found = from_argilla(form(["nlp"], user=user))
    assert (found.annotations, found.unused) == ([], {"response without a user": 1})


@FORMS
@pytest.mark.parametrize("value", ["nlp", 3, ["nlp", None], [{"value": "nlp", "rank": 1}], {}])
def test_what_is_no_list_of_labels_is_refused(form, value):
    with pytest.raises(TagifaiError, match="value: a list of strings is needed, got "):
        from_argilla(form(value))


@FORMS
def test_an_unknown_status_is_refused(form):
    with pytest.raises(TagifaiError, match=r"unknown status of a response .*'submited': did you"):
        from_argilla(form(["nlp"], "submited"))


def test_a_response_without_a_status_counts_and_that_is_said():
    found = from_argilla(nested(["nlp"], None))
    assert said(found) == [("cv", "remove"), ("nlp", "add")]
    assert found.unused == {"response without a status, taken as submitted": 1}


def test_a_discarded_response_of_the_server_without_values_is_a_skip():
    (response,) = served(None, "discarded")["responses"]
    assert said(from_argilla(record([{**response, "values": None}]))) == [("nlp", "skip")]


def test_no_response_is_nothing():
    for given in (record({}), record(None), record([]), {**flat(1), "tags.responses": None}):
        assert from_argilla(given).annotations == []


def test_another_question_is_refused_or_counted():
    other = [{"value": ["nlp"], "user_id": EVE}]
    with pytest.raises(TagifaiError, match="the question 'topic' is not 'tags'"):
        from_argilla(record({"topic": other}))
    text = [{"value": "so", "user_id": EVE}]
    with pytest.raises(TagifaiError, match="the question 'why' is not 'tags'"):
        from_argilla(record({"why": text}))
    both = record({"why": text, "tags": [{**other[0], "status": "submitted"}]})
    assert from_argilla(both).unused == {"response to the question 'why'": 1}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"metadata": {}}, "a record that tagifai did not write: metadata.tagifai is missing"),
        ({"metadata": None}, "metadata.tagifai is missing"),
        ({"metadata": {"tagifai": "{"}}, "metadata.tagifai: not JSON"),
        ({"metadata": {"tagifai": "[]"}}, r"metadata.tagifai: an object is needed, got \[\]"),
        ({"metadata": {"tagifai": "{}"}}, "metadata.tagifai.reviews is missing"),
        ({"responses": {"tags": {"value": []}}}, "responses.tags: a list is needed"),
        ({"responses": 3}, "responses: an object is needed, got 3"),
    ],
)
def test_a_malformed_record_is_told_by_its_field(given, message):
    with pytest.raises(TagifaiError, match=message):
        from_argilla({**record({}), **given})


def test_flat_columns_of_different_lengths_are_refused():
    with pytest.raises(TagifaiError, match=r"tags\.responses: 1 values, 2 users and 1 statuses"):
        from_argilla({**flat(["cv"]), "tags.responses.users": [EVE, EVE]})


def test_any_name_of_a_tag_survives():
    odd = ("a,b", "two\nlines", "<i>", '"', "日本語")
    written = build_tasks((), {"7": Project("7", "", "", odd[:2])}, odd, asked=[("7", odd[0])])
    (of_argilla,) = json.loads(json.dumps(argilla_records(written)))
    of_argilla["responses"] = {
        "tags": [{"value": list(odd[1:]), "user_id": EVE, "status": "submitted"}]
    }
    (of_studio,) = json.loads(json.dumps(label_studio_tasks(written)))
    of_studio["annotations"] = [annotation(list(odd[1:]))]
    expected = [("a,b", "remove"), ("<i>", "add"), ('"', "add"), ("日本語", "add")]
    assert said(from_argilla(of_argilla)) == said(from_label_studio(of_studio)) == expected
