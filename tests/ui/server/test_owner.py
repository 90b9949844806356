import pytest
from starlette.datastructures import Headers

from tagifai.settings import Settings
from tagifai.ui.server.owner import Owner

OWNER = Owner("right-token", 7860)


def opened(query, path="/", method="GET"):
    return {"type": "http", "method": method, "path": path, "query_string": query.encode()}


@pytest.mark.parametrize(
    "settings",
    [
        Settings(no_token=True),
        Settings(share=True),
        Settings(host="0.0.0.0"),
        Settings(auth_file="users.json"),
        Settings(root_path="/x"),
    ],
)
def test_where_others_get_in_there_is_no_token(settings):
    assert Owner.of(settings) is None


def test_each_start_has_a_token_of_its_own_unless_one_is_named():
    assert Owner.of(Settings()).token != Owner.of(Settings()).token
    assert len(Owner.of(Settings()).token) >= 32
    assert Owner.of(Settings(token="x" * 16)).token == "x" * 16


def test_the_link_gives_a_cookie_and_leads_to_the_page_without_the_token():
    answer = OWNER.welcome(opened("tab=data&token=right-token&a=%C3%A9&b="))
    assert (answer.status_code, answer.headers["location"]) == (303, "/?tab=data&a=%C3%A9&b=")
    cookie = answer.headers["set-cookie"]
    assert cookie == "tagifai-owner-7860=right-token; HttpOnly; Path=/; SameSite=lax"
    assert OWNER.sent(Headers({"cookie": cookie.partition(";")[0]}))


@pytest.mark.parametrize("given", ["wrong", "", "right-toke", "right-token%20", "é"])
def test_a_wrong_token_gives_nothing(given):
    answer = OWNER.welcome(opened(f"token={given}"))
    assert answer.headers["location"] == "/"
    assert "set-cookie" not in answer.headers


def test_nothing_else_is_a_link():
    assert OWNER.welcome(opened("")) is None
    assert OWNER.welcome(opened("token=right-token", "/config")) is None
    assert OWNER.link("http://a:1") == "http://a:1/?token=right-token"


@pytest.mark.parametrize(
    ("headers", "known"),
    [
        ({"authorization": "Bearer right-token"}, True),
        ({"authorization": "bearer  right-token"}, True),
        ({"authorization": "Basic right-token"}, False),
        ({"authorization": "right-token"}, False),
        ({"cookie": "tagifai-owner-7860=right-token"}, True),
        ({"cookie": "a=b; tagifai-owner-7860=right-token"}, True),
        # Another app's, on another port of this machine.
        ({"cookie": "tagifai-owner-7861=right-token"}, False),
        ({"cookie": "tagifai-owner-7860="}, False),
        ({}, False),
    ],
)
def test_the_token_is_known_by_its_cookie_or_header(headers, known):
    assert OWNER.sent(Headers(headers)) is known


def test_a_token_in_the_path_is_no_cookie():
    owner = Owner("abc", 1, by_path=True)
    assert (owner.path, owner.link("http://a:1")) == ("/abc", "http://a:1/abc/")
    assert owner.welcome(opened("token=abc")) is None
