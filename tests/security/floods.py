"""Too much at once: bodies, events, visitors, and texts that take long."""

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
from security.rows import Measured, Row, cpu_seconds_of, measured, percentile
from security.target import VISITOR, Answer, Target

MB = 2**20
JSON = {"content-type": "application/json"}
UPLOAD = {"content-type": "multipart/form-data; boundary=xx"}
HEAD = b'--xx\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'


def measure_bodies(target: Target, full: bool) -> Measured:
    size = 100 if full else 25
    piece = b"x" * MB

    def chunked(head: bytes) -> Iterator[bytes]:
        yield head
        for _ in range(size):
            yield piece

    wrong: list[str] = []
    answered: Counter[int] = Counter()
    with target.visit() as visitor:
        visitor.call("predict", ["text"], "v0.2.0")
        before = most = target.memory()
        for path, headers, head in (
            ("/gradio_api/call/predict", JSON, b'{"data": ["'),
            ("/gradio_api/run/predict", JSON, b'{"fn_index": 1, "data": ["'),
            ("/gradio_api/upload", UPLOAD, HEAD),
            ("/login", {}, b"username="),
            ("/gradio_api/reset", JSON, b'{"event_id": "'),
        ):
            whole = head + piece * size
            for body in (whole, chunked(head)):
                told = visitor.client.post(path, content=body, headers=headers)
                answered[told.status_code] += 1
                most = max(most, target.memory())
                if told.status_code != 413:
                    wrong.append(f"{path}: {told.status_code}")
        values = b'{"data": [' + b"[]," * 1_000_000 + b"[]]}"
        told = visitor.client.post("/gradio_api/call/predict", content=values, headers=JSON)
        most = max(most, target.memory())
        if told.status_code != 413:
            wrong.append(f"a million values in 3 MB: {told.status_code}")
        if not visitor.call("predict", ["text"], "v0.2.0").fine:
            wrong.append("no answer afterwards")
    if most - before > 20:
        wrong.append(f"memory grew by {most - before:.0f} MB")
    return measured(
        f"{answered[413]} of {answered.total()} bodies of {size} MB refused with 413, "
        f"memory +{most - before:.1f} MB",
        wrong,
    )


def measure_queue(target: Target, full: bool) -> Measured:
    events = 200 if full else 80
    slow = target.functions("predict", "many-texts")[0]["id"]
    quick = next(one for one in target.functions("predict", "inference-text") if not one["queue"])
    text = "attention encoder pixels camera masks " * 40
    wrong: list[str] = []
    told: dict[str, Counter[int]] = {"queue": Counter(), "page": Counter()}

    async def flood(client: httpx.AsyncClient, kind: str, number: int) -> None:
        session = f"flood{number}" if kind == "queue" else target.opened
        if kind == "queue":
            lines = "\n".join([text] * 30)
            data: list[Any] = ["v0.2.0", lines, "one text a line", None]
            path, function = "/gradio_api/queue/join", slow
        else:
            typed = {"inference-text": text, "inference-version": "v0.2.0"}
            labels = map(target.label, quick["inputs"])
            start = zip(labels, target.start_values(quick), strict=True)
            data = [typed.get(label, value) for label, value in start]
            path, function = "/gradio_api/run/predict", quick["id"]
        body = {"data": data, "fn_index": function, "session_hash": session}
        made = await client.post(path, json=body)
        told[kind][made.status_code] += 1

    async def look(client: httpx.AsyncClient, done: asyncio.Event) -> list[float]:
        times = []
        listing = target.functions("show_projects")[0]["id"]
        while not done.is_set():
            started = time.perf_counter()
            body = {"data": ["", "file order", False, 1], "fn_index": listing,
                    "session_hash": "onlooker"}  # fmt: skip
            made = await client.post("/gradio_api/run/predict", json=body)
            times.append(time.perf_counter() - started)
            if made.status_code != 200:
                wrong.append(f"another tab was answered {made.status_code}")
            fill = target.functions("fill")[0]
            body = {"data": target.start_values(fill), "fn_index": fill["id"],
                    "session_hash": "onlooker"}  # fmt: skip
            made = await client.post("/gradio_api/queue/join", json=body)
            if made.status_code != 200:
                wrong.append(f"a queued function of another tab was answered {made.status_code}")
            await asyncio.sleep(0.2)
        return times

    async def run() -> list[float]:
        cookies = {"cookie": "; ".join(f"{k}={v}" for k, v in target.cookies(VISITOR).items())}
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        async with httpx.AsyncClient(
            base_url=target.url, headers=cookies, timeout=120, limits=limits
        ) as client:
            done = asyncio.Event()
            looking = asyncio.create_task(look(client, done))
            for kind in told:
                await asyncio.gather(*(flood(client, kind, n) for n in range(events)))
            done.set()
            return await looking

    target.opened, target.cookies(VISITOR)
    times = asyncio.run(run())
    for kind, counts in told.items():
        if not counts[503]:
            wrong.append(f"{kind}: nobody was told to wait ({dict(counts)})")
        if set(counts) - {200, 503}:
            wrong.append(f"{kind}: answered {dict(counts)}")
    figure = (
        f"queue: {told['queue'][200]} taken in, {told['queue'][503]} told to wait; past it: "
        f"{told['page'][200]} answered, {told['page'][503]} told to wait; another tab meanwhile: "
        f"{len(times)} answers, longest {max(times):.1f} s"
    )
    return measured(figure, wrong)


def measure_visitors(target: Target, full: bool) -> Measured:
    clients, seconds, think = (100, 40.0, 3.0) if full else (8, 2.0, 0.5)
    actions = {
        "show_projects": ["guide", "file order", False, 1],
        "filter_by_frequency": [20, None, ""],
        "show_preprocessed": [
            "Some text, with a link https://a.b",
            True,
            False,
            "[0-9]+",
            "",
            "english",
        ],
    }
    endpoints = {
        "predict": [["attention encoder pixels"], "v0.2.0"],
        "compare_versions": ["v0.1.0", "v0.2.0"],
        "inspect_tag": ["v0.2.0", "transformers", "fp", "confident", 1],
    }
    wrong: list[str] = []
    times: list[float] = []

    def act(visitor: Any, rng: random.Random) -> Answer:
        name = rng.choice([*actions, *endpoints])
        if name in endpoints:
            return visitor.call(name, *endpoints[name])
        return visitor.run(target.functions(name)[0]["id"], *actions[name])

    def live(number: int, until: float) -> None:
        rng = random.Random(number)
        with target.visit() as visitor:
            time.sleep(rng.uniform(0, think))
            visitor.client.get("/").raise_for_status()
            function = target.functions("fill")[0]
            visitor.join(function["id"], *target.start_values(function))
            while True:
                answer = act(visitor, rng)
                times.append(answer.seconds)
                if not answer.fine:
                    wrong.append(f"{answer.status} {answer.error[:80]}")
                time.sleep(rng.uniform(0.5, 1.5) * think)
                if time.perf_counter() > until:
                    break

    with target.visit() as visitor:
        for number in range(30):
            act(visitor, random.Random(number))
    before = target.memory()
    until = time.perf_counter() + seconds
    threads = [threading.Thread(target=live, args=(n, until)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    grown = target.memory() - before
    if grown > 100:
        wrong.append(f"memory grew by {grown:.0f} MB")
    return measured(
        f"{len(times):,} answers, median {percentile(times, 0.5) * 1000:.0f} ms, p95 "
        f"{percentile(times, 0.95) * 1000:.0f} ms, {len(wrong)} errors, memory +{grown:.0f} MB",
        wrong,
    )


def measure_slow_texts(target: Target, full: bool) -> Measured:
    """Texts built to take long: a word as long as a text, words that nearly are names."""
    rng = random.Random(5)
    letters = "abcdefghijklmnopqrstuvwxyz"
    size = 20_000
    texts = {
        "one word": "a" * size,
        "random letters": "".join(rng.choices(letters + " ", k=size)),
        "long words": " ".join("".join(rng.choices(letters, k=26)) for _ in range(size // 27)),
        "nearly names": " ".join(f"transformrs{c}" for c in letters * 60)[:size],
        "two letters": "ab " * (size // 3),
        "combining": "e\u0301" * (size // 2),
        "blanks": " " * size,
    }
    shown = target.functions("predict", "inference-text")[0]["id"]
    wrong: list[str] = []
    times: dict[str, float] = {}
    with target.visit() as visitor:
        visitor.session = target.opened
        for name, text in texts.items():
            started = cpu_seconds_of(target.process.pid)
            answer = visitor.call("predict", [text], "v0.2.0")
            page = visitor.run(shown, text, "v0.2.0", "the likeliest", "none", "")
            times[name] = cpu_seconds_of(target.process.pid) - started
            if not (answer.fine and page.fine):
                wrong.append(f"{name}: {answer.error or page.error}")
            if times[name] > 5:
                wrong.append(f"{name}: {times[name]:.1f} s")
        for much, what in ((["x" * (size + 1)], "a longer text"), (["x"] * 10_001, "more texts")):
            answer = visitor.call("predict", much, "v0.2.0")
            if "at most" not in answer.error:
                wrong.append(f"{what} was taken: {answer.error}")
    longest = max(times, key=lambda name: times[name])
    return measured(
        f"{len(texts)} texts of 20,000 characters: longest {times[longest]:.1f} s ({longest})",
        wrong,
    )


ROWS = [
    Row("bodies", "a 100 MB body", "refused with 413, memory growth under 20 MB",
        measure_bodies, live=True),
    Row("queue", "200 events at once at one function",
        "the excess is told to wait (503), other tabs answer", measure_queue, live=True),
    Row("visitors", "100 clients, think time 3 s, 40 s", "no error, memory growth under 100 MB",
        measure_visitors, live=True),
    Row("slow-texts", "texts of 20,000 characters built to take long; longer ones, and more",
        "each within 5 s of processor time; what is more is refused", measure_slow_texts,
        live=True),
]  # fmt: skip
