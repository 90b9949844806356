import asyncio
import json
import stat
import time
from collections import Counter

import pytest

from tagifai.errors import TagifaiError
from tagifai.services import users
from tagifai.services.users import Logins, load_users, remove_user, set_password

RIGHT, WRONG = "correct horse", "battery staple"


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    """Hash at a cost that tests can pay."""
    monkeypatch.setattr(users, "HASH_SECONDS", 0.0)
    monkeypatch.setattr(users, "COST", 2**10)
    monkeypatch.setattr(users, "PARALLEL", 1)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "users.json"
    assert set_password(path, "ann", RIGHT)
    return path


def is_right(logins, name, password, address=""):
    return asyncio.run(logins.check(name, password, address))


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_only_the_right_password_logs_in(path):
    logins = Logins(path)
    assert is_right(logins, "ann", RIGHT)
    assert not is_right(logins, "ann", WRONG)
    assert not is_right(logins, "ben", RIGHT)
    assert not is_right(logins, "", "")
    assert not is_right(logins, "ann", RIGHT + " " * 1000)


def test_the_file_holds_no_password_and_is_for_its_owner_alone(path):
    set_password(path, "ben", RIGHT)
    content = path.read_text()
    assert RIGHT not in content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = json.loads(content)
    assert list(kept) == ["ann", "ben"]
    # The same password twice, and nothing of it shows.
    assert kept["ann"]["hash"] != kept["ben"]["hash"]
    assert [p.name for p in path.parent.iterdir()] == ["users.json"]


def test_a_new_password_takes_the_place_of_the_old_one_at_once(path):
    logins = Logins(path)
    assert not set_password(path, "ann", "another password")
    assert not is_right(logins, "ann", RIGHT)
    assert is_right(logins, "ann", "another password")
    remove_user(path, "ann")
    assert not is_right(logins, "ann", "another password")
    assert load_users(path) == {}


def test_an_older_hash_still_logs_in(path, monkeypatch):
    monkeypatch.setattr(users, "COST", 2**11)
    set_password(path, "ben", RIGHT)
    assert is_right(Logins(path), "ann", RIGHT)
    assert is_right(Logins(path), "ben", RIGHT)


def test_wrong_passwords_from_elsewhere_keep_nobody_out(path):
    logins = Logins(path, Clock())
    for _ in range(20):
        assert not is_right(logins, "ann", WRONG, "10.0.0.9")
    assert not is_right(logins, "ann", RIGHT, "10.0.0.9")
    assert is_right(logins, "ann", RIGHT, "10.0.0.1")


def test_an_unknown_name_is_hashed_nowhere_and_waits_as_long(path, monkeypatch):
    logins = Logins(path)
    monkeypatch.setattr(users, "hash_password", lambda *_: pytest.fail("hashed"))
    logins._took = 0.05
    started = time.monotonic()
    assert not is_right(logins, "nobody", RIGHT)
    assert time.monotonic() - started >= 0.05


def test_those_of_one_address_are_hashed_one_after_another(path, monkeypatch):
    for name in ("ben", "cat", "dan"):
        set_password(path, name, RIGHT)
    order, running, most = [], Counter(), Counter()

    def slow(secret, password):
        address, name = password.split(":")
        running[address] += 1
        most[address] = max(most[address], running[address])
        time.sleep(0.05)
        running[address] -= 1
        order.append(name)
        return False

    monkeypatch.setattr(users, "_is_password", slow)

    async def ask(logins):
        tries = [("ann", "here")] * 4 + [("ben", "here"), ("cat", "there")]
        await asyncio.gather(*(logins.check(n, f"{a}:{n}", a) for n, a in tries))

    asyncio.run(ask(Logins(path)))
    assert most == {"here": 1, "there": 1}
    # Neither waits for all of the greedy one's.
    assert max(order.index("ben"), order.index("cat")) <= 3


def test_a_login_ends_with_its_time_its_password_and_its_user(path):
    clock = Clock()
    logins = Logins(path, clock)
    login = logins.begin("ann")
    assert logins.holds(login)
    clock.now += users.LONGEST_LOGIN
    assert not logins.holds(login)
    login = logins.begin("ann")
    set_password(path, "ann", "another password")
    assert not logins.holds(login)
    login = logins.begin("ann")
    assert logins.holds(login)
    remove_user(path, "ann")
    assert not logins.holds(login)
    assert not logins.holds(logins.begin("nobody"))


def test_guessing_is_slowed_down_for_that_name_alone(path):
    set_password(path, "ben", RIGHT)
    clock = Clock()
    logins = Logins(path, clock)
    waits = []
    for _ in range(8):
        assert not is_right(logins, "ann", WRONG)
        waits.append(logins.seconds_to_wait("ann"))
        clock.now += waits[-1]
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8]
    assert not is_right(logins, "ann", WRONG)
    # Now even the right one has to wait, and asking again does not prolong it.
    clock.now += 15.9
    assert not is_right(logins, "ann", RIGHT)
    assert is_right(logins, "ben", RIGHT)
    clock.now += 0.1
    assert is_right(logins, "ann", RIGHT)
    assert logins.seconds_to_wait("ann") == 0
    assert not is_right(logins, "ann", WRONG)
    assert logins.seconds_to_wait("ann") == 0


def test_the_wait_has_an_end_and_names_are_not_collected_for_ever(path, monkeypatch):
    clock = Clock()
    logins = Logins(path, clock)
    for _ in range(40):
        assert not is_right(logins, "ann", WRONG)
        clock.now += logins.seconds_to_wait("ann")
    assert not is_right(logins, "ann", WRONG)
    assert logins.seconds_to_wait("ann") == 300
    monkeypatch.setattr(users, "_NAMES_WATCHED", 3)
    for number in range(5):
        assert not is_right(logins, f"guess {number}", WRONG)
    assert len(logins._failed) == 3


@pytest.mark.parametrize("name", ["", " ann", "a,b", "a\nb", "x" * 65, "\x00", "\ud800", "local"])
def test_a_name_that_cannot_be_told_apart_is_refused(path, name):
    with pytest.raises(TagifaiError, match="user name"):
        set_password(path, name, RIGHT)


@pytest.mark.parametrize("password", ["", "short", "x" * 1001])
def test_a_password_has_a_length(path, password):
    with pytest.raises(TagifaiError, match="a password has 8 to 1,000 characters"):
        set_password(path, "ben", password)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "an object of users by name is needed"),
        ("{", "not JSON"),
        ('{"ann": "plain"}', "ann: an object is needed, got 'plain'"),
        ('{"ann": {"salt": "00"}}', "ann, salt: .* got '00'"),
    ],
)
def test_a_malformed_file_is_named(tmp_path, content, message):
    path = tmp_path / "users.json"
    path.write_text(content)
    with pytest.raises(TagifaiError, match=f"users.json: {message}"):
        Logins(path)
    with pytest.raises(TagifaiError, match=r"users\.json"):
        set_password(path, "ann", RIGHT)
    assert path.read_text() == content


def test_more_users_than_are_read_back_are_not_written(path, monkeypatch):
    before = path.read_bytes()
    monkeypatch.setattr(users, "_MAX_FILE", len(before) + 10)
    with pytest.raises(TagifaiError, match=r"full; at most \d+ bytes are read"):
        set_password(path, "another", "a long password")
    assert path.read_bytes() == before
    monkeypatch.setattr(users, "_MAX_FILE", len(before) - 1)
    with pytest.raises(TagifaiError, match=r"too large for a file of users; at most \d+ bytes are"):
        load_users(path)


def test_a_missing_file_says_how_to_make_it(tmp_path):
    with pytest.raises(TagifaiError, match="`python -m tagifai users add NAME` makes it"):
        Logins(tmp_path / "users.json")


def test_nobody_logs_in_while_the_file_is_gone(path):
    logins = Logins(path)
    path.unlink()
    assert not is_right(logins, "ann", RIGHT)


def test_a_user_who_is_not_there_cannot_be_removed(path):
    with pytest.raises(TagifaiError, match="unknown user 'anne': did you mean 'ann'"):
        remove_user(path, "anne")
