"""The round trip through Argilla's own SDK, in an environment of its own: `just fresh`.

TAGIFAI_ARGILLA_PYTHON may name a Python that has the SDK already.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from wheels import group

from tagifai.data import Dataset, Project
from tagifai.reviews import ReviewStore
from tagifai.reviews.files import export_reviews, read_reviews
from tagifai.reviews.importing import import_reviews
from tagifai.reviews.tasks import build_tasks

pytestmark = pytest.mark.fresh
USER = "0f5c9a52-7a43-4e5c-9b52-3f6f0c6a9a51"
# Reads records, answers them as people do, and writes them in both forms of the SDK.
PROGRAM = """
import json, sys, uuid
import argilla
from argilla.records._io import GenericIO

records = [argilla.Record.from_dict(one) for one in json.load(open(sys.argv[1]))]
for record, (value, status) in zip(records, json.loads(sys.argv[3])):
    user = uuid.UUID(sys.argv[2])
    record.responses.add(argilla.Response("tags", value, user, status=status))
for flatten in (False, True):
    with open(sys.argv[4 + flatten], "w") as out:
        json.dump(GenericIO.to_list(records, flatten=flatten), out)
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    if named := os.environ.get("TAGIFAI_ARGILLA_PYTHON"):
        return Path(named)
    home = tmp_path_factory.mktemp("argilla") / "venv"
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    found = home / "bin" / "python"
    pip = [found, "-m", "pip", "install", "--quiet", *group("argilla")]
    subprocess.run(pip, check=True)
    return found


def test_what_the_sdk_read_and_wrote_comes_back(python, tmp_path):
    names = ("cv", "a, b", "two\nlines", "日本語")
    projects = tuple(Project(str(number), "Cats", "seen", ("cv",)) for number in range(4))
    data = Dataset((*projects, Project("x", "", "", names)), {}, "digest")
    tasks = build_tasks(
        (),
        {p.id: p for p in projects},
        names,
        asked=[(p.id, "a, b") for p in projects],
        version="v1",
    )
    sent = tmp_path / "sent.json"
    sent.write_text(export_reviews((), "argilla", tasks), "utf-8")
    answers = [
        (["cv", "a, b", "日本語"], "submitted"),
        (["cv", "two\nlines"], "draft"),
        (["a, b"], "discarded"),
        (["cv"], "submitted"),
    ]
    nested, flat = tmp_path / "nested.json", tmp_path / "flat.json"
    program = [python, "-c", PROGRAM, sent, USER, json.dumps(answers), nested, flat]
    subprocess.run(program, check=True)

    store = ReviewStore(tmp_path / "r.sqlite", journal="delete")
    found = import_reviews(store, read_reviews(flat.read_bytes(), "argilla"), data)
    said = {(e.project, e.tag): e.decision for e in store.events() if e.tag}
    assert said == {
        ("0", "a, b"): "add",
        ("0", "日本語"): "add",
        ("2", "a, b"): "skip",
        ("3", "a, b"): "right",
    }
    assert {event.reviewer for event in store.events()} == {f"argilla:{USER}"}
    assert found.unused == {"draft response": 1, "discarded response": 1}
    # The other form has no statuses, and that is said.
    (unused,) = read_reviews(nested.read_bytes(), "argilla").unused.items()
    assert unused == ("response without a status, taken as submitted", 4)
