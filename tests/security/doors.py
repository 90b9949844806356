"""Who is taken for whom, what is open, and what is left when the app starts or ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import Any

import httpx
from security.rows import Files, Measured, Row, measured
from security.target import REVIEWER, VICTIM, VISITOR, Target, serving

from tagifai.ui.server.serving import SECONDS_TO_END

EVIL = {"host": "evil.example", "origin": "http://evil.example"}


def token_of(target: Target) -> str:
    return target.said().partition("?token=")[2].partition("\n")[0].strip()


def submit(client: httpx.Client, target: Target) -> tuple[int, str]:
    """Submit a review; return the status, and what was answered."""
    project = next(p["id"] for p in target.projects if "transformers" not in p["tags"])
    data = ["v0.2.0", project, "transformers", "add", "note"]
    made = client.post("/gradio_api/call/submit_review", json={"data": data})
    if made.status_code != 200:
        return made.status_code, made.text
    event = made.json()["event_id"]
    return 200, client.get(f"/gradio_api/call/submit_review/{event}").text


def measure_owner(target: Target, full: bool) -> Measured:
    """Write as whoever a proxy on this machine passes on, and with wrong tokens."""
    wrong: list[str] = []
    port = target.url.rpartition(":")[2]
    token = token_of(target)
    tries: list[dict[str, str]] = [
        {},  # a stock proxy's: its own address as the host, and no header of its own
        {"host": f"localhost:{port}", "origin": f"http://localhost:{port}"},
        {"host": "127.0.0.1", "x-forwarded-for": "127.0.0.1"},
        {"authorization": "Bearer"},
        {"authorization": f"Bearer {token[:-1]}"},
        {"cookie": f"tagifai-owner-{port}={token}x"},
        {"cookie": f"tagifai-owner-1={token}"},
        {"cookie": f"tagifai-owner-{port}={token}", "sec-fetch-site": "cross-site"},
        {"authorization": f"Bearer {token}", "origin": "http://evil.example"},
        {"cookie": "tagifai.sender=owner", "x-gradio-user": "mcp"},
    ]
    for headers in tries:
        with httpx.Client(base_url=target.url, headers=headers, timeout=60) as client:
            _, told = submit(client, target)
            if target.count_reviews():
                wrong.append(f"{headers} wrote: {told[:100]}")
    with httpx.Client(base_url=target.url, timeout=60, follow_redirects=True) as client:
        if client.get("/?token=wrong").cookies or submit(client, target)[0] != 200:
            wrong.append("a wrong token")
        page = client.get(f"/?token={token}&tab=data")
        if "token" in str(page.url) or page.status_code != 200:
            wrong.append(f"the link led to {page.url}")
        told = submit(client, target)[1]
        if not target.count_reviews():
            wrong.append(f"the owner could not write: {told[:100]}")
    return measured(
        f"{len(tries) + 1} attempts without the token: none written; with the link: written", wrong
    )


def measure_rebinding(target: Target, full: bool) -> Measured:
    wrong: list[str] = []
    told: Counter[int] = Counter()
    hosts = ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", "10.0.0.1", "",
             "localhost@evil.example"]  # fmt: skip
    for host in hosts:
        headers = {"host": host, "origin": f"http://{host}"}
        with httpx.Client(base_url=target.url, headers=headers, timeout=60) as client:
            for path in ("/", "/config", "/gradio_api/info"):
                answer = client.get(path)
                told[answer.status_code] += 1
                if answer.status_code != 400 or "gradio" in answer.text:
                    wrong.append(f"{path} for {host!r}: {answer.status_code}")
                if "access-control-allow-origin" in answer.headers:
                    wrong.append(f"{path} allows {host!r}")
            status, _ = submit(client, target)
            told[status] += 1
            if status != 400:
                wrong.append(f"a call for {host!r}: {status}")
    forwarded = {"x-forwarded-host": "evil.example", "x-gradio-server": "http://evil.example"}
    with httpx.Client(base_url=target.url, headers=forwarded, timeout=60) as client:
        if "evil.example" in client.get("/config").text:
            wrong.append("the page leads to a host that a header names")
    if httpx.get(f"{target.url}/health", headers=EVIL).status_code != 200:
        wrong.append("the health is told to nobody")
    return measured(f"{told[400]} of {told.total()} requests under other names refused", wrong)


def measure_sessions(target: Target, full: bool) -> Measured:
    """Go on with the cookie of a user who is removed, or has another password."""
    from tagifai.services.users import remove_user, set_password

    users = target.folder / "users.json"
    wrong: list[str] = []
    reviewer, password = REVIEWER
    with target.visit(REVIEWER) as visitor:
        before = target.count_reviews()
        endings = {
            "removed": lambda: remove_user(users, reviewer),
            "with another password": lambda: set_password(users, reviewer, password + "!"),
        }
        try:
            for what, end in endings.items():
                set_password(users, reviewer, password)
                target._cookies.pop(reviewer, None)
                fresh = target.cookies(REVIEWER)
                visitor.client.headers["cookie"] = "; ".join(f"{k}={v}" for k, v in fresh.items())
                if visitor.client.get("/config").status_code != 200:
                    wrong.append("not logged in before")
                end()
                for status in (
                    submit(visitor.client, target)[0],
                    visitor.client.get("/config").status_code,
                    visitor.run(0).status,
                ):
                    if status != 401:
                        wrong.append(f"{what}, and answered {status}")
        finally:
            set_password(users, reviewer, password)
            target._cookies.pop(reviewer, None)
        if target.count_reviews() != before:
            wrong.append("a review was written")
    return measured("a user removed, one with another password: 401 from the next request", wrong)


def measure_cross_login(target: Target, full: bool) -> Measured:
    """Log a visitor in from another site's page; log out to another host."""
    wrong: list[str] = []
    form = {"username": VICTIM[0], "password": VICTIM[1]}
    target._cookies.pop(VICTIM[0], None)  # logging out ends all of one's logins
    origins = [
        {"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
    ]  # fmt: skip
    with httpx.Client(base_url=target.url, timeout=60) as client:
        for headers in origins:
            answer = client.post("/login", data=form, headers=headers)
            if answer.status_code != 403 or answer.cookies:
                wrong.append(f"{headers}: {answer.status_code}")
        own = {"origin": target.url, "sec-fetch-site": "same-origin"}
        if client.post("/login", data=form, headers=own).status_code != 200:
            wrong.append("the page's own log-in is refused")
        for headers in (
            EVIL,
            {"x-forwarded-host": "evil.example"},
            {"x-gradio-server": "http://evil.example"},
        ):
            try:
                answer = client.get("/logout", headers=headers)
            except httpx.ReadError:  # a connection that is reset leads nowhere: ask once more
                answer = client.get("/logout", headers=headers)
            if "evil" in answer.headers.get("location", ""):
                wrong.append(f"logging out leads to {answer.headers['location']}")
    return measured(f"{len(origins)} log-ins of other sites' pages refused, no way out", wrong)


def measure_routes(target: Target, full: bool) -> Measured:
    """Call what is not there, and ask for what is not for strangers."""
    wrong: list[str] = []
    size, broken = len(target.said()), target.tracebacks()
    tried = 0
    calls = [
        ("run/predict", {"fn_index": 9_999}), ("run/nothing", {}), ("api/nothing", {}),
        ("run/predict", {"fn_index": "09999"}), ("run/predict", {"fn_index": -1}),
        ("queue/join", {"fn_index": 9_999, "session_hash": "x"}), ("call/nothing", {}),
        ("call/v2/nothing", {}),
    ]  # fmt: skip
    asked = ["queue/data?session_hash=unknown", "queue/data", "call/predict/unknown",
             "call/v2/predict/unknown"]  # fmt: skip
    with target.visit(VISITOR) as visitor:
        for path, body in calls:
            answer = visitor.client.post(f"/gradio_api/{path}", json={"data": [], **body})
            tried += 1
            if answer.status_code != 404 or "\n" in answer.text.strip():
                wrong.append(f"{path} {body}: {answer.status_code}")
        for path in asked:
            answer = visitor.client.get(f"/gradio_api/{path}")
            tried += 1
            if answer.status_code != 404 or "\n" in answer.text.strip():
                wrong.append(f"{path}: {answer.status_code}")
        for path in ("/?page=x", "/?deep_link=../x", "/config?page=x&deep_link=../x"):
            tried += 1
            if visitor.client.get(path).status_code != 200:
                wrong.append(f"{path}: not answered")
    closed = ["/openapi.json", "/docs", "/redoc", "/config", "/gradio_api/openapi.json",
              "/gradio_api/info", "/gradio_api/app_id", "/gradio_api/token", "/monitoring",
              "/gradio_api/heartbeat/x", "/gradio_api/queue/status",
              "/gradio_api/user"]  # fmt: skip
    with target.visit(None) as stranger:
        login = stranger.client.get("/").text
        for word in ("submit_review", "list_versions", "app_id"):
            if "auth_required" not in login or word in login:
                wrong.append(f"the page where one logs in tells a stranger of {word}")
        for path in closed:
            tried += 1
            status = stranger.client.get(path).status_code
            if status not in (401, 404):
                wrong.append(f"{path} told a stranger: {status}")
        for path in ("cancel", "reset", "queue/join", "upload"):
            tried += 1
            status = stranger.client.post(f"/gradio_api/{path}", json={}).status_code
            if status != 401:
                wrong.append(f"{path} by a stranger: {status}")
    written = len(target.said()) - size
    if target.tracebacks() != broken or written > 1_000:
        wrong.append(f"{written:,} characters of log")
    return measured(f"{tried} requests: 404 or 401, {written} characters of log", wrong)


def measure_absolute(target: Target, full: bool) -> Measured:
    """Break the data, and read what visitors are told of it."""
    wrong: list[str] = []
    hidden = str(target.folder)
    texts: list[str] = []
    moved = {
        target.data / "projects.json": b"[{]",
        target.models / "v0.2.0" / "performance.json": b"{",
        target.models / "v0.1.0" / "params.json": b"[]",
    }
    before = {path: path.read_bytes() for path in moved}
    try:
        for path, content in moved.items():
            path.write_bytes(content)
        with target.visit(VISITOR) as visitor:
            for name, arguments in (
                ("filter_tags", [30]),
                ("list_versions", []),
                ("get_params", ["v0.1.0"]),
                ("get_performance", ["v0.2.0"]),
                ("compare_versions", ["v0.1.0", "v0.2.0"]),
                ("predict", [["x"], "v0.2.0"]),
                ("inspect_tag", ["v0.2.0", "transformers", "fp"]),
            ):
                answer = visitor.call(name, *arguments)
                texts.append(f"{answer.error}{answer.data}")
            for name in ("fill", "open_tab", "show_projects"):
                for function in target.functions(name):
                    answer = visitor.join(function["id"], *target.start_values(function))
                    texts.append(f"{answer.error}{answer.data}")
    finally:
        for path, content in before.items():
            path.write_bytes(content)
    wrong += [text[max(0, text.find(hidden) - 40) :][:160] for text in texts if hidden in text]
    if not any("projects.json" in text for text in texts):
        wrong.append("nobody was told which file is broken")
    return measured(f"{len(texts)} answers over broken files name them, and no folder above", wrong)


def measure_large_params(target: Target, full: bool) -> Measured:
    size = 100 if full else 20
    path = target.models / "v0.1.0" / "params.json"
    before = path.read_bytes()
    wrong: list[str] = []
    memory = target.memory()
    try:
        path.write_bytes(b'{"x": "' + b"y" * (size * 2**20) + b'"}')
        with target.visit(VISITOR) as visitor:
            answer = visitor.call("get_params", "v0.1.0")
            told = len(str(answer.data or answer.error))
    finally:
        path.write_bytes(before)
    if answer.fine or "params.json" not in answer.error:
        wrong.append(f"{told:,} characters: {answer.error[:100]}")
    grown = target.memory() - memory
    if grown > 3 * size:
        wrong.append(f"memory grew by {grown:.0f} MB")
    return measured(f"a params.json of {size} MB: refused in {told} characters", wrong)


def measure_end(files: Files, full: bool) -> Measured:
    """Tell the app to end while requests are open."""
    wrong: list[str] = []
    with serving(files.copied()) as target, target.visit(VISITOR) as visitor:
        visitor.call("predict", ["text"], "v0.2.0")
        answers: list[Any] = []

        def ask() -> None:
            with target.visit(VISITOR) as one:
                try:
                    answers.append(one.call("predict", ["word " * 30] * 3_000, "v0.2.0"))
                except httpx.HTTPError as error:
                    answers.append(error)

        target.cookies(VISITOR)
        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(0.3)
        target.process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        status = target.process.wait(60)
        waited = time.monotonic() - started
        asking.join()
        for answer in answers:
            if not getattr(answer, "fine", False) and waited < SECONDS_TO_END:
                wrong.append(f"an open request: {answer!r:.200}")
        if status:
            wrong.append(f"ended with {status}")
        if target.tracebacks():
            wrong.append("a traceback")
    return measured("SIGTERM during a request: it is answered, the app ends with 0", wrong)


BUSY = "while True: pass"


def measure_starts(files: Files, full: bool) -> Measured:
    """Start three apps beside each other, on a machine that is busy already."""
    from contextlib import ExitStack

    folders = []
    for number in range(3):
        folder = files.folder / str(number)
        folder.mkdir()
        folders.append(Files(files.data, files.models, folder).copied())
    busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(os.cpu_count() or 2)]
    started: list[str] = []
    wrong: list[str] = []

    def start(folder: Any) -> None:
        try:
            with serving(folder, login=False) as target:
                httpx.get(f"{target.url}/", timeout=120).raise_for_status()
                started.append(target.url)
        except (AssertionError, httpx.HTTPError) as error:
            wrong.append(f"{error!r:.300}")

    with ExitStack() as stack:
        for one in busy:
            stack.callback(one.wait)
            stack.callback(one.kill)
        threads = [threading.Thread(target=start, args=(folder,)) for folder in folders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return measured(f"{len(started)} of 3 apps started, each core busy with something else", wrong)


def measure_api_uploads(files: Files, full: bool) -> Measured:
    wrong: list[str] = []
    program = ("-m", "tagifai", "serve-api")
    with serving(files.copied(), login=False, program=program) as target:
        sent = {"files": ("a.txt", b"x" * 100_000)}
        answer = httpx.post(f"{target.url}/gradio_api/upload", files=sent, timeout=60)
        left = [path for path in (target.folder / "uploads").rglob("*") if path.is_file()]
        if answer.status_code != 404 or left:
            wrong.append(f"{answer.status_code}, {len(left)} files kept")
    return measured("the endpoints alone take no uploads: 404, no file kept", wrong)


ROWS = [
    Row("sessions", "the cookie of a user who was removed, or has another password",
        "401 from the next request, nothing written", measure_sessions, live=True),
    Row("cross-login", "log-in from another site's page, log-out to another host",
        "refused; no way leads elsewhere", measure_cross_login, live=True),
    Row("routes", "functions, sessions and events that are not there; addresses for strangers",
        "404 or 401 in one line, nothing in the log", measure_routes, live=True),
    Row("absolute", "broken data and versions", "visitors read no absolute path",
        measure_absolute, live=True),
    Row("params", "a params.json of 100 MB", "refused in one line", measure_large_params,
        live=True),
]  # fmt: skip
OWN = [
    Row("owner", "writes without the token of the link, as a proxy on the machine passes them on",
        "none written; the link's are", measure_owner, live=True),
    Row("rebinding", "other names that lead to this machine (DNS rebinding)",
        "400, nothing read", measure_rebinding, live=True),
]  # fmt: skip
STARTED = [
    Row("end", "SIGTERM with an open request", "it is answered, then the app ends", measure_end),
    Row("starts", "three starts beside each other, each core busy", "all answer", measure_starts),
    Row("api-uploads", "uploads to the endpoints alone", "refused, nothing kept",
        measure_api_uploads),
]  # fmt: skip
