"""The page while the server still loads: how far it is, and what cannot be loaded."""

import threading
from urllib.request import urlopen

import pytest
from pages import TABS, field, open_tab
from playwright.sync_api import expect
from servers import free_port

from tagifai.data import load_dataset
from tagifai.services.app import Services
from tagifai.services.data import DataService
from tagifai.settings import Settings
from tagifai.ui.app import appearance, build_app
from tagifai.ui.gradio_fixes.queues import bound_queue
from tagifai.ui.server.serving import Server, build_server_app

ANSWERS = (
    "performance.getEntriesByType('resource')"
    ".filter(one => /run.predict|queue.join/.test(one.name))"
)


@pytest.fixture
def gate():
    opened = threading.Event()
    yield opened
    opened.set()


@pytest.fixture
def loading(corpus, gate, tmp_path):
    """A server whose projects, cut off in the middle, wait to be read until the gate opens."""
    whole = (corpus / "data" / "projects.json").read_bytes()
    (tmp_path / "projects.json").write_bytes(whole[:-9])
    (tmp_path / "tags.json").write_bytes((corpus / "data" / "tags.json").read_bytes())

    def load_late(folder, advance):
        advance(1_000)
        gate.wait(60)
        return load_dataset(folder, advance)

    settings = Settings(
        data=tmp_path, models=str(corpus / "model"), no_cache=True, no_token=True, port=free_port()
    )

    class Late(Services):
        data = DataService(tmp_path, load_late)

    services = Late(settings)
    page = bound_queue(build_app(services))
    server = Server(build_server_app(page, settings, appearance()), settings)
    with server.in_background():
        services.warm_up.start()
        yield f"http://127.0.0.1:{settings.port}/"
        gate.set()
        services.warm_up.wait(60)


@pytest.mark.long
def test_the_page_says_how_far_it_is_and_one_broken_part_leaves_the_others(
    loading, gate, corpus, tmp_path, open_page
):
    page = open_page(loading)
    line = page.locator("#loading [role=status]")
    expect(line).to_have_text("Loading the projects (1,000 read) …")
    assert urlopen(f"{loading}health", timeout=20).status == 200
    assert page.locator(TABS["Data"]).count() == 0
    gate.set()

    expect(page.locator("#tab-data .error")).to_contain_text("projects.json: not JSON")
    expect(line).to_have_count(0)
    open_tab(page, "Performance")
    page.get_by_role("tab", name="Inference").click()
    # Without the data there is no text to begin with.
    expect(page.locator("#inference-predicted")).to_contain_text("no word to predict from")
    field(page, "#inference-text").fill("masks of regions")
    page.wait_for_selector(TABS["Inference"])
    (tmp_path / "projects.json").write_bytes((corpus / "data" / "projects.json").read_bytes())
    open_tab(page, "Data")
    expect(page.locator("#projects-table [data-count]")).to_contain_text("240 projects")

    gate.clear()
    (tmp_path / "tags.json").write_bytes((tmp_path / "tags.json").read_bytes() + b"\n")
    late = open_page(f"{loading}?tab=data&min_tag_freq=100&query=masks")
    slider = late.locator("#min-tag-freq input[type=range]")
    late.wait_for_function(f"{ANSWERS}.length >= 2")  # the link is read
    assert late.locator(TABS["Data"]).count() == 0
    gate.set()
    expect(late.locator("#projects-table [data-count]")).to_contain_text("of 240 projects match")
    expect(slider).to_have_value("100")
