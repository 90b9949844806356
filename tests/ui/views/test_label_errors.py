"""Suspected label errors as HTML."""

import re
from dataclasses import replace

import numpy as np
import pytest

from tagifai.label_errors.evidence import CoTag
from tagifai.label_errors.label_issues import LabelIssue, Neighbour
from tagifai.metrics import Averages, OverallMetrics, SampleFigures, overall_metrics
from tagifai.reviews.queues import QueuedPair
from tagifai.reviews.verdicts import Preview
from tagifai.selection import Paged
from tagifai.services.reviews import PairDescription
from tagifai.store.review_events import Review
from tagifai.ui.views.label_errors import (
    render_commands,
    render_counts,
    render_marked,
    render_message,
    render_pair,
    render_preview,
    render_queue,
    render_reviewer,
)

HOSTILE = "<img src=x onerror='alert(1)'>"
ESCAPED = "&lt;img src=x onerror=&#39;alert(1)&#39;&gt;"
ISSUE = LabelIssue(
    id=HOSTILE,
    tag=f"{HOSTILE}2",
    kind="missing",
    split="test",
    probability=0.5,
    held_out=True,
    score=0.75,
    named=HOSTILE,
    along=(CoTag(HOSTILE, 4, 0.5), CoTag("nlp", 1000, 0.25)),
    neighbour_share=0.25,
    neighbours=(Neighbour(HOSTILE, (HOSTILE,), 0.5),),
    y_true=(),
    title=HOSTILE,
    description="",
)
REVIEWS = tuple(
    Review(f"u{minute}", f"2026-01-31T12:0{minute}:00.000000Z", who, HOSTILE, "nlp", decision, note)
    for minute, (who, decision, note) in enumerate(
        [(HOSTILE, "add", HOSTILE), ("ben", "right", "")]
    )
)
PAIR = PairDescription(
    issue=ISSUE,
    text=f"{HOSTILE} {HOSTILE}",
    marks=((0, 4),),
    tags=(HOSTILE,),
    status="conflict",
    reviews=REVIEWS,
    data_digest="d",
)
QUEUED = QueuedPair(
    id="7",
    tag="nlp",
    kind="missing",
    split="test",
    probability=0.5,
    score=0.75,
    named=True,
    neighbour_share=0.25,
    title="A title",
    status="",
)


def words(shown):
    return " ".join(re.sub(r"<[^>]+>", " ", shown).split())


def test_nothing_of_a_stranger_is_markup():
    item = replace(QUEUED, id=HOSTILE, tag=HOSTILE, title=HOSTILE)
    for shown in (
        render_pair(PAIR),
        render_queue(Paged((item,), 1, 1, 1), None),
        render_commands([HOSTILE]),
        render_reviewer(HOSTILE, "", HOSTILE, HOSTILE, HOSTILE),
        render_reviewer("", HOSTILE, "", "", ""),
        render_message(HOSTILE),
    ):
        assert "<img" not in shown
        assert ESCAPED in shown


def test_a_row_of_the_queue_has_its_pair_and_what_speaks_for_it():
    plain = replace(QUEUED, id="8", named=False, status="conflict")
    shown = render_queue(Paged((QUEUED, plain), 2, 3, 1200), ("8", "nlp"))
    assert 'data-count="1200">1,200 pairs of project and tag' in shown
    assert "page 2 of 3" in shown
    assert '<tr data-key="[&#34;7&#34;,&#34;nlp&#34;]" tabindex="0"><td>' in shown
    assert '<tr data-key="[&#34;8&#34;,&#34;nlp&#34;]" tabindex="0" class="chosen"><td>' in shown
    assert "named in the text; 25% of its neighbours" in shown
    assert shown.count("25% of its neighbours") == 2
    assert shown.count("named in the text") == 1
    assert '<span class="chip wrong">conflict</span>' in shown
    empty = render_queue(Paged((), 1, 1, 0), None)
    assert "No pair fits this choice: nothing left to review here." in empty
    assert "<table" not in empty


def test_a_pair_is_a_question_with_its_evidence():
    plain = replace(
        PAIR,
        issue=replace(
            ISSUE,
            id="7",
            tag="nlp",
            kind="wrong",
            named=None,
            along=(),
            neighbours=(),
            held_out=False,
        ),
        tags=("nlp", "bert"),
        status="",
        reviews=(),
    )
    shown = render_pair(plain)
    assert '<article class="pair" data-pair="[&#34;7&#34;,&#34;nlp&#34;]"><h3>Does' in shown
    told = words(shown)
    assert "Does nlp belong here? Project 7, split test; nlp is among its labels." in told
    assert "Labels now: nlp bert" in told
    assert "Probability, by a model that saw, or may have seen, it 0.500" in told
    assert "Name no name of the tag stands in the text" in told
    assert "Comes along with its labels no more than usual" in told
    assert "Nearest neighbours with the tag 25%, weighted by likeness" in told
    assert "No other project shares a word with it." in told
    assert "Reviews of this pair" not in told
    assert "Labels now: none" in words(render_pair(replace(plain, tags=())))
    assert "No pair is chosen." in render_pair(None)


def test_a_conflict_is_shown_with_who_said_what():
    told = words(render_pair(PAIR))
    assert "Should it carry" in told
    assert "Reviewers disagree: nothing is changed here" in told
    assert "2 of 4 others with" in told
    assert "; 250 of 1,000 others with nlp" in told
    assert "label is right" in told
    assert "2026-01-31 12:01" in told


@pytest.mark.parametrize(
    ("text", "title", "marks", "markup"),
    [
        ("A CNN for cats", "A", [(2, 5)], "<b>A</b> <mark>CNN</mark> for cats"),
        ("A\nCNN <", "", [(2, 5), (2, 5)], "A <mark>CNN</mark> &lt;"),
        ("", "", [], ""),
        ("x" * 5000, "", [], "x" * 4000 + "…"),
    ],
)
def test_names_are_marked_in_the_text(text, title, marks, markup):
    assert render_marked(text, title, marks) == markup


def figures_of(f1):
    averages = {"f1": f1, "precision": 0.5, "recall": 0.5, "average_precision": None}
    weighted = Averages(averages, dict.fromkeys(averages, 3), "num_tags", 9)
    micro = SampleFigures(0.5, 0.5, 0.5, 9)
    return OverallMetrics(weighted, weighted, micro, weighted, None)


def test_counts_and_previews_are_put_into_words():
    counts = {"add": 2, "remove": 0, "right": 1, "conflict": 0, "skipped": 0}
    assert render_counts(counts) == (
        '<p class="minor">3 pairs reviewed: 2 × add the tag, 1 × label is right.</p>'
    )
    assert render_counts(dict.fromkeys(counts, 0)) == '<p class="minor">No review yet.</p>'
    preview = Preview(figures_of(0.5), figures_of(0.5125), 2, 0, 3, 0)
    shown = render_preview(preview, counts)
    assert "+1.25 points" in shown
    assert "2 labels of the test split would change. 3 of other splits" in shown
    assert shown.endswith("learns from. The same predictions, scored against other labels.</p>")
    assert "No accepted change yet" in render_preview(preview, {**counts, "add": 0})


def test_a_preview_says_how_many_tags_its_averages_are_over():
    counts = {"add": 1, "remove": 0, "right": 0, "conflict": 0, "skipped": 0}
    true, predicted = np.array([[1, 0], [1, 0]]), np.array([[1, 0], [1, 0]])
    preview = Preview(
        overall_metrics(true, predicted, predicted * 0.9),
        overall_metrics(np.array([[1, 0], [1, 1]]), predicted, predicted * 0.9),
        num_changed=1,
        num_same=0,
        num_elsewhere=0,
        num_unknown=0,
    )
    shown = words(render_preview(preview, counts))
    assert "F1, tags alike (macro) 1.000 0.500 -50.00 points 1 → 2" in shown
    # Precision of the second tag stays undefined: it is never predicted.
    assert "precision, weighted 1.000 1.000 +0.00 points 1 " in shown


def test_commands_stand_one_to_a_line():
    assert render_commands(["a b", "c"]).endswith('<pre class="commands">a b\nc</pre>')
