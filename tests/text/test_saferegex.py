import gc
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tagifai.errors import TagifaiError
from tagifai.text.preprocessing import FILTERS, preprocess_text
from tagifai.text.regexchild import MEMORY_LIMIT, ChildTimeoutError, RegexChild
from tagifai.text.saferegex import SafeRegex

CATASTROPHIC = [
    (r"(a+)+$", "a" * 40 + "!"),
    (r"(a|a)*b", "a" * 40),
    (r"(a|aa)+$", "a" * 60 + "!"),
    (r"(.*)*x", "a" * 40),
    (r"([a-z]+)*=", "a" * 50),
    (r"(x+x+)+y", "x" * 50),
    (r"^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 60),
    (r"(?:(?:a?){30})+b", "a" * 60),
]


@pytest.fixture(scope="module")
def patient():
    """Gives a busy machine time: these tests are about results."""
    with SafeRegex(seconds=10) as safe:
        yield safe


def running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    "filters",
    [
        FILTERS,
        "",
        "[0-9]+",
        r"\W",
        r"(?i)GRAPH",
        r"(?<=a)t|t(?=e)",
        r"(\w)\1",
        "x*",
        r"\s",
        "é|🤗|\udc80",
        r"(?P<n>n)(?P=n)?",
        "[]]",
    ],
)
@pytest.mark.parametrize(
    "settings",
    [{}, {"lower": False, "stem": True}, {"stopwords": ["of the", "state", "c++"]}],
    ids=repr,
)
def test_same_result_as_preprocess_text(patient, filters, settings):
    text = "State-of-the-art GRAPHS [2024]: don't attend 🤗 café \udc80 c++ https://a.b/c of the Xx"
    expected = preprocess_text(text, filters=filters, **settings)
    assert patient.preprocess_text(text, filters=filters, **settings) == expected


def test_same_result_on_random_patterns(patient):
    rng = random.Random(5)
    pieces = ["a", "b", ".", r"\w", r"\s", r"\d", "[ab]", "(", ")", "|", "*", "+", "?", "{2}", "^"]
    valid = 0
    for _ in range(300):
        pattern = "".join(rng.choices(pieces, k=rng.randint(1, 7)))
        text = "".join(rng.choices("ab 1-", k=12))
        try:
            expected = re.sub(pattern, " ", text)
        except re.error as error:
            with pytest.raises(TagifaiError, match=re.escape(f"expression: {error}")):
                patient.replace(pattern, text)
        else:
            valid += 1
            assert patient.replace(pattern, text) == expected
    assert 100 < valid < 300


def test_longest_text_and_pattern(patient):
    text = "🤗é" * 5000
    assert patient.replace("é", text) == text.replace("é", " ")
    assert patient.replace("a" * 256, "b") == "b"


@pytest.mark.parametrize(("pattern", "text"), CATASTROPHIC)
def test_catastrophe_is_cut_short(pattern, text):
    with SafeRegex(max_children=1) as safe:
        with pytest.raises(TagifaiError, match="took more than 100 ms on this text; simplify it"):
            safe.replace(pattern, text)
        with pytest.raises(TagifaiError, match="took more than 100 ms"):
            safe.preprocess_text(text, filters=pattern, stopwords=())


def test_the_app_goes_on_during_and_after_a_catastrophe():
    ticks = []
    with SafeRegex(max_children=1, seconds=1) as safe:
        done = threading.Event()

        def tick():
            while not done.wait(0.01):
                ticks.append(time.monotonic())

        thread = threading.Thread(target=tick)
        thread.start()
        with pytest.raises(TagifaiError, match="took more than 1000 ms"):
            safe.replace(*CATASTROPHIC[0])
        done.set()
        thread.join()
        assert safe.replace("b", "abc") == "a c"
    assert len(ticks) > 20


def test_invalid_pattern_is_named(patient):
    with pytest.raises(TagifaiError, match=r"^filters: '\(' is no regular expression: missing \)"):
        patient.preprocess_text("a", filters="(")
    with pytest.raises(TagifaiError, match="is no regular expression"):
        patient.preprocess_text("a", filters="a{99999999999}")
    with pytest.raises(TagifaiError):
        patient.preprocess_text("a", filters="(" * 200 + ")" * 56)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filters": "a" * 257}, "filters: 257 characters; at most 256"),
        ({"text": "a" * 10_001}, "text: 10,001 characters; at most 10,000"),
        ({"text": "a" * 10_001, "filters": "b"}, "text: 10,001 characters"),
        ({"stopwords": ["a"] * 2001}, "stopwords: 2,001 words; at most 2,000"),
        ({"stopwords": ["a" * 65]}, "stopwords: 65 characters; at most 64"),
        ({"stopwords": "the"}, "stopwords: a list of words is needed"),
        ({"stopwords": [3]}, "stopwords: strings are needed, got 3"),
    ],
)
def test_too_much(patient, arguments, message):
    with pytest.raises(TagifaiError, match=message):
        patient.preprocess_text(**{"text": "a", **arguments})
    with pytest.raises(TagifaiError, match="filters: 300 characters"):
        patient.replace("a" * 300, "a")


def test_many_visitors_and_a_bounded_number_of_children():
    answers, refusals, seen = [], [], set()
    with SafeRegex(max_children=2, seconds=0.5) as safe:

        def visit(number):
            for turn in range(10):
                text = f"visitor {number} turn {turn}"
                answers.append(
                    safe.preprocess_text(text, filters="[aeiou]")
                    == preprocess_text(text, filters="[aeiou]")
                )
                seen.add(len(safe._living))

        def attack():
            try:
                safe.replace(*CATASTROPHIC[1])
            except TagifaiError as error:
                refusals.append(str(error))

        threads = [threading.Thread(target=visit, args=(number,)) for number in range(8)]
        threads += [threading.Thread(target=attack) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [True] * 80
    assert len(refusals) == 3
    assert max(seen) <= 2


def test_who_waits_longest_comes_first():
    order = []
    with SafeRegex(max_children=1, seconds=0.3) as safe:
        safe.replace("a", "a")

        def attack():
            for _ in range(3):
                with pytest.raises(TagifaiError, match="took more than 300 ms"):
                    safe.replace(*CATASTROPHIC[0])
                order.append("attack")

        attacker = threading.Thread(target=attack)
        attacker.start()
        time.sleep(0.1)
        safe.replace("a", "a")
        order.append("visitor")
        attacker.join()
    assert order[:2] in (["attack", "visitor"], ["visitor", "attack"])
    assert len(order) == 4


def test_busy_is_told(monkeypatch):
    monkeypatch.setattr("tagifai.text.saferegex._WAIT_SECONDS", 0.1)
    with SafeRegex(max_children=1, seconds=1.5) as safe:
        safe.replace("a", "a")

        def attack():
            with pytest.raises(TagifaiError, match="took more than 1500 ms"):
                safe.replace(*CATASTROPHIC[0])

        attacker = threading.Thread(target=attack)
        attacker.start()
        time.sleep(0.3)
        with pytest.raises(TagifaiError, match="too many patterns are being tried at once"):
            safe.replace("a", "a")
        attacker.join()
        assert safe.replace("a", "bab") == "b b"


def test_child_that_ended_while_idle_is_replaced():
    with SafeRegex(max_children=1, seconds=10) as safe:
        assert safe.replace("a", "bab") == "b b"
        (child,) = safe._living
        child._process.kill()
        child._process.wait()
        assert safe.replace("a", "bab") == "b b"
        assert len(safe._living) == 1
        assert child not in safe._living


def test_no_process_for_the_default_filters():
    with SafeRegex() as safe:
        assert safe.preprocess_text("Self-attention") == "self attention"
        assert safe.preprocess_text("Self-attention", filters="") == "self-attention"
        assert safe._living == set()


def test_closed():
    safe = SafeRegex(seconds=10)
    safe.replace("a", "a")
    pids = [child.pid for child in safe._living]
    safe.close()
    safe.close()
    assert len(pids) == 1
    assert not any(map(running, pids))
    with pytest.raises(TagifaiError, match="the app is closing"):
        safe.replace("a", "a")
    assert safe._living == set()


def test_forgotten_object_leaves_no_process():
    safe = SafeRegex(seconds=10)
    safe.replace("a", "a")
    (pid,) = (child.pid for child in safe._living)
    del safe
    gc.collect()
    assert not running(pid)


@pytest.mark.skipif(os.name == "nt", reason="ends by a signal of POSIX")
@pytest.mark.parametrize("ending", ["pass", "os.kill(os.getpid(), 9)"], ids=["exit", "kill -9"])
def test_program_that_ends_leaves_no_process(ending):
    code = (
        "import os\nfrom tagifai.text.saferegex import SafeRegex\nsafe = SafeRegex(seconds=10)\n"
        "safe.replace('a', 'a')\n"
        f"print(*(child.pid for child in safe._living), flush=True)\n{ending}\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, cwd=Path(__file__).parents[2]
    )
    pid = int(run.stdout)
    deadline = time.monotonic() + 10
    while running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not running(pid)
    assert run.stderr == b""


POSIX = pytest.mark.skipif(os.name == "nt", reason="counts processor time, which POSIX does")


@POSIX
def test_child_ends_itself_once_its_processor_time_is_up():
    child = RegexChild()
    child.replace("a", "a", seconds=30)
    with pytest.raises(ChildTimeoutError):
        child.replace(*CATASTROPHIC[0], seconds=0.1)
    assert child._process.returncode == -signal.SIGPROF


@POSIX
def test_a_child_that_waits_for_the_processor_is_not_cut_short():
    child = RegexChild()
    try:
        child.replace("a", "a", seconds=30)
        os.kill(child.pid, signal.SIGSTOP)  # as a machine does that has others to serve
        later = threading.Timer(0.5, os.kill, (child.pid, signal.SIGCONT))
        later.start()
        assert child.replace("b", "abc", seconds=0.1) == ("done", "a c")
        later.join()
    finally:
        child.close()


@POSIX
def test_a_child_that_stands_still_is_killed():
    child = RegexChild()
    child.replace("a", "a", seconds=30)
    os.kill(child.pid, signal.SIGSTOP)
    with pytest.raises(ChildTimeoutError):
        child.replace("b", "abc", seconds=0.1)
    assert child._process.returncode == -signal.SIGKILL


@POSIX
def test_many_small_patterns_are_not_counted_together():
    child = RegexChild()
    try:
        text = "ab" * 5_000
        for _ in range(200):  # some milliseconds each, much more than 100 in all
            assert child.replace("b", text, seconds=0.1)[0] == "done"
    finally:
        child.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads a limit by process id")
def test_child_has_a_memory_limit():
    import resource

    child = RegexChild()
    try:
        child.replace("a", "a", seconds=30)
        limits = resource.prlimit(child.pid, resource.RLIMIT_AS)
    finally:
        child.close()
    assert limits == (MEMORY_LIMIT, MEMORY_LIMIT)
