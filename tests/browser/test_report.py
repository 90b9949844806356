from pages import open_tab
from playwright.sync_api import expect


def test_a_report_is_saved_and_read_without_a_server(page, browser, tmp_path):
    open_tab(page, "Performance")
    button = page.locator("#export-report")
    with page.expect_download() as download:
        button.click()
    expect(button).to_have_text("Save a report to send (HTML)")
    expect(button).to_be_enabled()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name == "v0.2.0-workspace.html"
    asked = []
    for width, scheme in ((1280, "light"), (390, "dark")):
        with browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
        ) as context:
            report = context.new_page()
            report.on("request", lambda request: asked.append(request.url))
            report.goto(file.as_uri())
            expect(report.locator("h1")).to_have_text("workspace compared with v0.2.0")
            assert report.evaluate("document.documentElement.scrollWidth") <= width
            ground = report.evaluate("getComputedStyle(document.body).backgroundColor")
            assert ground == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(21, 24, 29)")
    assert asked == [file.as_uri()] * 2
