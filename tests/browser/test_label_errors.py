import json
import re
import shutil
from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import orjson
import pytest
from browser_corpus import HOSTILE_TAG, SIMPLE
from pages import TABS, choose, field, go_to, open_tab
from playwright.sync_api import expect

from tagifai.cli.parser import main
from tagifai.reviews import ReviewStore
from tagifai.services.users import set_password
from tagifai.store.sources import FolderSource
from tagifai.store.versions import load_version

PASSWORD = "correct horse"


@pytest.fixture
def home(corpus):
    """The folder that has the data; what a test writes to it is gone afterwards."""
    yield corpus
    for name in ("reviews.sqlite", "slices.json"):
        (corpus / "data" / name).unlink(missing_ok=True)


@pytest.fixture
def queue(shared_page, home):
    """The queue as it is when it opens."""
    shared_page.wait_for_selector(TABS["Data"], state="attached")
    go_to(shared_page, "?tab=inspection&part=label-errors&version=v0.2.0")
    expect(field(shared_page, "#issue-tag")).to_have_value("all tags")
    expect(field(shared_page, "#issue-state")).to_have_value("undecided")
    shared_page.wait_for_selector("#issues tbody tr")
    return shared_page


def open_queue(page):
    open_tab(page, "Inspection")
    page.get_by_role("tab", name="Suspected label errors").click()
    page.wait_for_selector("#issues tbody tr")


def current(page):
    """Return which pair is on the screen."""
    return tuple(json.loads(page.locator("#issue-pair .pair").get_attribute("data-pair")))


def press(page, key, told):
    was = current(page)
    page.keyboard.press(key)
    expect(page.locator("#issue-pair .told")).to_contain_text(told)
    return was


def events(home):
    store = ReviewStore(home / "data" / "reviews.sqlite", journal="delete")
    found = [(e.reviewer, e.project, e.tag, e.decision, e.note) for e in store.events()]
    store.close()
    return found


def command(*words):
    with redirect_stdout(StringIO()) as said:
        assert main([*map(str, words)]) == 0
    return said.getvalue()


def test_keys_decide_and_the_next_pair_comes_up(queue, home, open_page):
    page = queue
    expect(page.locator("#reviewer")).to_contain_text("under the name local")
    first = press(page, "a", "Kept: add")
    second = press(page, "l", "Kept: label is right")
    third = press(page, "s", "Kept: skip")
    fourth = current(page)
    assert len({first, second, third, fourth}) == 4
    assert press(page, "u", "Taken back") == fourth
    assert current(page) == third
    press(page, "a", "Kept: add")
    expect(page.locator("#review-preview")).to_contain_text("3 pairs reviewed: 2 × add the tag")
    expect(page.locator("#review-preview")).to_contain_text("python -m tagifai reviews apply")

    # What is written is no command, and a key that makes no sense here does nothing.
    note = field(page, "#review-note")
    note.press_sequentially("a laser, rarely us")
    note.blur()
    before = current(page)
    page.keyboard.press("r")
    page.keyboard.press("Control+a")
    page.get_by_role("tab", name="Tags").click()
    page.keyboard.press("a")
    page.get_by_role("tab", name="Suspected label errors").click()
    expect(note).to_have_value("a laser, rarely us")
    page.wait_for_selector("#issues tbody tr")
    assert current(page) == before
    press(page, "l", "Kept: label is right")
    expect(note).to_have_value("")
    assert [event[1:] for event in events(home)] == [
        (*first, "add", ""),
        (*second, "right", ""),
        (*third, "skip", ""),
        (*third, "undo", ""),
        (*third, "add", ""),
        (*before, "right", "a laser, rarely us"),
    ]

    choose(page, "#issue-state", "decided")
    expect(page.locator("#issues [data-count]")).to_have_attribute("data-count", "4")
    other = page.locator("#issues tbody tr:not(.chosen)").first
    chosen = tuple(json.loads(other.get_attribute("data-key"))[:2])
    other.click()
    pair = page.locator("#issue-pair .pair")
    expect(pair).to_have_attribute("data-pair", json.dumps(chosen, separators=(",", ":")))
    expect(page.locator("#issue-pair caption")).to_have_text("Reviews of this pair")
    expect(page).to_have_url(re.compile(f"pair=.*{chosen[0]}"))

    page = open_page(page.url)
    pair = page.locator("#issue-pair .pair")
    expect(pair).to_have_attribute("data-pair", json.dumps(chosen, separators=(",", ":")))
    choose(page, "#issue-state", "undecided")
    expect(page.locator("#issues [data-count]")).not_to_have_attribute("data-count", "4")
    assert current(page) not in {first, second, third, before}


def test_filters_narrow_the_queue_and_a_pair_shows_its_evidence(queue):
    page = queue
    counted = page.locator("#issues [data-count]")
    everything = counted.get_attribute("data-count")
    choose(page, "#issue-split", "test")
    expect(counted).not_to_have_attribute("data-count", everything)
    first = current(page)
    field(page, "#issues-page").fill("2")
    expect(counted).to_contain_text("page 2 of")
    assert current(page) != first
    choose(page, "#issue-state", "conflicts")
    expect(page.locator("#issues")).to_contain_text("nothing left to review here")
    expect(page.locator("#issue-pair")).to_contain_text("No pair is chosen")
    choose(page, "#issue-state", "undecided")
    choose(page, "#issue-split", "all")
    expect(counted).to_have_attribute("data-count", everything)

    choose(page, "#issue-tag", "transformers")
    expect(page.locator("#issues tbody tr b").first).to_have_text("transformers")
    page.locator("#issues tbody tr").filter(has_text="named in the text").first.click()
    expect(page.locator("#issue-pair mark").first).to_have_text("transformers", ignore_case=True)
    expect(page.locator("#issue-pair")).to_contain_text("stands in the text")
    page.locator("#issue-pair summary").click()
    expect(page.locator("#issue-pair .neighbours tbody tr").first).to_be_visible()
    choose(page, "#issue-tag", HOSTILE_TAG)
    expect(page.locator("#issue-pair .asked")).to_have_text(HOSTILE_TAG)
    page.locator("#issue-kind").get_by_text("wrong labels").click()
    expect(page.locator("#issue-help")).to_contain_text("Most are right all the same")
    expect(page.locator("#review-add")).to_be_disabled()
    press(page, "r", "Kept: remove")


def test_another_version_opens_its_queue_and_keeps_the_filters(queue):
    page = queue
    counted = page.locator("#issues [data-count]")
    all_pairs = counted.get_attribute("data-count")
    choose(page, "#issue-split", "test")
    expect(counted).not_to_have_attribute("data-count", all_pairs)
    table = page.locator("#issues tbody")
    before, number = table.inner_text(), counted.get_attribute("data-count")
    choose(page, "#inspect-version", "v0.1.0")
    expect(table).not_to_have_text(before, use_inner_text=True)
    expect(counted).to_have_attribute("data-count", number)
    expect(field(page, "#issue-split")).to_have_value("test")
    choose(page, "#inspect-version", "v0.2.0")
    expect(table).to_have_text(before, use_inner_text=True)


@pytest.mark.long
def test_only_named_reviewers_who_log_in_may_write(corpus, serve, context, browser, tmp_path):
    home, users = tmp_path, tmp_path / "users.json"
    shutil.copytree(corpus / "data", home / "data")
    for name in ("ann", "ben", "eve"):
        set_password(users, name, PASSWORD)
    flags = ("--auth-file", str(users), "--reviewers", "ann,ben")
    with serve(home / "data", corpus / "model", home / "cache", *flags) as url:

        def log_in(context, name):
            form = {"username": name, "password": PASSWORD}
            assert context.request.post(f"{url}login", form=form).ok

        def visit(name):
            log_in(context, name)
            page = context.new_page()
            page.goto(url)
            open_queue(page)
            return page

        ben = visit("ben")
        expect(ben.locator("#reviewer")).to_contain_text("under the name ben")
        # Ann decides with a program; Ben opened the same pair before.
        pair = current(ben)
        ben.get_by_role("tab", name="Tags").click()
        elsewhere = browser.new_context()
        log_in(elsewhere, "ann")
        called = f"{url}gradio_api/call/v2/submit_review"
        told = {"version": "v0.2.0", "project": pair[0], "tag": pair[1], "decision": "add"}
        event = elsewhere.request.post(called, data=told).json()["event_id"]
        answer = elsewhere.request.get(f"{url}gradio_api/call/submit_review/{event}").text()
        assert '"reviewer": "ann"' in answer
        elsewhere.close()
        ben.get_by_role("tab", name="Suspected label errors").click()
        expect(ben.locator("#issue-pair tbody tr").filter(has_text="ann")).to_contain_text("add")
        assert press(ben, "l", "Kept: label is right") == pair
        choose(ben, "#issue-state", "conflicts")
        expect(ben.locator("#issue-pair")).to_contain_text("Reviewers disagree")
        assert current(ben) == pair
        expect(ben.locator("#issue-pair tbody tr").filter(has_text="ann")).to_contain_text("add")
        expect(ben.locator("#issues .chip")).to_have_text("conflict")
        ben.close()

        eve = visit("eve")
        expect(eve.locator("#reviewer [role=status]")).to_contain_text(
            "read-only: 'eve' is not among the reviewers"
        )
        expect(eve.locator("#review-add")).to_be_disabled()
        eve.keyboard.press("a")
        eve.locator("#tab-slices-button").click()
        expect(eve.locator("#slice-told")).to_contain_text("read-only")
        eve.close()
    assert [event[:4] for event in events(home)] == [
        ("ann", *pair, "add"),
        ("ben", *pair, "right"),
    ]


@pytest.mark.long
def test_from_a_wrong_outcome_to_corrected_data_and_a_retrained_version(
    queue, home, corpus, serve, open_page, tmp_path
):
    page, models = queue, tmp_path / "model"
    shutil.copytree(corpus / "model", models)
    # A missing label: the version sees the tag on a test project, and counts as wrong for it.
    choose(page, "#issue-tag", "transformers")
    choose(page, "#issue-split", "test")
    expect(page.locator("#issues tbody tr b").first).to_have_text("transformers")
    added, _ = current(page)
    page.get_by_role("tab", name="Tags").click()
    choose(page, "#inspect-tag", "transformers")
    page.locator("#inspect-outcome").get_by_text("false positives").click()
    field(page, "#samples-search").fill(added)
    expect(page.locator("#samples tbody tr td").first).to_have_text(added)
    page.get_by_role("tab", name="Suspected label errors").click()
    assert press(page, "a", "Kept: add") == (added, "transformers")
    # And a label that nothing speaks for: a false negative.
    page.locator("#issue-kind").get_by_text("wrong labels").click()
    expect(page.locator("#issue-pair h3")).to_contain_text("belong here")
    removed = press(page, "r", "Kept: remove")[0]
    page.get_by_role("tab", name="Tags").click()
    page.locator("#inspect-outcome").get_by_text("false negatives").click()
    field(page, "#samples-search").fill(removed)
    expect(page.locator("#samples tbody tr td").first).to_have_text(removed)

    page.get_by_role("tab", name="Suspected label errors").click()
    expect(page.locator("#review-preview tbody tr").first).to_contain_text("+")
    expect(page.locator("#review-preview")).to_contain_text("2 labels of the test split would")
    original = (home / "data" / "projects.json").read_bytes()
    fixed = tmp_path / "data"
    said = command("reviews", "apply", "--data", home / "data", "--to", fixed)
    assert "1 label added and 1 removed, in 2 projects" in said
    assert (home / "data" / "projects.json").read_bytes() == original
    params = tmp_path / "params.json"
    params.write_bytes(orjson.dumps(SIMPLE.to_dict()))
    command("train", "--data", fixed, "--models", models, "--params", params)

    made = load_version(FolderSource(models), "workspace").load_predictions()
    column = made.tags.index("transformers")
    carried = {made.ids[row] for row in np.flatnonzero(made.y_true[:, column])}
    assert added in carried
    assert removed not in carried
    with serve(fixed, models, tmp_path / "cache") as url:
        page = open_page(url)
        page.wait_for_selector(TABS["Data"])
        field(page, "#projects-search").fill(added)
        expect(page.locator("#projects-table tbody tr").filter(has_text=added)).to_contain_text(
            "transformers"
        )
        open_queue(page)
        choose(page, "#inspect-version", "workspace")
        choose(page, "#issue-state", "all")
        choose(page, "#issue-tag", "transformers")
        counted = page.locator("#issues [data-count]")
        lacking = int((made.y_true[:, column] == 0).sum())
        expect(counted).to_have_attribute("data-count", str(lacking))
        # The old version says what it can't be judged on any more.
        choose(page, "#inspect-version", "v0.2.0")
        expect(page.locator("#reviewer")).to_contain_text("2 labels changed")
        # The reviews came along with the data.
        expect(page.locator("#review-preview")).to_contain_text("2 pairs reviewed")
        page.close()


def test_a_slice_is_built_measured_saved_and_found(shared_page, home):
    page = shared_page
    page.wait_for_selector(TABS["Data"], state="attached")
    go_to(page, "?tab=inspection&part=slices&version=v0.2.0")
    measured = page.locator("#slice-measured")
    expect(measured).to_contain_text("Choose at least one condition")
    choose(page, "#slice-all-of", "transformers")
    expect(measured.locator("[data-count]")).to_have_attribute("data-count", "80")
    choose(page, "#slice-none-of", "computer-vision")
    expect(measured.locator("[data-count]")).to_have_attribute("data-count", "40")
    expect(measured.locator("tbody tr")).to_have_count(3)
    field(page, "#slice-name").fill("transformers of text")
    page.locator("#slice-save").click()
    expect(page.locator("#slice-told")).to_contain_text("Saved as transformers of text")
    assert json.loads((home / "data" / "slices.json").read_text()) == [
        {
            "name": "transformers of text",
            "description": "",
            "all_of": ["transformers"],
            "none_of": ["computer-vision"],
        }
    ]
    page.locator("#slice-save").click()
    expect(page.locator("#slice-told")).to_contain_text("choose a name that is not taken")

    before = measured.inner_text()
    choose(page, "#inspect-version", "v0.1.0")
    expect(measured).not_to_have_text(before, use_inner_text=True)
    page.locator("#find-slices").click()
    found = page.locator("#found-slices tbody tr")
    expect(found.filter(has_text=f"tag {HOSTILE_TAG}")).to_be_visible()
    inside = found.first.locator("td").nth(5).inner_text()
    found.first.click()
    test, learnt = (measured.locator("tbody tr").nth(row).locator("td").nth(4) for row in (0, 1))
    page.wait_for_function(
        """([a, b, n]) => Number(document.querySelector(a).innerText)
                          + Number(document.querySelector(b).innerText) === n""",
        arg=[
            "#slice-measured tbody tr:nth-child(1) td:nth-child(5)",
            "#slice-measured tbody tr:nth-child(2) td:nth-child(5)",
            int(inside),
        ],
    )
    assert int(test.inner_text()) + int(learnt.inner_text()) == int(inside)
    choose(page, "#slice-saved", "transformers of text")
    expect(measured.locator("[data-count]")).to_have_attribute("data-count", "40")

    page.get_by_role("tab", name="Tags").click()
    open_tab(page, "Performance")
    expect(page.locator("#slice-diff")).to_contain_text("transformers of text")
    open_tab(page, "Inspection")
    saved = page.locator("#slice-metrics tbody tr").filter(has_text="transformers of text")
    expect(saved).to_be_visible()
