"""Slices as HTML."""

from dataclasses import replace

from tagifai.metrics.intervals import Estimate
from tagifai.services.slices import MeasuredSlice, SliceProposal, SliceProposals
from tagifai.slices.builder import SliceFigures
from tagifai.ui.views.slices import render_found, render_measured, render_read_only, render_saved

HOSTILE = "<img src=x onerror='alert(1)'>"
PROPOSAL = SliceProposal(
    conditions=(f"tag {HOSTILE}", "at most 6 words"),
    given={"all_of": [HOSTILE], "max_words": 6},
    metric="precision",
    value=0.25,
    elsewhere=0.5,
    gap=0.25,
    low=0.125,
    high=0.375,
    num_samples=1060,
    p_value=0.001,
    q_value=0.01,
)
FOUND = SliceProposals((PROPOSAL,), 1234, 800, 90, "")
FIGURE = Estimate(0.5)
PART = SliceFigures(3, 4, precision=FIGURE, recall=Estimate(1.0, 0.5, 1.0), f1=FIGURE)


def test_a_proposal_is_a_row_that_has_its_conditions_as_the_key():
    shown = render_found(FOUND)
    assert "<img" not in shown
    assert '<tr data-key="{&#34;all_of&#34;:[&#34;&lt;img' in shown
    assert "&gt; and at most 6 words</td><td>precision</td>" in shown
    assert '<b>0.250</b> <span class="minor">0.125 to 0.375</span>' in shown
    assert '<td class="number">1,060</td><td class="number">0.010</td>' in shown
    assert "(1,234 tests on 800 projects; 90 kept back)" in shown
    assert "No slice is surely worse" in render_found(replace(FOUND, slices=()))
    assert "Left out: they may come." in render_found(replace(FOUND, in_sample="they may come"))


def test_what_cannot_be_measured_says_so():
    unknown = replace(PROPOSAL, value=None, gap=None, low=None, high=None)
    shown = render_found(replace(FOUND, slices=(PROPOSAL, unknown)))
    assert "too few projects to measure" in shown
    assert 'tabindex="0" class="few">' in shown
    assert '<td class="number">–</td><td class="number">0.500</td>' in shown


def test_a_part_without_an_interval_shows_its_figure_alone():
    found = MeasuredSlice(
        num_projects=1200,
        num_scored=900,
        note="9 <b>left</b> out.",
        in_sample="",
        test=PART,
        learned=PART,
        elsewhere=replace(PART, num_samples=10),
    )
    shown = render_measured(found)
    assert "<b>0.500</b></td>" in shown
    assert '<b>1.000</b> <span class="minor">0.500 to 1.000</span>' in shown
    assert 'data-count="1200">1,200 projects of the data are in the slice, 900 of them' in shown
    assert "9 &lt;b&gt;left&lt;/b&gt; out." in shown
    assert shown.count('<tr class="few">') == 2
    assert "in the slice, out of fold (train and validation)" in shown
    assert "in the slice, validation split" in render_measured(replace(found, in_sample="seen"))


def test_a_slice_with_nothing_to_count_shows_dashes():
    nothing = Estimate(None)
    empty = SliceFigures(0, 0, precision=nothing, recall=nothing, f1=nothing)
    shown = render_measured(MeasuredSlice(0, 0, "", "", empty, empty, empty))
    assert shown.count("<b>–</b>") == 9


def test_notices_escape_names_and_reasons():
    assert 'class="notice good" role="status">Saved as &lt;img' in render_saved(HOSTILE)
    assert 'class="notice warning" role="status">&lt;img' in render_read_only(HOSTILE)
    assert render_read_only("") == ""
