from pathlib import Path

import pytest

from tagifai.settings import Settings
from tagifai.ui.server.places import Places

PLACES = Places.of(
    Settings(
        data=Path("/srv/a&b/data"), models="/srv/a&b/models", cache_dir=Path("/var/cache/tagifai"),
        auth_file="/etc/tagifai/users.json", reviews="/srv/a&b/reviews.sqlite",
    )
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/srv/a&b/data/projects.json: row 3", "data/projects.json: row 3"),
        ("<p>/srv/a&amp;b/data/tags.json</p>", "<p>data/tags.json</p>"),
        ("no /srv/a&b/data; models in '/srv/a&b/models'", "no data; models in 'models'"),
        ("/etc/tagifai/users.json: not JSON", "users.json: not JSON"),
        ("/var/cache/tagifai", "tagifai"),
        ("/srv/a&b/reviews.sqlite-journal", "a&b/reviews.sqlite-journal"),
        ("/srv/a&b/database/x", "a&b/database/x"),
        ("a text of /home/ann and https://a.b/srv", "a text of /home/ann and https://a.b/srv"),
    ],
)  # fmt: skip
def test_messages_name_the_folders_and_nothing_above_them(text, shown):
    assert PLACES.hide(text) == shown


def test_answers_are_searched_and_long_lists_are_not():
    answer = [{"value": "/srv/a&b/data/x", "n": 1}, None, ["/srv/a&b/data"] * 2_000]
    first, nothing, long = PLACES.hide_in(answer)
    assert (first, nothing, long[0]) == ({"value": "data/x", "n": 1}, None, "/srv/a&b/data")


def test_versions_elsewhere_have_no_folder():
    for models in ("mlflow:http://a.b", "hf:ann/tags", "git:https://a.b/c.git"):
        assert Places.of(Settings(models=models)).hide("https://a.b") == "https://a.b"
    assert Places.of(Settings(models="git:/srv/repo")).hide("/srv/repo: no tag") == "repo: no tag"


def test_nothing_is_hidden_by_default():
    assert Places().hide("/srv/data") == "/srv/data"
