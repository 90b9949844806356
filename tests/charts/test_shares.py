from tagifai.charts.shares import chart_shares


def test_terms_point_both_ways_and_tell_their_sum():
    drawn = chart_shares([("up <b>", 0.5), ("down", -0.25)], title="Sum", empty="none")
    assert 'aria-label="2 terms that sum to +0.250, from up &lt;b&gt; +0.500"' in drawn
    assert drawn.count("<rect") == 3  # one of them is the hatch
    assert drawn.count('fill="url(#lowers-hatch)"') == 1
    assert 'width="24.00%"' in drawn
    assert 'x="52.00%"' in drawn


def test_nothing_says_so():
    assert "none" in chart_shares([], title="Sum", empty="none")
