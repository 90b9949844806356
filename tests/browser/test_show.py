"""`tagifai.show` as people use it: a program or a notebook of their own, and a real browser."""

import json
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pages import choose, field, open_tab
from playwright.sync_api import expect

ROOT = Path(__file__).parents[2]
# 60 texts, of which the "dogs" of rows 2 and 5 are predicted and not labelled.
OWN_DATA = """
import json, sys
import numpy as np
import tagifai

texts = [f"{('cats sleep', 'dogs bark', 'birds sing')[row % 3]} number {row}" for row in range(60)]
tags = ["cats", "dogs", "birds"]
y_true = np.eye(3, dtype=int)[np.arange(60) % 3]
y_prob = y_true * 0.8 + 0.1
y_prob[[2, 5], 1] = 0.95
"""
PROGRAM = (
    OWN_DATA
    + """
session = tagifai.show(texts, y_true, {"v1": y_prob * 0.52, "v2": y_prob}, tags=tags)
for line in sys.stdin:
    print(json.dumps(eval(line), default=str), flush=True)
"""
)


class Program:
    """A program that shows its data; `ask` evaluates an expression in it."""

    def __init__(self, folder):
        (folder / "program.py").write_text(PROGRAM)
        (folder / "tmp").mkdir()
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
        self.process = subprocess.Popen(
            [sys.executable, "program.py"],
            cwd=folder,
            env={**kept, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder / "tmp")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ask(self, expression):
        self.process.stdin.write(f"{expression}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        return json.loads(line)

    def end(self):
        rest, errors = self.process.communicate(timeout=60)
        return rest, errors


@contextmanager
def showing(folder):
    program = Program(folder)
    try:
        yield program
    finally:
        if program.process.poll() is None:
            program.process.kill()
            program.process.wait()


def is_open(url):
    parts = urlsplit(url)
    with socket.socket() as caller:
        return caller.connect_ex((parts.hostname, parts.port)) == 0


def selected(program, page, expected):
    """Ask what is selected until the page has reported it."""
    for _ in range(50):
        found = program.ask("session.selection().attrs")
        if expected.items() <= found.items():
            return program.ask("session.selection().reset_index().to_dict('records')")
        page.wait_for_timeout(100)
    raise AssertionError(found)


def test_a_program_reads_what_was_clicked_and_leaves_nothing(tmp_path, open_page):
    with showing(tmp_path) as program:
        assert program.ask("session.selection().attrs") == {}
        url = program.ask("session.url")
        page = open_page(url)
        page.wait_for_selector("#projects-table tbody tr")
        rows = selected(program, page, {"tab": "data"})
        assert [row["row"] for row in rows] == list(range(60))
        field(page, "#projects-search").fill("birds")
        rows = selected(program, page, {"tab": "data", "query": "birds"})
        assert [row["row"] for row in rows] == list(range(2, 60, 3))

        open_tab(page, "Inspection")
        choose(page, "#inspect-tag", "dogs")
        rows = selected(program, page, {"part": "tags", "tag": "dogs", "outcome": "fp"})
        assert [(row["row"], row["y_true"], row["y_pred"]) for row in rows] == [
            (2, ["birds"], ["dogs", "birds"]),
            (5, ["birds"], ["dogs", "birds"]),
        ]
        assert {row["version"] for row in rows} == {"v2"}
        assert rows[0]["text"] == "birds sing number 2"
        assert rows[0]["probability"] == pytest.approx(0.95)
        page.get_by_role("radio", name="true positives").check()
        rows = selected(program, page, {"outcome": "tp"})
        assert [row["row"] for row in rows] == list(range(1, 60, 3))

        open_tab(page, "Performance")
        page.locator("#tag-diffs tbody tr", has_text="dogs").first.click()
        rows = selected(program, page, {"tab": "performance", "tag": "dogs"})
        assert sorted(row["row"] for row in rows if row["outcome"] == "broke") == [2, 5]

        folder = Path(program.ask("session._folder"))
        assert folder.parent == tmp_path / "tmp"
        page.close()
        assert program.end() == ("", "")
        assert program.process.returncode == 0
        assert not is_open(url)
        assert not folder.exists()
        assert [path.name for path in tmp_path.iterdir() if path.name != "program.py"] == ["tmp"]
        assert list((tmp_path / "tmp").iterdir()) == []


def test_a_notebook_shows_the_page_and_reads_the_selection(tmp_path, open_page):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    cells = [
        OWN_DATA,
        "session = tagifai.show(texts, y_true, y_prob, tags=tags)\nsession",
        "session.selection()[['tag', 'outcome']].to_dict()",
        "session.close(); session.closed",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in cells])
    client = nbclient.NotebookClient(
        book, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}
    )
    with client.setup_kernel():
        client.execute_cell(book.cells[0], 0)
        shown = client.execute_cell(book.cells[1], 1).outputs
        frame, handle = (one["data"] for one in shown)
        url = handle["text/plain"].removeprefix("<tagifai at ").removesuffix(">")
        assert f'src="{url}"' in frame["text/html"]
        assert "<iframe" in frame["text/html"]
        page = open_page(url)
        open_tab(page, "Inspection")
        choose(page, "#inspect-tag", "dogs")
        expected = {"tag": {2: "dogs", 5: "dogs"}, "outcome": {2: "fp", 5: "fp"}}
        for _ in range(50):
            told = client.execute_cell(book.cells[2], 2).outputs[0]["data"]["text/plain"]
            if eval(told) == expected:
                break
            page.wait_for_timeout(100)
        assert eval(told) == expected
        page.close()
        assert client.execute_cell(book.cells[3], 3).outputs[0]["data"]["text/plain"] == "True"
        assert not is_open(url)


def test_decisions_on_a_page_opened_by_a_link_are_read_by_its_own_program(tmp_path, open_page):
    """Three sessions at once; what the page says it kept is there, and still after the end."""
    link = "?tab=inspection&part=label-errors"
    choices = ("", "&version=v1&tag=dogs", '&version=v1&pair=["5","dogs"]')
    with showing(tmp_path) as program:
        show = 'tagifai.show(texts, y_true, {"v1": y_prob, "v2": y_prob}, tags=tags)'
        program.ask(f"(sessions := [session, {show}, {show}])")
        urls = program.ask("[one.url for one in sessions]")
        for number, (url, choice) in enumerate(zip(urls, choices, strict=True)):
            page = open_page(f"{url}{link}{choice}")
            told = page.locator("#issue-pair .told")
            page.locator("#review-add").click()
            expect(told).to_contain_text("Kept: add, dogs")
            page.keyboard.press("s")
            expect(told).to_contain_text("Kept: skip")
            table = program.ask(f"sessions[{number}].reviews().to_dict('records')")
            assert [row["decision"] for row in table] == ["add", "skip"]
            assert (table[0]["id"], table[0]["tag"]) == ("5" if "pair" in choice else "2", "dogs")
            assert {row["version"] for row in table} == {"v1" if choice else "v2"}
            page.close()
            told = program.ask(f"(sessions[{number}].close(), len(sessions[{number}].reviews()))")
            assert told == [None, 2]
        assert program.end() == ("", "")
