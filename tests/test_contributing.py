"""What CONTRIBUTING.md says of the code is true of it."""

import importlib
import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
WAYS = re.findall(r"^\*\*(.+)\.\*\*\n\n((?:\d\. .+\n)+)", TEXT, re.M)
NAMES = sorted({
    name for _, lines in WAYS for name in re.findall(r"`([A-Za-z_]\w*(?:\.\w+)+)`", lines)
})  # fmt: skip


def find(name):
    """Find a module, or what a module has, by its name below `tagifai`."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(["tagifai", *parts[:length]]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part)
        return found
    raise AssertionError(f"no module tagifai.{parts[0]}")


def test_three_ways_are_described_in_five_lines_each():
    assert [(title.split(",")[0], lines.count("\n")) for title, lines in WAYS] == [
        ("`min_tag_freq`", 5), ("Two names of versions", 5), ("A projects file", 5),
    ]  # fmt: skip
    assert len(NAMES) > 20


@pytest.mark.parametrize("name", NAMES)
def test_every_name_on_a_way_exists(name):
    short = {"Comparison": "comparison.results", "FrequencyPart": "ui.tabs.data_frequency"}
    first = name.partition(".")[0]
    assert find(f"{short[first]}.{name}" if first in short else name) is not None


def test_the_environment_is_set_up_by_one_command():
    (command,) = re.search(r"## Set up\n\n```sh\n(.*?)```", TEXT, re.S)[1].splitlines()
    assert os.access(ROOT / command, os.X_OK)
    assert command in (ROOT / "justfile").read_text("utf-8")
