"""Everything that writes, asked by whoever may not, and from pages of other sites."""

import time
from collections.abc import Callable
from typing import Any

import httpx
from security.rows import Measured, Row, measured
from security.target import REVIEWER, VICTIM, VISITOR, Answer, Target, Visitor

OWN = {"sec-fetch-site": "same-origin"}
FOREIGN = (
    {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"sec-fetch-site": "same-site"},
)
TAG = "transformers"
Ask = Callable[[Visitor], Answer]


def write_calls(target: Target) -> dict[str, Ask]:
    """List the calls that write, each with inputs that are written when a reviewer sends them."""
    lacking = next(p["id"] for p in target.projects if TAG not in p["tags"])
    carrying = next(p["id"] for p in target.projects if TAG in p["tags"])

    def only(name: str, reads: str) -> dict[str, Any]:
        (found,) = target.functions(name, reads)
        return found

    undo = only("undo", "issue-kind")
    queue = ["v0.2.0", *target.start_values(undo)[1:]]
    threshold = only("save", "tag-threshold")["id"]
    test, piece = only("save", "keep-expected")["id"], only("save", "slice-name")["id"]
    calls: dict[str, Ask] = {
        "submit_review": lambda v: v.call("submit_review", "v0.2.0", lacking, TAG, "add", "note"),
        "undo": lambda v: v.run(undo["id"], *queue),
        "save a threshold": lambda v: v.join(threshold, "workspace", TAG, 0.4, None),
        "save a slice": lambda v: v.join(
            piece, "mine", "all of it", [TAG], [], [], "", "", 0, 0, 0, []
        ),
        "save a test": lambda v: v.join(
            test, "v0.2.0", "attention encoder", "", "MFT", [TAG], [], "saved"
        ),
    }
    for name in ("add_tag", "remove_tag", "confirm_label", "skip_pair"):
        decide = only(name, "review-note")["id"]
        project = carrying if name == "remove_tag" else lacking
        seen = f'["{project}", "{TAG}", "v0.2.0", "digest"]'
        calls[name] = lambda v, f=decide, pair=seen: v.run(f, pair, "", *queue)  # type: ignore[misc]
    return calls


def measure_writes(target: Target, full: bool) -> Measured:
    calls = write_calls(target)
    wrong: list[str] = []
    tries = 0
    before = target.written()

    def attempt(who: tuple[str, str] | None, headers: dict[str, str], ask: Ask, told: str) -> None:
        nonlocal tries
        tries += 1
        with target.visit(who, headers) as visitor:
            visitor.session = target.opened
            answer = ask(visitor)
        if target.written() != before:
            wrong.append(f"{told} wrote")
        elif answer.status >= 500 and "read-only" not in answer.error:
            wrong.append(f"{told}: {answer.status} {answer.error[:80]}")

    for name, ask in calls.items():
        attempt(None, {}, ask, f"{name}: nobody")
        attempt(VISITOR, OWN, ask, f"{name}: a visitor")
        for headers in FOREIGN if full else FOREIGN[:2]:
            attempt(REVIEWER, headers, ask, f"{name}: a reviewer's browser, from {headers}")
    written = 0
    for name, ask in calls.items():
        known = target.written()
        with target.visit(REVIEWER, OWN) as visitor:
            visitor.session = target.opened
            answer = ask(visitor)
        changed = target.written() != known
        written += changed
        if not changed and name not in ("decide: remove",):
            wrong.append(f"{name}: the reviewer's own was not kept ({answer.error or answer.data})")
    figure = (
        f"{len(calls)} calls that write, {tries} attempts by others: none written; "
        f"{written} of the reviewer's own kept"
    )
    return measured(figure, wrong)


def measure_foreign(target: Target, full: bool) -> Measured:
    """Read with a reviewer's cookie from another site's page, and show the page inside another."""
    wrong: list[str] = []
    paths = ("/config", "/gradio_api/info", "/gradio_api/queue/data?session_hash=abc")
    refused = 0
    for headers in FOREIGN:
        cookies = {"cookie": "; ".join(f"{k}={v}" for k, v in target.cookies(REVIEWER).items())}
        with httpx.Client(
            base_url=target.url, headers={**headers, **cookies}, timeout=60
        ) as client:
            for path in paths:
                answer = client.get(path)
                refused += answer.status_code == 401
                if answer.status_code != 401:
                    wrong.append(f"{path} told {headers}: {answer.status_code}")
            made = client.post("/gradio_api/call/list_versions", json={"data": []})
            refused += made.status_code == 401
            if made.status_code != 401:
                wrong.append(f"a call from {headers}: {made.status_code}")
    with target.visit(REVIEWER) as visitor:
        told = visitor.client.get("/")
        policy = told.headers.get("content-security-policy", "")
        if "frame-ancestors 'self';" not in policy:
            wrong.append("another site may show the page inside its own")
        link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
        opened = visitor.client.get("/", headers={**link, "sec-fetch-dest": "document"})
        if "gradio_config" not in opened.text:
            wrong.append("a link from another site no longer opens the page")
    return measured(f"{refused} of {len(FOREIGN) * (len(paths) + 1)} requests refused", wrong)


def measure_logins(target: Target, full: bool) -> Measured:
    """Guess passwords; meanwhile a visitor logs in."""
    guesses = 200 if full else 25
    wrong: list[str] = []
    started = time.perf_counter()
    with httpx.Client(base_url=target.url, timeout=60) as client:
        right = {"username": VICTIM[0], "password": VICTIM[1]}
        for number in range(guesses):
            form = {"username": VICTIM[0], "password": f"guess {number}"}
            if client.post("/login", data=form).status_code != 400:
                wrong.append("a wrong password was let in")
        seconds = time.perf_counter() - started
        if client.post("/login", data=right).status_code != 400:
            wrong.append("the right password was let in at once after wrong ones")
        eve = {"username": VISITOR[0], "password": VISITOR[1]}
        if client.post("/login", data=eve).status_code != 200:
            wrong.append("another visitor could not log in meanwhile")
    return measured(f"{guesses} guesses in {seconds:.1f} s let nobody in", wrong)


ROWS = [
    Row(
        "writes", "every write endpoint, as nobody, as a visitor, as a reviewer, from a foreign "
        "origin", "no unauthorised write", measure_writes, live=True,
    ),
    Row(
        "foreign", "another site's page, with a reviewer's cookie: reading, framing",
        "nothing read, not shown inside; a link still opens", measure_foreign, live=True,
    ),
    Row(
        "logins", "200 wrong passwords for one name", "the name waits, even for the right one; "
        "others log in", measure_logins, live=True,
    ),
]  # fmt: skip
