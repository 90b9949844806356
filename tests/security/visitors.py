"""One visitor asks for all there is; another comes meanwhile, and must not notice."""

import asyncio
import json
import socket
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx
from security.floods import HEAD, UPLOAD
from security.rows import Measured, Row, measured
from security.target import REVIEWER, VICTIM, VISITOR, Target, Visitor

MB = 2**20
JSON = {"content-type": "application/json"}
SLOWER = 4.0
TEXT = "attention encoder pixels camera masks " * 5


@contextmanager
def meanwhile(attack: Callable[[threading.Event], None], threads: int = 1) -> Iterator[None]:
    """Attack from other threads while the block runs."""
    done = threading.Event()
    attackers = [threading.Thread(target=attack, args=(done,)) for _ in range(threads)]
    for one in attackers:
        one.start()
    try:
        yield
    finally:
        done.set()
        for one in attackers:
            one.join()


def cookies(target: Target, who: tuple[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in target.cookies(who).items())


def connect(target: Target, address: str = "127.0.0.1") -> socket.socket:
    port = int(target.url.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), 30, source_address=(address, 0))


def begin(one: socket.socket, path: str, size: int, more: str = "") -> None:
    """Announce a body, and send all of it but the end."""
    uploaded = path.endswith("upload")
    kind = UPLOAD["content-type"] if uploaded else "application/json"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {size}\r\n{more}\r\n"
    )
    body = (HEAD if uploaded else b"").ljust(size - 1)
    with suppress(OSError):  # refused already
        one.sendall(head.encode() + body)


def log_in(target: Target, who: tuple[str, str], address: str = "127.0.0.1") -> tuple[int, float]:
    form = {"username": who[0], "password": who[1]}
    transport = httpx.HTTPTransport(local_address=address)
    with httpx.Client(base_url=target.url, transport=transport, timeout=120) as client:
        started = time.perf_counter()
        return client.post("/login", data=form).status_code, time.perf_counter() - started


def measure_held(target: Target, full: bool) -> Measured:
    """Bodies that never end, by nobody and by a visitor; others log in, ask and upload."""
    tries = 20 if full else 5
    told: Counter[int] = Counter()
    paths = ["/gradio_api/queue/join", "/login", "/gradio_api/upload", "/nothing", "/"]
    target.cookies(REVIEWER)
    target.cookies(VISITOR)
    with ExitStack() as stack:
        for more in ("", f"Cookie: {cookies(target, VISITOR)}\r\n"):
            for path in paths:
                for _ in range(5):
                    one = stack.enter_context(connect(target))
                    one.settimeout(5)
                    begin(one, path, 4 * MB, more)
        for _ in range(tries):
            told[log_in(target, VICTIM)[0]] += 1
            with target.visit(REVIEWER) as visitor:
                told[visitor.call("predict", ["text"], "v0.2.0").status] += 1
                files = {"files": ("a.txt", b"text")}
                told[visitor.client.post("/gradio_api/upload", files=files).status_code] += 1
            with target.visit(VISITOR) as visitor:  # the greedy one's other page
                told[visitor.call("list_versions").status] += 1
    wrong = [f"{status}: {count} times" for status, count in told.items() if status != 200]
    return measured(
        f"50 bodies of 4 MB under way for ever; meanwhile {told[200]} of {told.total()} log-ins, "
        f"calls and uploads of others answered", wrong,
    )  # fmt: skip


def measure_unread(target: Target, full: bool) -> Measured:
    calls = 54 if full else 12
    told: Counter[int] = Counter()
    wrong: list[str] = []
    body = json.dumps({"data": [["transformers"] * 10_000, "v0.2.0"]}).encode()
    with target.visit(VISITOR) as visitor, target.visit(REVIEWER) as other:
        if not other.call("predict", ["transformers"] * 10_000, "v0.2.0").fine:
            wrong.append("so many texts are not answered")
        before = target.memory()
        made = other.client.post(
            "/gradio_api/call/predict", json={"data": [["transformers"] * 2_000, "v0.2.0"]}
        ).json()
        for _ in range(calls):
            while True:
                status = visitor.client.post(
                    "/gradio_api/call/predict", content=body, headers=JSON
                ).status_code
                told[status] += 1
                if status == 200:
                    break
                time.sleep(0.2)
        answer = other.hear(made["event_id"], "predict", time.perf_counter())
        if not answer.fine:
            wrong.append(f"another's answer was forgotten: {answer.error}")
    grown = target.memory() - before
    if grown > 150:
        wrong.append(f"memory grew by {grown:.0f} MB")
    return measured(
        f"{told[200]} answers to 10,000 texts left unread: memory {grown:+.0f} MB; another's "
        f"answer waited meanwhile, and came", wrong,
    )  # fmt: skip


def measure_sockets(target: Target, full: bool) -> Measured:
    number = 1_100 if full else 700
    seconds = 30 if full else 8
    wrong: list[str] = []
    size = (target.folder / "log").stat().st_size
    asked = refused = 0
    with ExitStack() as stack:
        for index in range(number):
            address = f"127.0.0.{2 + index % 3}"
            try:
                one = stack.enter_context(connect(target, address))
                if index % 2:
                    one.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
            except OSError:
                refused += 1
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            asked += 1
            try:
                httpx.get(f"{target.url}/health", timeout=20).raise_for_status()
            except httpx.HTTPError as error:
                wrong.append(f"/health: {type(error).__name__}")
            time.sleep(0.5)
    streams = httpx.get(f"{target.url}/gradio_api/heartbeat/x", timeout=20).status_code
    if streams not in (401, 404):
        wrong.append(f"a stream without a login: {streams}")
    written = (target.folder / "log").stat().st_size - size
    if written > 20_000:
        wrong.append(f"{written:,} bytes of log")
    return measured(
        f"{number:,} idle sockets: /health answered {asked - len(wrong)} of {asked} times, "
        f"{written:,} bytes of log", wrong,
    )  # fmt: skip


def measure_crowd(target: Target, full: bool) -> Measured:
    """Wrong passwords for many names at once, from the same address as another's log-in."""
    wrong: list[str] = []
    idle = [log_in(target, REVIEWER)[1] for _ in range(5)]
    guesses = 0

    def guess(done: threading.Event) -> None:
        nonlocal guesses
        while not done.is_set():
            guesses += 1
            log_in(target, (f"somebody {guesses}", "wrong"))

    with meanwhile(guess, 30):
        time.sleep(1)
        busy = []
        for _ in range(5):
            status, seconds = log_in(target, REVIEWER)
            busy.append(seconds)
            if status != 200:
                wrong.append(f"another's log-in was answered {status}")
    slower = statistics.median(busy) / statistics.median(idle)
    if slower > SLOWER:
        wrong.append(f"another's log-in took {slower:.1f} times as long")
    # One name, from elsewhere: it is not locked here.
    for _ in range(8):
        log_in(target, (VISITOR[0], "wrong"), "127.0.0.9")
    if log_in(target, VISITOR, "127.0.0.9")[0] == 200:
        wrong.append("guessing is not slowed down")
    if log_in(target, VISITOR)[0] != 200:
        wrong.append("wrong passwords from elsewhere lock a name")
    return measured(
        f"{guesses} wrong passwords, 30 at once: another's log-in {slower:.1f} × idle; a name is "
        f"slowed down where it is guessed alone", wrong,
    )  # fmt: skip


def measure_greedy(target: Target, full: bool) -> Measured:
    """One visitor has thousands of texts predicted without end; another one now and then."""
    number = 40 if full else 12
    wrong: list[str] = []
    told: Counter[int] = Counter()
    body = json.dumps({"data": [[TEXT] * 10_000, "v0.2.0"]}).encode()

    def flood(done: threading.Event) -> None:
        with target.visit(VISITOR) as visitor:
            while not done.is_set():
                for _ in range(26):
                    made = visitor.client.post(
                        "/gradio_api/call/predict", content=body, headers=JSON
                    )
                    told[made.status_code] += 1
                time.sleep(0.5)

    def ask(visitor: Visitor) -> tuple[float, float]:
        answer = visitor.call("predict", ["an image"], "v0.2.0")
        page = visitor.run(listing, "", "file order", False, 1)
        for one in (answer, page):
            if not one.fine:
                wrong.append(f"another was answered {one.status} {one.error[:80]}")
        return answer.seconds, page.seconds

    listing = target.functions("show_projects")[0]["id"]
    with target.visit(REVIEWER) as visitor:
        ask(visitor)
        idle = [ask(visitor) for _ in range(number)]
        with meanwhile(flood):
            while not told[503]:
                time.sleep(0.1)
            busy = []
            for _ in range(number):
                busy.append(ask(visitor))
                time.sleep(0.1)
    slower = [
        statistics.median(times) / statistics.median(before)
        for times, before in zip(zip(*busy, strict=True), zip(*idle, strict=True), strict=True)
    ]
    for what, times in zip(("prediction", "page"), slower, strict=True):
        if times > SLOWER:
            wrong.append(f"another's {what} took {times:.1f} times as long")
    if not told[200]:
        wrong.append("nothing was asked for")
    return measured(
        f"{told[200]} × 10,000 texts taken in, {told[503]} refused; another's prediction "
        f"{slower[0]:.1f} × idle, page {slower[1]:.1f} × idle, none refused", wrong,
    )  # fmt: skip


def measure_spelt(target: Target, full: bool) -> Measured:
    """Spell a function's number in many ways: the limit counts the function."""
    function = target.functions("show_preprocessed")[-1]["id"]
    spelt = [
        function,
        str(function),
        *(f"{'0' * n}{function}" for n in range(1, 30)),
        1.0 * function,
    ]
    told: Counter[int] = Counter()
    data = ["word " * 1_000, True, False, r"(\w+\s?)*$", "", "english"]

    async def run() -> None:
        headers = {"cookie": cookies(target, VISITOR)}
        async with httpx.AsyncClient(base_url=target.url, headers=headers, timeout=120) as client:

            async def call(index: object) -> None:
                body = {"data": data, "fn_index": index, "session_hash": "spelt"}
                made = await client.post("/gradio_api/run/predict", json=body)
                told[made.status_code] += 1

            await asyncio.gather(*(call(index) for index in spelt + spelt))

    asyncio.run(run())
    wrong = [] if told[503] else ["nobody was told to wait"]
    wrong += [f"answered {status}" for status in set(told) - {200, 503}]
    return measured(
        f"one function under {len(spelt)} spellings of its number, {told.total()} calls at once: "
        f"{told[200]} answered, {told[503]} told to wait", wrong,
    )  # fmt: skip


def measure_uploads(target: Target, full: bool) -> Measured:
    wrong: list[str] = []
    told: Counter[int] = Counter()
    files = {"files": ("a.txt", b"x" * (19 * MB))}
    with target.visit(VISITOR) as greedy, target.visit(REVIEWER) as other:
        for _ in range(14):
            told[greedy.client.post("/gradio_api/upload", files=files).status_code] += 1
        made = other.client.post("/gradio_api/upload", files={"files": ("a.txt", b"x")})
        if made.status_code != 200:
            wrong.append(f"another's upload was answered {made.status_code}")
    if not told[503]:
        wrong.append("nobody was refused")
    with target.visit(VICTIM) as third:
        # What is broken off counts as well.
        for _ in range(40):
            with connect(target) as one:
                begin(one, "/gradio_api/upload", 19 * MB, f"Cookie: {cookies(target, VICTIM)}\r\n")
            answer = third.client.post("/gradio_api/upload", files={"files": ("a.txt", b"x")})
            if "within an hour" in answer.text:
                break
        else:
            wrong.append(f"unfinished uploads are not counted: {answer.status_code}")
    return measured(
        f"{told[200]} of 14 uploads of 19 MB taken, then 503, unfinished ones counted; another's "
        f"taken", wrong,
    )  # fmt: skip


ROWS = [
    Row("held", "bodies of 4 MB that never end, by strangers and by a visitor, to any path",
        "nobody else is refused", measure_held, live=True),
    Row("unread", "54 calls of 10,000 texts whose answers nobody fetches",
        "memory growth under 150 MB, another's answer is not forgotten", measure_unread, live=True),
    Row("sockets", "1,100 idle sockets, half of them with half a head; streams without a login",
        "the app answers, its log does not grow", measure_sockets, live=True),
    Row("crowd", "wrong passwords under many names, 30 at once; for one name from elsewhere",
        "another's log-in at most 4 × idle, no name is locked", measure_crowd, live=True),
    Row("greedy", "one visitor asks again and again for 26 × 10,000 predictions",
        "another is never refused, at most 4 × idle", measure_greedy, live=True),
    Row("spelt", "a function's number spelt in many ways", "the limit counts all of them",
        measure_spelt, live=True),
    Row("uploads", "one visitor uploads without end, and breaks off",
        "refused by the hour; another's upload is taken", measure_uploads, live=True),
]  # fmt: skip
