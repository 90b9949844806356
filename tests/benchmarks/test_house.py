import pytest

from benchmarks.house import House, Row, main, measure

LAYERS = """
[tool.importlinter]
[[tool.importlinter.contracts]]
type = "layers"
layers = ["tagifai.ui", "tagifai.text | tagifai.data", "tagifai.errors"]
"""
HIGH = """
import gradio as gr
from typing import Any
from tagifai.data import read
from tagifai import errors

def handler() -> dict[str, Any]:
    nothing = [""] * 11
    return [gr.skip(), time_ns(), *nothing]  # fmt: skip

class Tab:
    def build(self):
        self.asked = gr.Textbox(visible="hidden")
        self.file = gr.Textbox(visible="hidden")
        self.asked.change(handler)
"""
LOW = "from tagifai.ui.tab import handler\n\n\ndef read():\n" + "    x = 1\n" * 60


@pytest.fixture
def house(tmp_path):
    for name, text in {
        "pyproject.toml": LAYERS,
        "tagifai/__init__.py": "",
        "tagifai/errors.py": "",
        "tagifai/data/__init__.py": LOW,
        "tagifai/ui/__init__.py": "",
        "tagifai/ui/tab.py": HIGH,
        "tagifai/ui/page.js": "window.fetch = ask; if (window.fetch == ask) {}",
        "tagifai/ui/gradio_fixes/__init__.py": "",
        "tagifai/ui/gradio_fixes/one.py": "",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return House(tmp_path)


def test_each_property_is_counted(house):
    assert {row.what: row.found for row in measure(house)} == {
        "imports that run up the layers": 1,
        "layers": 3,
        "uses of Any": 1,
        "functions that return dict[str, Any]": 1,
        "functions of more than 60 lines": 1,
        "lists of fillers in the page": 1,
        "gr.skip()": 1,
        "hidden text boxes as event buses": 1,
        "time_ns tickets": 1,
        "fmt: skip": 1,
        "workarounds for Gradio": 1,
        "browser functions replaced": 1,
    }


def test_a_target_is_met_up_to_its_value():
    assert Row("x", 3, 3).met
    assert not Row("x", 4, 3).met


def test_the_table_tells_what_is_missed(capsys):
    status = main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 21
    assert status == (3 if any(line.endswith("missed") for line in lines) else 0)
