"""A visitor's regular expressions: built to hang the app, or merely odd."""

import random
import re
import threading
import time
import warnings
from typing import Any

from security.rows import Measured, Row, cpu_seconds, measured, percentile, quickest
from security.target import Target

from tagifai.errors import TagifaiError
from tagifai.text.preprocessing import FILTERS, preprocess_text
from tagifai.text.saferegex import SafeRegex

LIMIT = 0.25
PIECES = [
    "a", "b", "é", "🤗", ".", r"\w", r"\W", r"\s", r"\d", r"\b", "[ab]", "[^a]", "[a-z]", "(", ")",
    "(?:", "(?=", "(?!", "(?<=a)", "|", "*", "+", "?", "{2}", "{1,3}", "{,9}", "+?", "*?", "^", "$",
    r"\1", "(?i)", "(?P<n>", "[", "]", "{", "\\", "\udc80",
]  # fmt: skip
BAD = [
    (r"(a+)+$", "a" * 40 + "!"), (r"(a|a)*b", "a" * 40), (r"(a|aa)+$", "a" * 60 + "!"),
    (r"(.*)*x", "a" * 40), (r"([a-z]+)*=", "a" * 50), (r"(x+x+)+y", "x" * 50),
    (r"^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 60), (r"(?:(?:a?){30})+b", "a" * 60),
    (r"(\w+\s?)*$", "word " * 30 + "!"), (r"(a*)*$", "a" * 40 + "!"),
    (r"(a+){10}$", "a" * 60 + "!"), (r"(\d+)*\.", "1" * 50), (r"(a|b|ab)*c", "ab" * 30),
    (r"^(a?){40}a{40}$", "a" * 40), (r"(.+)+\1b", "a" * 40), (r"(?=(a+)+$)b", "a" * 40),
    (r"((a{1,20}){1,20}){1,20}$", "a" * 60 + "!"), (r"(a{9999}){9999}", "a"),
    (r"^(\w+)+@\w+\.com$", "a" * 50), (r"([^,]*,)*x", "a," * 40), (r"(?i)(A+)+z", "aA" * 25),
    (r".*.*.*.*.*.*=", "x" * 9_000), (r"\s+$", " " * 9_999 + "x"), (r"x*y*x*y*x*y*z", "xy" * 4_000),
    (r"(.{1,500}){1,500}z", "a" * 900), ("a{1000}{1000}", "a" * 9_000),
    ("(" * 120 + ")" * 120, "a"),
    ("(?:" * 80 + "a" + ")*" * 80 + "b", "a" * 60), ("[" + "a-z" * 80 + "]", "a" * 9_000),
    ("|".join("a" * n for n in range(1, 20)) + "$", "a" * 9_000 + "!"),
]  # fmt: skip
TEXT = "State-of-the-art GRAPHS [2024]: don't attend 🤗 café \udc80 abab https://a.b/c of the Xx "


def odd_pattern(rng: random.Random) -> str:
    """Write a pattern: any pieces in a row, or pieces that make a whole."""
    if rng.random() < 0.3:
        return "".join(rng.choices(PIECES, k=rng.randint(1, 9)))

    def part(depth: int) -> str:
        if depth == 0:
            return rng.choice(
                ["a", "b", "é", "🤗", ".", r"\w", r"\W", r"\s", r"\d", "[ab]", "[^a]"]
            )
        one, other = part(depth - 1), part(depth - 1)
        kind = rng.choice(
            ["{}{}", "{}|{}", "({}){}", "(?:{})+{}", "(?:{})*?{}", "(?={}){}", "(?!{}){}"]
        )
        return kind.format(one, other)

    return part(rng.randint(1, 3)) + rng.choice(["", "", "$", "+", "?", "{2}", r"\b"])


def measure_patterns(target: Any, full: bool) -> Measured:
    number = 1_000 if full else 150
    rng = random.Random(11)
    tried = [(odd_pattern(rng), TEXT) for _ in range(number)]
    bad = BAD if full else BAD[:8]
    times: list[float] = []
    wrong: list[str] = []
    valid = cut = 0
    with SafeRegex() as safe, warnings.catch_warnings():
        safe.replace("a", "a")
        warnings.simplefilter("ignore", FutureWarning)  # of sets in sets, from odd patterns
        for pattern, text in [*tried, *bad]:

            def once(pattern: str = pattern, text: str = text) -> float:
                nonlocal outcome
                started = cpu_seconds()
                try:
                    outcome = safe.preprocess_text(text, filters=pattern)
                except TagifaiError as error:
                    outcome = error
                except Exception as error:
                    wrong.append(f"{pattern!r} raised {type(error).__name__}")
                return cpu_seconds() - started

            outcome: Any = None
            times.append(quickest(5, once, LIMIT))
            if isinstance(outcome, str):
                valid += 1
                if outcome != preprocess_text(text, filters=pattern or FILTERS):
                    wrong.append(f"{pattern!r} gives another result than in training")
            elif "is no regular expression" in str(outcome):
                try:
                    re.compile(pattern)
                except (re.error, OverflowError, RecursionError):
                    continue
                wrong.append(f"{pattern!r} is refused, and is valid")
            else:
                cut += 1
    slowest = [*tried, *bad][times.index(max(times))][0]
    if max(times) > LIMIT:
        wrong.append(f"{max(times) * 1000:.0f} ms for {slowest!r}")
    figure = (
        f"{len(times):,} patterns: median {percentile(times, 0.5) * 1000:.1f} ms, longest "
        f"{max(times) * 1000:.0f} ms; {valid:,} as in training, {cut:,} cut short"
    )
    return measured(figure, wrong)


def measure_others(target: Target, full: bool) -> Measured:
    """Ten visitors send patterns that hang, while one looks at the page as before."""
    attack = target.functions("show_preprocessed")[-1]["id"]
    quick = target.functions("show_projects")[0]["id"]
    seconds = 10.0 if full else 1.5
    rng, done = random.Random(3), threading.Event()
    refused = {"count": 0}

    def look(until: float) -> tuple[list[float], list[str]]:
        times, wrong = [], []
        with target.visit() as visitor:
            while time.perf_counter() < until:
                answer = visitor.run(quick, "guide", "file order", False, 1)
                times.append(answer.seconds)
                if not answer.fine:
                    wrong.append(f"a visitor was answered {answer.status} {answer.error}")
                time.sleep(0.02)
        return times, wrong

    def hang() -> None:
        with target.visit() as visitor:
            while not done.is_set():
                pattern, text = rng.choice(BAD[:12])
                answer = visitor.run(attack, text, True, False, pattern, "", "english")
                refused["count"] += answer.fine and "took more than" in str(answer.data)

    look(time.perf_counter() + 0.5)
    idle, wrong = look(time.perf_counter() + max(2.0, seconds / 3))
    attackers = [threading.Thread(target=hang) for _ in range(10)]
    for thread in attackers:
        thread.start()
    busy, more = look(time.perf_counter() + seconds)
    done.set()
    for thread in attackers:
        thread.join()
    wrong += more
    before, during = percentile(idle, 0.95), percentile(busy, 0.95)
    if during > 4 * before:
        wrong.append(f"p95 rose {during / before:.1f} times")
    if not refused["count"]:
        wrong.append("no pattern was cut short, so nobody was attacked")
    return measured(
        f"p95 {before * 1000:.0f} ms idle, {during * 1000:.0f} ms during {refused['count']:,} "
        f"patterns that hang; {len(busy):,} answers",
        wrong,
    )


ROWS = [
    Row(
        "regex", "a visitor's regex: 1,000 seeded random patterns and 30 known bad ones",
        "no uncaught error, 250 ms of processor time at most, same result as the training path on "
        "every valid pattern",
        measure_patterns,
    ),
    Row(
        "others", "ten such visitors for 10 s",
        "other visitors: no error, p95 at most 4 × the idle one in the same run",
        measure_others, live=True, slow=True,
    ),
]  # fmt: skip
