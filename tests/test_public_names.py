"""`import tagifai`: what it offers, and what it leaves for later."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import tagifai

ROOT = Path(__file__).parents[1]
NOT_LOADED = ("gradio", "pandas", "sklearn", "scipy", "numpy", "matplotlib", "fastapi")


def run_python(program):
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_import_brings_nothing_heavy_and_takes_no_time():
    found = json.loads(
        run_python(
            "import json, sys, time\n"
            "start = time.process_time()\n"
            "import tagifai\n"
            "spent = time.process_time() - start\n"
            "names = dir(tagifai)\n"
            f"loaded = [name for name in {NOT_LOADED} if name in sys.modules]\n"
            "print(json.dumps([loaded, spent, names]))"
        )
    )
    loaded, spent, names = found
    assert loaded == []
    assert spent < 0.3  # of the processor: a busy machine adds hardly anything to it
    assert set(tagifai.__all__) <= set(names)


@pytest.mark.parametrize("name", tagifai.__all__)
def test_each_public_name_is_there_and_described(name):
    found = getattr(tagifai, name)
    assert isinstance(found, str) or (found.__doc__ and found.__doc__.strip())


def test_what_is_not_public_is_no_attribute():
    with pytest.raises(AttributeError, match="has no attribute 'shows'"):
        _ = tagifai.shows
    assert not hasattr(tagifai, "api_of_nobody")


def test_a_light_call_needs_neither_gradio_nor_the_network():
    program = (
        "import sys, tagifai\n"
        "tagifai.evaluate([[1], [0]], [[0.9], [0.1]])\n"
        "print('gradio' in sys.modules)"
    )
    assert run_python(program).strip() == "False"
