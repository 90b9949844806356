"""Two replicas behind a real nginx, set up as docs/hosting.md says."""

import os
import re
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack

import httpx
import pytest
from pages import open_tab, watching
from servers import ROOT, free_port, running

from tagifai.services.users import set_password

pytestmark = pytest.mark.long
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
PASSWORD = "correct horse battery"
AROUND = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    add_header X-Replica $upstream_addr always;
{site}
}}
"""


def unavailable(reason):
    if os.environ.get("TAGIFAI_REQUIRE_NGINX") == "1":
        pytest.fail(f"TAGIFAI_REQUIRE_NGINX=1, and {reason}")
    pytest.skip(reason)


def documented_site(ports):
    """Return the server of the document, on other ports."""
    text = (ROOT / "docs" / "hosting.md").read_text("utf-8")
    site = re.search(r"^```nginx\n(.*?)^```", text, re.M | re.S)[1]
    for written, port in ports.items():
        assert f":{written};" in site
        site = site.replace(f":{written};", f":{port};")
    return site


def wait_for_port(port):
    for _ in range(200):
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"nothing listens on {port}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("replicas")


@pytest.fixture(scope="module")
def site(folder, small_data, small_models):
    """Return the address at which nginx serves two replicas."""
    if NGINX is None:
        unavailable("no nginx on the PATH (apt-get install nginx-light)")
    set_password(folder / "users.json", "ann", PASSWORD)
    ports = {written: free_port() for written in (7861, 7862, 8080)}
    (folder / "conf").write_text(AROUND.format(folder=folder, site=documented_site(ports)))
    flags = [
        "--data", small_data, "--models", small_models, "--root-path", "/tagifai",
        "--cache-dir", folder / "cache", "--reviews", folder / "reviews.sqlite",
        "--auth-file", folder / "users.json", "--reviewers", "ann", "--trusted-proxy", "127.0.0.1",
    ]  # fmt: skip
    with ExitStack() as stack:
        for replica in (7861, 7862):
            stack.enter_context(running("gradio_app.py", *flags, port=ports[replica]))
        nginx = subprocess.Popen([NGINX, "-c", folder / "conf", "-e", folder / "early.log"])
        try:
            wait_for_port(ports[8080])
            yield f"http://127.0.0.1:{ports[8080]}/tagifai"
        finally:
            nginx.terminate()
            nginx.wait(10)


class Visitor:
    """Somebody at an address of their own, with a jar for cookies."""

    def __init__(self, site, address):
        self.client = httpx.Client(
            transport=httpx.HTTPTransport(local_address=address), timeout=60, trust_env=False
        )
        self.site = site

    def replica(self):
        return self.client.get(f"{self.site}/health").headers["x-replica"]

    def log_in(self):
        form = {"username": "ann", "password": PASSWORD}
        return self.client.post(f"{self.site}/login", data=form).status_code

    def call(self, name, **arguments):
        made = self.client.post(f"{self.site}/gradio_api/call/v2/{name}", json=arguments)
        made.raise_for_status()
        told = self.client.get(f"{self.site}/gradio_api/call/{name}/{made.json()['event_id']}")
        kind, _, data = told.text.strip().partition("\ndata: ")
        assert kind == "event: complete", told.text
        return httpx.Response(200, text=data).json()[0]


@pytest.fixture(scope="module")
def visitors(site):
    """Two visitors whom nginx sends to different replicas."""
    first, *others = [Visitor(site, f"127.0.0.{number}") for number in range(2, 12)]
    second = next(other for other in others if other.replica() != first.replica())
    return first, second


def test_health_is_told_without_a_login_and_under_the_path(site):
    answer = httpx.get(f"{site}/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_a_visitor_stays_with_a_replica(visitors):
    for visitor in visitors:
        assert len({visitor.replica() for _ in range(5)}) == 1


def test_who_is_not_logged_in_is_told_nothing(site):
    with pytest.raises(httpx.HTTPStatusError, match="401"):
        Visitor(site, "127.0.0.1").call("list_versions")


def test_replicas_share_what_was_computed_and_what_was_reviewed(visitors, folder):
    assert [visitor.log_in() for visitor in visitors] == [200, 200]
    first, second = visitors
    versions = {"version_a": "v0.1.0", "version_b": "v0.2.0"}
    compared = first.call("compare_versions", **versions)
    kept = sorted((folder / "cache").rglob("*"))
    assert second.call("compare_versions", **versions) == compared
    assert sorted((folder / "cache").rglob("*")) == kept != []

    reviewed = {"version": "v0.2.0", "project": "0", "tag": "transformers", "decision": "right"}
    assert first.call("submit_review", **reviewed)["reviewer"] == "ann"
    listed = second.call("list_label_issues", version="v0.2.0", tag="transformers", kind="missing")
    status = {issue["id"]: issue["status"] for issue in listed["items"]}
    again = {**reviewed, "note": "seen from the other replica"}
    assert status.get("0", "right") == "right"
    assert second.call("submit_review", **again)["note"] == "seen from the other replica"


def test_the_page_works_under_the_path(site, browser):
    # With a profile Chromium would ask for the manifest, which Gradio names at the host's root.
    with browser.new_context() as context, watching(context) as open_page:
        page = open_page(f"{site}/")
        page.get_by_label("username").fill("ann")
        page.get_by_label("password").fill(PASSWORD)
        page.get_by_role("button", name="Login").click()
        page.get_by_role("tab", name="Performance").wait_for()
        open_tab(page, "Performance")
        assert page.locator("#verdict").inner_text() != ""
