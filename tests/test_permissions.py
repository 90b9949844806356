import re

import pytest

from tagifai.errors import TagifaiError
from tagifai.permissions import Visit, WriteRules, check_same_site, is_loopback, warning_of
from tagifai.settings import Settings

HERE = {"Host": "127.0.0.1:7860", "Origin": "http://127.0.0.1:7860"}
SHARED = Settings(share=True, auth_file="users.json", reviewers="ann, ben")


def visit(user=None, client="127.0.0.1", owner=False, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Visit.of({**HERE, **named}, client, user, owner)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_whoever_brings_the_token_writes_as_local(host):
    rules = WriteRules.of(Settings(host=host))
    assert rules.reviewer_of(visit(owner=True)) == "local"
    with pytest.raises(TagifaiError, match="open the link that was printed"):
        rules.reviewer_of(visit())


def test_without_a_token_whoever_is_at_the_machine_writes_as_local():
    assert WriteRules.of(Settings(no_token=True)).reviewer_of(visit()) == "local"


def test_the_token_of_a_page_for_oneself_opens_no_page_for_others():
    rules = WriteRules.of(Settings(auth_file="users.json", reviewers="ann"))
    with pytest.raises(TagifaiError, match="reviewers who logged in"):
        rules.reviewer_of(visit(owner=True))


@pytest.mark.parametrize(
    "settings",
    [
        Settings(share=True),
        Settings(host="0.0.0.0"),
        Settings(host="192.168.1.7"),
        Settings(root_path="/tagifai"),
    ],
)
def test_nobody_writes_where_others_get_in_and_no_reviewer_is_named(settings):
    rules = WriteRules.of(settings)
    assert not rules.local
    with pytest.raises(TagifaiError, match="nobody is named as a reviewer"):
        rules.reviewer_of(visit())
    with pytest.raises(TagifaiError, match="nobody is named as a reviewer"):
        rules.reviewer_of(visit("ann"))


@pytest.mark.parametrize(
    "elsewhere",
    [
        visit(client="10.0.0.9"),
        visit(Host="abc.gradio.live", Origin="https://abc.gradio.live"),
        # A name of an attacker's that leads to this machine.
        visit(Host="evil.example:7860", Origin="http://evil.example:7860"),
        visit(X_Forwarded_For="10.0.0.9"),
        visit(client=None),
    ],
)
def test_a_local_page_that_was_reached_from_elsewhere_is_read_only(elsewhere):
    with pytest.raises(TagifaiError, match="reached from elsewhere"):
        WriteRules.of(Settings(no_token=True)).reviewer_of(elsewhere)
    with pytest.raises(TagifaiError, match="open the link that was printed"):
        WriteRules.of(Settings()).reviewer_of(elsewhere)


def test_a_reviewer_who_logged_in_writes_under_their_name():
    rules = WriteRules.of(SHARED)
    shared = {"Host": "abc.gradio.live", "Origin": "https://abc.gradio.live"}
    assert rules.reviewer_of(visit("ben", "10.0.0.9", **shared)) == "ben"
    with pytest.raises(TagifaiError, match="'eve' is not among the reviewers"):
        rules.reviewer_of(visit("eve"))
    with pytest.raises(TagifaiError, match="reviewers who logged in"):
        rules.reviewer_of(visit())


def test_a_login_at_the_machine_itself_counts_as_well():
    rules = WriteRules.of(Settings(auth_file="users.json", reviewers="ann"))
    assert rules.reviewer_of(visit("ann")) == "ann"
    with pytest.raises(TagifaiError, match="reviewers who logged in"):
        rules.reviewer_of(visit())


@pytest.mark.parametrize(
    "own",
    [
        visit(Sec_Fetch_Site="same-origin"),
        visit(Sec_Fetch_Site="none"),
        visit(),
        visit(Origin="HTTP://127.0.0.1:7860"),
        Visit(host="127.0.0.1:7860"),
    ],
)
def test_the_page_itself_and_programs_are_let_in(own):
    check_same_site(own)


@pytest.mark.parametrize(
    "foreign",
    [
        visit(Sec_Fetch_Site="cross-site"),
        visit(Sec_Fetch_Site="same-site"),
        visit(Origin="http://evil.example"),
        visit(Origin="http://127.0.0.1:8000"),
        visit(Origin="null"),
        # The browser's word counts before the page's name.
        visit(Sec_Fetch_Site="cross-site", Origin="http://127.0.0.1:7860"),
    ],
)
def test_another_sites_page_writes_for_nobody(foreign):
    with pytest.raises(TagifaiError, match="came from another site"):
        WriteRules.of(Settings()).reviewer_of(foreign)
    with pytest.raises(TagifaiError, match="came from another site"):
        WriteRules.of(SHARED).reviewer_of(
            Visit(foreign.host, "127.0.0.1", False, foreign.origin, foreign.fetch_site, "ann")
        )


def test_headers_are_read_whatever_their_case():
    found = Visit.of({"HOST": "a", "oRiGin": "http://a", "SEC-fetch-site": "none"}, None, None)
    assert found == Visit("a", "", False, "http://a", "none", "")


@pytest.mark.parametrize("host", ["0.0.0.0", "", "example.org", "127.0.0.1.example.org", "::", "1"])
def test_other_hosts_are_not_this_machine(host):
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("settings", "warning"),
    [
        (Settings(), ""),
        (SHARED, ""),
        (Settings(share=True), "the link is public: .*; reviews are off"),
        (Settings(host="0.0.0.0"), "0.0.0.0 lets in .*; reviews are off"),
    ],
)
def test_what_others_may_do_is_said_in_one_line(settings, warning):
    assert re.fullmatch(warning, warning_of(settings).partition(" (")[0])
    assert "\n" not in warning_of(settings)
