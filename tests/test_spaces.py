from pathlib import Path

import pytest

from tagifai.errors import TagifaiError
from tagifai.permissions import WriteRules, warnings_of
from tagifai.services.review_repository import warn_of_reviews
from tagifai.settings import Settings, load_settings
from tagifai.spaces import Space, is_writable, lasts, warn_of_disk

SPACE = Space("ann/tags", login=True)
ON_A_SPACE = {"SYSTEM": "spaces", "SPACE_ID": "ann/tags"}
NOBODY_WRITES = Path("/proc/tagifai")
needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc on this system")


def test_a_space_tells_its_name_and_its_login():
    assert Space.of({}) is None
    assert Space.of({"SPACE_ID": "ann/tags"}) is None
    assert Space.of(ON_A_SPACE) == Space("ann/tags", login=False)
    assert Space.of({**ON_A_SPACE, "OAUTH_CLIENT_ID": "x"}) == SPACE


def test_a_space_is_reached_through_its_proxy_and_nobody_is_local():
    settings = load_settings([], ON_A_SPACE)
    assert settings.host == "0.0.0.0"
    assert not WriteRules.of(settings).local
    assert load_settings([], {**ON_A_SPACE, "TAGIFAI_HOST": "::"}).host == "::"


def test_reviewers_may_be_accounts_where_there_is_a_login():
    login = {**ON_A_SPACE, "OAUTH_CLIENT_ID": "x"}
    assert load_settings(["--reviewers", "ann"], login).reviewer_names == {"ann"}
    with pytest.raises(TagifaiError, match="nobody can log in"):
        load_settings(["--reviewers", "ann"], ON_A_SPACE)


def test_a_folder_is_tried_where_it_is_or_would_be(tmp_path):
    assert is_writable(tmp_path / "not" / "yet")
    assert list(tmp_path.iterdir()) == []


@needs_proc
def test_a_disk_that_cannot_be_written_is_said():
    assert not is_writable(NOBODY_WRITES)
    assert warn_of_disk(NOBODY_WRITES / "reviews.sqlite", None) == (
        "/proc/tagifai cannot be written: reviews are off (--reviews names another file)"
    )


@needs_proc
def test_what_is_mounted_lasts():
    assert lasts(NOBODY_WRITES)
    assert not lasts(Path("/"))


def test_what_a_space_forgets_is_said_unless_it_is_kept_elsewhere(tmp_path):
    forgets = warn_of_disk(tmp_path / "reviews.sqlite", SPACE)
    if lasts(tmp_path):
        assert forgets == ""
    else:
        assert forgets.startswith("this Space forgets its disk when it restarts: reviews vanish")
    assert warn_of_disk(tmp_path / "reviews.sqlite", SPACE, "ann/reviews") == ""
    assert warn_of_disk(tmp_path / "reviews.sqlite", None) == ""
    assert warn_of_reviews(Settings(data=tmp_path), SPACE) == forgets


def test_who_may_write_on_a_space_is_said_at_the_start(tmp_path):
    def told(space, **settings):
        kept = Settings(data=tmp_path, host="0.0.0.0", reviews_repo="ann/reviews", **settings)
        return warnings_of(kept, space)

    assert told(SPACE, reviewers="ann") == []
    assert told(SPACE) == [
        "whoever may open this Space may look; reviews are off (--reviewers names who writes)"
    ]
    assert told(Space("ann/tags")) == [
        "whoever may open the Space ann/tags sees the data and its texts; reviews are off "
        "(hf_oauth in its README and --reviewers turn them on)"
    ]
