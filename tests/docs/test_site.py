"""The site: it builds without a warning, and each of its links leads somewhere."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.long
BUILD = ["sphinx", "-W", "--keep-going", "-a"]


class Page(HTMLParser):
    """The addresses that a page links to, what it loads, and its own anchors."""

    def __init__(self, path):
        super().__init__()
        self.links, self.loads, self.anchors = [], [], set()
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if "id" in given:
            self.anchors.add(given["id"])
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag in ("script", "img", "iframe") and given.get("src"):
            self.loads.append(given["src"])
        if tag == "link" and given.get("href"):
            self.loads.append(given["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    words = [*BUILD, "-q", "-d", folder / "cache", ROOT / "docs", folder / "html"]
    done = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path) for path in site.rglob("*.html")}


def test_the_recipe_builds_it_the_same_way():
    recipe = (ROOT / "justfile").read_text("utf-8").partition("\ndocs *ARGS:\n")[2]
    assert recipe.splitlines()[0].strip() == (
        f"{{{{ python }}}} -m {' '.join(BUILD)} {{{{ ARGS }}}} docs build/docs"
    )


def test_links_lead_to_pages_and_anchors_that_exist(pages, site):
    broken, followed = [], 0
    for path, page in pages.items():
        for address in [*page.links, *page.loads]:
            if urlsplit(address).scheme:
                continue
            name, anchor = urldefrag(address)
            target = (path.parent / unquote(name.partition("?")[0])).resolve() if name else path
            reached = target.is_file() and target.is_relative_to(site.resolve())
            if reached and anchor and target in pages:
                reached = unquote(anchor) in pages[target].anchors
            followed += 1
            if not reached:
                broken.append((str(path.relative_to(site)), address))
    assert broken == []
    assert followed > 1_000


def test_nothing_is_loaded_from_elsewhere(pages):
    loads = {address for page in pages.values() for address in page.loads}
    assert {one for one in loads if urlsplit(one).netloc} == set()


def test_every_page_of_the_folder_is_on_the_site(site):
    names = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    assert {one for one in names if not (site / one.with_suffix(".html")).is_file()} == set()


def test_what_the_reference_names_is_on_its_page(pages, site):
    text = (ROOT / "docs" / "python-reference.md").read_text("utf-8")
    named = re.findall(r"^\.\. auto\w+:: (\S+)$", text, re.M)
    assert len(named) > 10
    anchors = pages[site / "python-reference.html"].anchors
    assert [name for name in named if name not in anchors] == []
