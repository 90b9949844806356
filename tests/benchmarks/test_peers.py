"""Do the peers show what they are said to? TAGIFAI_BENCH=1 looks; it takes Streamlit."""

import json
import os
from importlib.util import find_spec

import pytest
from small_corpus import small_dataset

from benchmarks.apps import PEERS, PLAIN, TUNED, expected_plots
from benchmarks.counted import PlainCount
from benchmarks.processes import ROOT

pytestmark = [
    pytest.mark.skipif(
        os.environ.get("TAGIFAI_BENCH") != "1", reason="TAGIFAI_BENCH=1 asks for it"
    ),
    pytest.mark.skipif(find_spec("streamlit") is None, reason="requirements-bench.txt"),
]


@pytest.mark.parametrize(("who", "script"), [(PLAIN, "plain.py"), (TUNED, "tuned.py")])
def test_lists_and_plots_follow_the_slider(small_data, monkeypatch, who, script):
    from streamlit.testing.v1 import AppTest

    monkeypatch.setenv("BENCH_DATA", str(small_data))
    projects = json.loads((small_data / "projects.json").read_text())
    tags = json.loads((small_data / "tags.json").read_text())
    plain = PlainCount(projects, tags, ())
    assert len(projects) == len(small_dataset(80).projects)
    app = AppTest.from_file(str(ROOT / PEERS / script), default_timeout=60).run()
    for frequency in (1, *(count for _, count in plain.counts), plain.counts[0][1] + 1):
        app.slider[0].set_value(frequency).run()
        assert not app.exception
        shown = plain.at(frequency)
        for table, rows in zip(
            app.table, (shown.most_common, shown.just_made, shown.just_missed), strict=False
        ):
            assert [(str(tag), int(n)) for tag, n in table.value.itertuples()] == rows
        assert captions(app, who) == expected_plots(who, shown)


def captions(app, who):
    if who == PLAIN:
        return [caption.value for caption in app.caption][:2]
    return [pictures.proto.imgs[0].caption for pictures in app.get("imgs")]
