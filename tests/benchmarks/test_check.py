"""`--check` against results that are planted: better than can be, and worse than can be."""

import json

import pytest

from benchmarks.__main__ import main
from benchmarks.rows.preprocessing import LIMITS, PLAIN


@pytest.mark.parametrize(("recorded", "status"), [(1e-6, 1), (1e6, 0)])
def test_a_ratio_worse_than_recorded_fails(small_data, tmp_path, capsys, recorded, status):
    claims = [
        {"work": work, "size": 80, "what": f"to the {PLAIN}", "value": recorded, "limit": 1}
        for work in LIMITS
    ]
    found = {"timings": [], "claims": claims, "growths": [], "notes": []}
    planted = tmp_path / "planted.json"
    planted.write_text(json.dumps({"command": "", "machine": {}, "groups": [], "findings": found}))
    words = ["--quick", "--only", "preprocessing", "--data", str(small_data)]
    assert main([*words, "--check", str(planted), "--out", str(tmp_path)]) == status
    told = capsys.readouterr().err
    assert told.count("20 % worse than recorded: preprocess_text, all texts") == 2 * status
    assert "| preprocess_text, all texts | 80 |" in (tmp_path / "results.md").read_text("utf-8")


def test_nothing_recorded_is_no_success(small_data, tmp_path, capsys):
    words = [
        "--quick",
        "--only",
        "preprocessing",
        "--data",
        str(small_data),
        "--out",
        str(tmp_path),
    ]
    assert main([*words, "--check", str(tmp_path / "none.json")]) == 1
    assert "nothing is recorded to compare with" in capsys.readouterr().err
