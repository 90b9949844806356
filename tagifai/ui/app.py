"""Put the four tabs on one page."""

from pathlib import Path
from typing import Any

import gradio as gr

from tagifai.browse import SORTS
from tagifai.preprocessing import FILTERS, STOPWORDS
from tagifai.ui import data_tab
from tagifai.workbench import Workbench

TITLE = "tagifai"
STYLE = Path(__file__).with_name("style.css")
HEADING = """<div class="page-title"><h1>tagifai</h1>
<p>Is the data good enough, is the new version better, why did it predict this, which labels are
wrong? One look at a multi-label text classifier.</p></div>"""
LINKS = """<p class="note">Documentation and sources:
<a href="https://github.com/GokuMohandas/Made-With-ML" rel="noopener noreferrer"
target="_blank">the course that this follows</a></p>"""


def build_app(bench: Workbench, min_tag_freq: int = 30) -> gr.Blocks:
    """Build the page over a workbench; nothing is read or computed until somebody opens it."""
    with gr.Blocks(title=TITLE, analytics_enabled=False) as demo:
        gr.HTML(HEADING)
        with gr.Tabs(elem_id="tabs", overflow_behavior="wrap"):
            with gr.Tab("Data", id="data", elem_id="tab-data", render_children=True):
                data_tab.build(
                    demo.load,
                    describe_data=bench.describe_data,
                    filter_tags=bench.filter_tags,
                    page_projects=bench.page_projects,
                    describe_tag=bench.describe_tag,
                    count_words=bench.count_words,
                    preprocess=bench.preprocess,
                    filters=FILTERS,
                    stopwords=" ".join(STOPWORDS),
                    sorts=list(SORTS),
                    min_tag_freq=min_tag_freq,
                )
    return demo


def launch_options() -> dict[str, Any]:
    """Give the arguments of `launch` that belong to the page: looks, and what stays off."""
    return {
        "theme": gr.themes.Soft(primary_hue="blue", font=["system-ui", "sans-serif"],
                                font_mono=["ui-monospace", "monospace"]),
        "css_paths": [STYLE],
        "run_history": False,
        "ssr_mode": False,
        "show_error": False,
        "state_session_capacity": 200,
        "footer_links": ["api"],
    }  # fmt: skip
