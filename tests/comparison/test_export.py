from comparison.made import GOOD, HALF, predictions, repeated, version

from tagifai.comparison import compare
from tagifai.comparison.export import export_comparison


def test_it_is_exported_as_markdown():
    a = version("v1", params={"stem": False, "C": 1})
    b = version("v2", params={"stem": True, "C": 1})
    tags = ["cv", "a|b <img src=x> ![p](http://x)"]
    old = predictions(HALF.y_prob, tags=tags, split=["test"] * 3 + ["train"])
    text = export_comparison(compare(a, b, old, predictions(GOOD.y_prob, tags=tags)))

    assert text.startswith("# v2 compared with v1\n\nA is v1, B is v2; differences are B − A.\n")
    assert "Both are scored on the 3 projects in both test splits" in text
    assert "Left out: 1 project (1: v1 was trained on it): 4." in text
    assert "| cv | recall | 0.500 | 1.000 | +0.500 |  |  | too few | 2 |" in text
    assert r"| a\|b \<img src=x\> \!\[p\](http://x) | f1 |" in text
    assert "B fixed 2, broke 0 (negative-flip rate 0.0000) and left 0 wrong." in text
    assert "| stem | False | True | changed |" in text
    assert "| C |" not in text


def test_intervals_and_p_values_stand_beside_each_verdict():
    a, b = repeated(HALF, 5), repeated(GOOD, 5)
    text = export_comparison(compare(version("v1"), version("v2"), a, b))

    assert (
        "any false one among the overall figures in 5 % at most, weighted f1 first (Holm)" in text
    )
    (line,) = [line for line in text.splitlines() if line.startswith("| cv | recall |")]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[2:5] == ["0.500", "1.000", "+0.500"]
    assert float(cells[5].split()[0]) > 0
    # Five of ten decisions changed, all for the better: p = 2⁻⁴.
    assert cells[6:] == ["0.062", "can't tell", "10"]
