import sys

import pytest

from benchmarks.ways import Way, follow, follow_comparison, follow_training

HERE = """
from there import fetch

def ask(question, number):
    found = fetch(question)
    return answer([one for one in found], question)

def answer(found, of):
    return len(found)

def unconcerned(number):
    return number
"""
THERE = "def fetch(key):\n    return (lambda what: [what])(key)\n"


@pytest.fixture
def asked(tmp_path, monkeypatch):
    (tmp_path / "here.py").write_text(HERE)
    (tmp_path / "there.py").write_text(THERE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "here", raising=False)
    import here

    return tmp_path, here


def test_what_travels_is_followed_through_functions_and_modules(asked):
    folder, here = asked

    def run():
        here.unconcerned(3)
        here.ask("why", 3)

    way = follow(run, lambda value: value == "why", str(folder))
    stations = [(file.rpartition("/")[2], name) for file, name in way.stations]
    assert stations == [("here.py", "ask"), ("there.py", "fetch"), ("here.py", "answer")]
    assert (way.num_rooms, way.num_returns) == (2, 1)
    assert way.names == {"question", "number", "key", "found", "of"}
    assert sys.getprofile() is None


def test_returns_are_counted_by_steps_back_into_a_module():
    files = ["a", "a", "b", "a", "c", "b", "b"]
    way = Way(tuple((file, str(place)) for place, file in enumerate(files)), frozenset())
    assert (way.num_rooms, way.num_returns) == (3, 2)


@pytest.mark.parametrize(
    ("follow_it", "through"),
    [
        (follow_comparison, ["ComparisonService.compare", "load_version", "compare"]),
        (follow_training, ["load_dataset", "train", "measure", "FolderSource.write"]),
    ],
)
def test_the_ways_lead_through_the_real_code(follow_it, through):
    names = [name for _, name in follow_it().stations]
    assert [name for name in names if name in through] == through
