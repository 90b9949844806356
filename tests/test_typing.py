"""What a type checker knows of a program that uses tagifai."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RIGHT = """
from typing import assert_type

import numpy as np
import pandas as pd

import tagifai

y_true = np.array([[1, 0], [0, 1]])
y_prob = [[0.9, 0.2], [0.1, 0.8]]

result = tagifai.evaluate(y_true, y_prob, tags=["cv", "nlp"])
assert_type(result, tagifai.Evaluation)
assert_type(result.figure("macro", "f1").value, float | None)

comparison = tagifai.compare(y_prob, y_prob, y_true=y_true)
assert_type(comparison, tagifai.Comparison)
assert_type(comparison.verdict, str | None)
assert_type(comparison.to_frame(), pd.DataFrame)

assert_type(tagifai.label_issues(["a", "b"], y_true, y_prob), pd.DataFrame)
assert_type(tagifai.load_demonstration(), pd.DataFrame)
added = tagifai.add_version("v1", y_prob, links={"run": "https://example.org"})
assert_type(added.f1, float | None)

with tagifai.show(["a", "b"], y_true, {"v1": y_prob}, split=["test", "test"]) as session:
    assert_type(session, tagifai.Session)
    assert_type(session.url, str)
    assert_type(session.selection(), pd.DataFrame)
    assert_type(session.reviews(), pd.DataFrame)

callback = tagifai.TagifaiCallback(["a"], y_true, predict=lambda texts: [[0.5] for _ in texts])
assert_type(callback.added[0].num_samples, int)
assert_type(tagifai.__version__, str)
"""
WRONG = {
    'tagifai.show(["a"], [[1]], name=3)': 'Argument "name" to "show"',
    'tagifai.show(["a"], [[1]], split_by="x")': 'Unexpected keyword argument "split_by"',
    "tagifai.evaluate([[1]], [[0.5]]).plot()": '"Evaluation" has no attribute "plot"',
    'tagifai.add_version("v", thresholds=["a"])': 'Argument "thresholds" to "add_version"',
    "tagifai.compare_all": 'Module has no attribute "compare_all"',
}


def check(folder, program):
    """Return what mypy says of a program in a folder of its own, in its strict mode."""
    (folder / "program.py").write_text(program)
    words = ["--strict", "--follow-imports=silent", "--ignore-missing-imports", "program.py"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", ROOT / ".mypy_cache/users", *words],
        cwd=folder, env={"MYPYPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout


@pytest.mark.long
def test_programs_are_checked_against_its_types(tmp_path):
    lines = [f"{line}  # {number}" for number, line in enumerate(WRONG)]
    said = check(tmp_path, "\n".join([RIGHT, *lines]))
    errors = [line for line in said.splitlines() if ": error: " in line]
    first = RIGHT.count("\n") + 2
    expected = [
        f"program.py:{first + number}: error: {message}"
        for number, message in enumerate(WRONG.values())
    ]
    assert len(errors) == len(expected), said
    for error, start in zip(errors, expected, strict=True):
        assert error.startswith(start)
