"""The link that the start prints: whoever opens it is the owner, others only look."""

import re

from pages import open_tab, watching
from playwright.sync_api import expect
from servers import running


def open_queue(page):
    open_tab(page, "Inspection")
    page.get_by_role("tab", name="Suspected label errors").click()
    page.wait_for_selector("#issues tbody tr")


def test_one_click_on_the_printed_link_makes_a_browser_the_owners(corpus, browser, tmp_path):
    flags = ["--data", corpus / "data", "--models", corpus / "model", "--no-cache",
             "--reviews", tmp_path / "reviews.sqlite"]  # fmt: skip
    with running("gradio_app.py", *flags) as server, browser.new_context() as context:
        server.wait_to_say("token=")
        link = re.search(r"http\S+", next(line for line in server.said if "token=" in line))[0]
        with watching(context) as open_page:
            page = open_page(server.url)
            open_queue(page)
            expect(page.locator("#reviewer")).to_contain_text("open the link that was printed")
            expect(page.locator("#review-right")).to_be_disabled()
            page.close()
            page = open_page(link)
            assert page.url == server.url
            open_queue(page)
            page.locator("#review-right").click()
            expect(page.locator("#issue-pair .told")).to_contain_text("Kept: label is right")
            page.close()
            # The cookie is enough from then on, and no script reads it.
            page = open_page(server.url)
            open_queue(page)
            expect(page.locator("#reviewer")).to_contain_text("local")
            assert "tagifai-owner" not in page.evaluate("document.cookie")
        assert "Traceback" not in "".join(server.said)
