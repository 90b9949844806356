"""Script, markup, Markdown, LaTeX and remote pictures in every field, seen in Chromium."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browser_corpus
import orjson
from chromium import launched
from pages import TABS
from security.calls import listening
from security.rows import Files, Measured, Row, measured
from servers import running

from tagifai.data import load_dataset
from tagifai.reviews import ReviewStore
from tagifai.store.naming import WORKSPACE
from tagifai.store.sources import FolderSource
from tagifai.training.releases import version_files
from tagifai.training.train import train

# Each sets `owned` where it runs, or asks for an address below {url}.
PAYLOADS = [
    "<script>owned=1</script>",
    "<img src=x onerror=owned=1>",
    '"><img src={url}/quote onerror=owned=1>',
    "'><svg onload=owned=1>",
    "</script><script>owned=1</script>",
    "</style><style>@import '{url}/style'</style>",
    "</textarea></title><img src={url}/area>",
    "<iframe srcdoc='<script>top.owned=1</script>'></iframe>",
    "<details open ontoggle=owned=1>x</details>",
    "<link rel=stylesheet href={url}/link>",
    "<meta http-equiv=refresh content='0;url={url}/meta'>",
    "<base href={url}/base/>",
    "<input autofocus onfocus=owned=1>",
    "![picture]({url}/markdown.png)",
    "[link](javascript:owned=1)",
    "$\\href{javascript:owned=1}{x}$ $$\\includegraphics{{url}/latex.png}$$",
    "${owned=1} {{constructor.constructor('owned=1')()}}",
    "<a href=javascript:owned=1>x</a>",
    "`<img src={url}/code>`",
    "<video src={url}/video poster={url}/poster><source onerror=owned=1></video>",
]
PARTS = {"Inspection": ("Tags", "Suspected label errors", "Slices")}
# Folded boxes are opened; then, in each list, the first row that can be chosen.
UNFOLD = """() => document.querySelectorAll('button.label-wrap:not(.open)').forEach(e => {
  if (e.checkVisibility()) e.click();
})"""
CHOOSE = """() => {
  const chosen = new Map();
  document.querySelectorAll('[data-key]').forEach(e => {
    const box = e.closest('.prose, [id]').closest('[id]').id;
    if (e.checkVisibility() && !chosen.has(box)) chosen.set(box, e);
  });
  chosen.forEach(e => e.click());
}"""
# The parts of the page that show a payload as a text.
SHOWN = """() => [...document.querySelectorAll('[id]')]
  .filter(e => /^[a-z]+(-[a-z]+)*$/.test(e.id) && e.checkVisibility())
  .filter(e => [e.textContent, ...[...e.querySelectorAll('input, textarea')].map(f => f.value)]
    .some(text => text.includes('owned=1')))
  .map(e => e.id)"""
OWNED = "() => window.owned !== undefined"
# Chromium's own words for what the page's policy kept back: something had got through to it.
KEPT_BACK = "Content Security Policy"
FEWEST_PLACES = 25


def write_corpus(folder: Path, url: str) -> None:
    """Write data and versions with a payload in every text that they hold."""
    payloads = [payload.replace("{url}", url) for payload in PAYLOADS]
    names = {
        tag: f"{tag[:20].strip('<')} {payloads[number]}"
        for number, tag in enumerate((*browser_corpus.WORDS, "rare", "python", "unlisted"))
    }
    projects = []
    for number in range(browser_corpus.NUM_PROJECTS):
        project: dict[str, Any] = browser_corpus.project(number)
        project["id"] = f"{number} {payloads[number % len(payloads)]}"
        project["title"] += " " + payloads[(number + 1) % len(payloads)]
        project["description"] += " ".join(payloads)
        project["tags"] = [names[tag] for tag in project["tags"]]
        project["url"] = ["javascript:owned=1", f'{url}/"onclick="owned=1'][number % 2]
        project[payloads[1]] = payloads[number % len(payloads)]
        projects.append(project)
    tags = [{"tag": name, "aliases": payloads[3:5], "parents": payloads[:2]}
            for name in names.values()]  # fmt: skip
    data = folder / "data"
    data.mkdir(parents=True)
    (data / "projects.json").write_bytes(orjson.dumps(projects))
    (data / "tags.json").write_bytes(orjson.dumps(tags))
    first = next(iter(names.values()))
    (data / "slices.json").write_bytes(orjson.dumps([
        {"name": payloads[2][:80], "description": payloads[4], "all_of": [first]},
    ]))  # fmt: skip
    (data / "data.toml").write_text(f"excluded = [{json.dumps(names['python'])}]")
    (data / "behavioral.json").write_bytes(orjson.dumps([
        {"type": "MFT", "group": payloads[1], "cases": [{"text": text, "expected": [first]}]}
        for text in payloads
    ]))  # fmt: skip
    dataset, source = load_dataset(data), FolderSource(folder / "model")
    for name, params in (("v0.1.0", browser_corpus.SIMPLE), ("v0.2.0", browser_corpus.BETTER)):
        trained = train(dataset, params)
        files = version_files(trained, dataset, name=name, notes=" ".join(payloads)[:1_000])
        info = json.loads(files["version.json"])
        info |= {"links": {payloads[2]: "javascript:owned=1", payloads[1]: f"{url}/a'onclick='x"},
                 payloads[8]: payloads[9], "created": payloads[1]}  # fmt: skip
        given = json.loads(files["params.json"]) | {payloads[0]: payloads[1]}
        files |= {"version.json": orjson.dumps(info), "params.json": orjson.dumps(given)}
        source.write(name, files)
        if name == "v0.1.0":
            source.write(WORKSPACE, files)


def look_at_all(page: Any) -> Iterator[str]:
    """Open every tab, part, folded box and list; name each view after looking at it."""
    for tab, filled in TABS.items():
        page.get_by_role("tab", name=tab, exact=True).click()
        page.wait_for_selector(filled)
        for part in PARTS.get(tab, ("",)):
            if part:
                page.get_by_role("tab", name=part, exact=True).click()
            for step in (UNFOLD, CHOOSE, CHOOSE):
                page.evaluate(step)
                page.wait_for_timeout(600)
            yield f"{tab} {part}".strip()
    page.get_by_role("tab", name="Inference", exact=True).click()
    for payload in PAYLOADS:
        page.locator("#inference-text textarea").fill(f"{payload} images pixels masks")
        page.wait_for_timeout(120)
    yield "texts to predict"


def measure_payloads(files: Files, full: bool) -> Measured:
    folder = files.folder
    wrong: list[str] = []
    with listening() as (url, asked), launched(folder / "profile") as context:
        write_corpus(folder, url)
        reviews = folder / "reviews.sqlite"
        store = ReviewStore(reviews, journal="delete")
        note = " ".join(PAYLOADS).replace("{url}", url)
        projects = load_dataset(folder / "data").projects
        store.submit(reviewer=PAYLOADS[1], project=projects[0].id, tag=projects[0].tags[0],
                  decision="skip", note=note[:2_000])  # fmt: skip
        store.close()
        words = ["gradio_app.py", "--data", folder / "data", "--models", folder / "model",
                 "--cache-dir", folder / "cache", "--reviews", reviews]  # fmt: skip
        with running(*words) as server:
            page = context.new_page()
            outside: list[str] = []
            allowed = (server.url, "data:", "blob:", "about:")
            page.on("request", lambda r: r.url.startswith(allowed) or outside.append(r.url))
            page.on("dialog", lambda dialog: (outside.append(dialog.message), dialog.dismiss()))
            page.on("console", lambda m: outside.append(m.text) if KEPT_BACK in m.text else None)
            page.goto(server.url)
            shown: set[str] = set()
            for where in look_at_all(page):
                shown.update(page.evaluate(SHOWN))
                if page.evaluate(OWNED):
                    wrong.append(f"{where}: executed")
                    break
            if not page.url.startswith(server.url):
                wrong.append(f"the page was led to {page.url}")
            if page.locator("text=an error occurred").count():
                wrong.append("a part of the page broke")
    wrong += [f"asked for {one[:100]}" for one in outside[:3]]
    wrong += [f"fetched {one}" for one in asked[:3]]
    if len(shown) < FEWEST_PLACES:
        wrong.append(f"only {len(shown)} parts of the page showed one: {sorted(shown)}")
    return measured(
        f"{len(PAYLOADS)} payloads in every field, texts in {len(shown)} parts of the page: "
        f"{'some' if wrong else 'none'} executed, {len(outside) + len(asked)} requests outside",
        wrong,
    )


ROWS = [
    Row("payloads", "script, markdown, LaTeX and remote-image payloads in every field of the "
        "data, in every component, in Chromium", "nothing executes, no request leaves",
        measure_payloads, slow=True),
]  # fmt: skip
