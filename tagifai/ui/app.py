"""Put the four tabs on one page."""

from collections.abc import Callable
from pathlib import Path

import gradio as gr

from tagifai.services.app import Services
from tagifai.ui import api, links, loading
from tagifai.ui.gradio_fixes import fields, progress
from tagifai.ui.server import account
from tagifai.ui.server.page import Appearance, Page
from tagifai.ui.tabs.data import DataTab
from tagifai.ui.tabs.inference import InferenceTab
from tagifai.ui.tabs.inspection import InspectionTab
from tagifai.ui.tabs.label_errors import LabelErrorsTab
from tagifai.ui.tabs.performance import PerformanceTab
from tagifai.ui.tabs.slices import SlicesTab
from tagifai.ui.theme import theme

TITLE = "tagifai"
STYLE = Path(__file__).with_name("style.css")
HEADING = """<div class="page-title"><h1>tagifai</h1>
<p>Is the data good enough, is the new version better, why did it predict this, which labels are
wrong? One look at a multi-label text classifier.</p></div>"""


def build_app(
    services: Services,
    min_tag_freq: int = 30,
    selected: Callable[[str], None] | None = None,
) -> gr.Blocks:
    """Build the page over the services; nothing is read or computed until somebody opens it.

    `selected` is called with what is selected on the page, whenever that changes.
    """
    routes: list[links.Route] = []

    def route(tab: str, shown: gr.Tab, part: str = "") -> links.Route:
        # On the page from the start, where a tab's own controls wait for its first visit.
        with head:
            routes.append(links.Route(tab, part, [shown.select]))
        return routes[-1]

    with Page(title=TITLE, analytics_enabled=False, delete_cache=(600, 3_600)) as demo:
        # First, so that no private event takes an endpoint's name.
        api.build(services)
        with gr.Column(elem_classes="page-top") as head:
            pass
        with gr.Tabs(elem_id="tabs", overflow_behavior="wrap") as tabs:
            with gr.Tab("Data", id="data", elem_id="tab-data") as data:
                DataTab(services, route("data", data), min_tag_freq).build()
            with gr.Tab("Performance", id="performance", elem_id="tab-performance") as performance:
                PerformanceTab(services, route("performance", performance)).build()
            with gr.Tab("Inference", id="inference", elem_id="tab-inference") as inference:
                InferenceTab(services, route("inference", inference)).build()
            with gr.Tab("Inspection", id="inspection", elem_id="tab-inspection") as inspection:
                version = gr.Dropdown(
                    [], label="Version", elem_id="inspect-version", interactive=True
                )
                with gr.Tabs(elem_id="inspection-parts", overflow_behavior="wrap") as parts:
                    with gr.Tab("Tags", id="tags", elem_id="tab-tags"):
                        tags = InspectionTab(
                            services, route("inspection", inspection, "tags"), version
                        )
                        tags.build()
                    with gr.Tab(
                        "Suspected label errors", id="label-errors", elem_id="tab-label-errors"
                    ) as labels:
                        LabelErrorsTab(
                            services, route("inspection", labels, "label-errors"), version
                        ).build(tags.version_chosen)
                    with gr.Tab("Slices", id="slices", elem_id="tab-slices") as slices:
                        SlicesTab(services, route("inspection", slices, "slices"), version).build(
                            tags.version_chosen
                        )
        with head:
            links.Address(routes, tabs, parts, selected).build(demo.load, HEADING)
            waiting = progress.add_waiting()
            loading.build(demo.load, lambda: services.warm_up.progress())
            if account.is_offered(services.space, services.settings):
                account.build()
    fields.size_by_style(demo)
    progress.narrow(demo, waiting)
    account.keep_private(demo)
    return demo


def appearance() -> Appearance:
    """Return how the page looks, for the server."""
    return {"theme": theme(), "css_paths": [STYLE], "footer_links": ["api"]}
