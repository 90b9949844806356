"""The app as on a Space: login with an account there, reviews that outlive the disk."""

import json

import pytest
from hub import DATASET, running_hub
from pages import open_tab
from playwright.sync_api import expect
from servers import running

from tagifai.store.review_events import Review

EARLIER = Review(
    uid="a" * 32, at="2026-01-31T12:00:00.000000Z", reviewer="ben", project="7001",
    tag="transformers", decision="skip",
)  # fmt: skip


@pytest.fixture(scope="module")
def hub():
    with running_hub() as hub:
        hub.exists = True
        hub.files["reviews/earlier.jsonl"] = json.dumps(EARLIER.to_dict()).encode()
        yield hub


def on_a_space(hub, folder, **variables):
    return {
        "SYSTEM": "spaces",
        "SPACE_ID": "ann/tags",
        "OAUTH_CLIENT_ID": "client",
        "OAUTH_CLIENT_SECRET": "secret",
        "OAUTH_SCOPES": "openid profile",
        "OPENID_PROVIDER_URL": hub.url,
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(folder / "hf"),
        **variables,
    }


@pytest.mark.long
def test_a_reviewer_logs_in_and_their_reviews_reach_the_dataset(hub, corpus, context, tmp_path):
    flags = ["gradio_app.py", "--data", corpus / "data", "--models", corpus / "model",
             "--reviews", tmp_path / "reviews.sqlite", "--no-cache"]  # fmt: skip
    told = {"HF_TOKEN": "hf_x", "TAGIFAI_REVIEWERS": "ann", "TAGIFAI_REVIEWS_REPO": DATASET}
    with running(*flags, variables=on_a_space(hub, tmp_path, **told), fresh=True) as server:
        server.wait_to_say(f"reviews are kept in the dataset {DATASET}; 1 brought from it")
        # Not watched: on a Space Gradio's page asks Hugging Face, which ours forbids it.
        page = context.new_page()
        page.goto(server.url)
        open_tab(page, "Inspection")
        page.get_by_role("tab", name="Suspected label errors").click()
        expect(page.locator("#reviewer")).to_contain_text("reviewers who logged in")
        expect(page.locator("#review-right")).to_be_disabled()

        page.locator("#log-in").click()
        expect(page.locator("#log-in")).to_contain_text("Log out ann")
        open_tab(page, "Inspection")
        page.get_by_role("tab", name="Suspected label errors").click()
        expect(page.locator("#reviewer")).to_contain_text("kept under the name ann")
        page.locator("#review-right").click()
        expect(page.locator("#issue-pair .told")).to_contain_text("Kept: label is right")
        page.close()
    # Stopped before the minutes were over: what was left went at the end.
    sent = [name for name in hub.files if name != "reviews/earlier.jsonl"]
    assert len(sent) == 1
    (review,) = [json.loads(line) for line in hub.files[sent[0]].splitlines()]
    assert (review["reviewer"], review["decision"]) == ("ann", "right")
    assert hub.tokens == {"Bearer hf_x"}
    assert hub.created["visibility"] == "private"
