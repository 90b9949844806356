import pickle
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from tagifai.errors import TagifaiError
from tagifai.store.cache import ContentCache, digest_code, open_memory

KEY = ("diff", "a" * 64, "b" * 64)


class Counted:
    def __init__(self, answer):
        self.answer, self.calls = answer, 0

    def __call__(self):
        self.calls += 1
        return self.answer


@pytest.fixture
def cache(tmp_path):
    return ContentCache(open_memory(tmp_path / "cache"))


def outputs(cache):
    return sorted(Path(cache.memory.location).rglob("output.pkl"))


def quietly(cache, key, compute):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        answer = cache.remember(key, compute)
    return answer, [str(w.message) for w in caught]


def test_an_answer_is_computed_once_and_outlives_the_process(tmp_path, cache):
    compute = Counted({"f1": (0.5, None), "tag": "ü"})
    expected = {"f1": [0.5, None], "tag": "ü"}

    assert cache.remember(KEY, compute) == expected
    assert cache.remember(KEY, compute) == expected
    assert ContentCache(open_memory(tmp_path / "cache")).remember(KEY, compute) == expected
    assert compute.calls == 1


def test_other_keys_have_other_answers(cache):
    assert cache.remember(("x", "1"), lambda: 1) == 1
    assert cache.remember(("x", "2"), lambda: 2) == 2
    assert cache.remember(("x", "1"), lambda: 3) == 1


def test_without_a_folder_nothing_is_kept():
    cache, compute = ContentCache(open_memory(None)), Counted((1,))

    assert [cache.remember(KEY, compute), cache.remember(KEY, compute)] == [[1], [1]]
    assert compute.calls == 2


def test_errors_are_passed_on_and_not_kept(cache):
    def fail():
        raise TagifaiError("choose two different versions")

    with pytest.raises(TagifaiError, match="two different"):
        cache.remember(KEY, fail)
    assert cache.remember(KEY, lambda: 1) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-20],
        lambda content: b"garbage",
        lambda content: pickle.dumps("no bytes"),
        lambda content: content.replace(b"0.25", b"0.75"),
    ],
    ids=["empty", "torn", "garbage", "other type", "flipped"],
)
def test_a_damaged_answer_is_computed_again(cache, damage):
    cache.remember(KEY, lambda: [0.25])
    (path,) = outputs(cache)
    path.write_bytes(damage(path.read_bytes()))
    compute = Counted([0.25])

    answer, messages = quietly(cache, KEY, compute)
    assert answer == [0.25]
    assert len(messages) == 1
    assert "damaged" in messages[0]
    assert quietly(cache, KEY, compute) == ([0.25], [])
    assert quietly(cache, KEY, compute) == ([0.25], [])
    assert compute.calls == 2


def test_answers_that_changed_places_are_not_believed(cache):
    cache.remember(("x", "1"), lambda: 1)
    (first,) = outputs(cache)
    cache.remember(("x", "2"), lambda: 2)
    (second,) = set(outputs(cache)) - {first}
    first.write_bytes(second.read_bytes())

    assert quietly(cache, ("x", "1"), lambda: 1)[0] == 1


def test_a_removed_folder_costs_only_time(tmp_path, cache):
    cache.remember(KEY, lambda: 1)
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "cache").write_text("a file in the way")
    compute = Counted(1)

    answers = [quietly(cache, KEY, compute) for _ in range(3)]
    assert [answer for answer, _ in answers] == [1, 1, 1]
    assert sum(len(messages) for _, messages in answers) == 1


def test_a_place_that_cannot_be_used_gives_one_warning(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.warns(RuntimeWarning, match="nothing is cached") as caught:
        cache = ContentCache(open_memory(tmp_path / "file" / "cache"))

    assert len(caught) == 1
    assert quietly(cache, KEY, lambda: 1) == (1, [])


def test_a_full_disk_costs_only_time(tmp_path):
    script = f"""
import resource, warnings
from tagifai.store.cache import ContentCache, open_memory
warnings.simplefilter("always")
cache = ContentCache(open_memory({str(tmp_path / "cache")!r}))
cache.remember(("small",), lambda: 1)
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
print([len(cache.remember((str(i),), lambda: "x" * 5000)) for i in range(3)])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[5000, 5000, 5000]\n"
    assert done.stderr.count("Warning") == 1


def test_the_folder_is_its_owners_alone(tmp_path, cache):
    (location,) = (tmp_path / "cache").iterdir()

    assert location.stat().st_mode & 0o777 == 0o700


def test_changed_code_never_answers_from_before(tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    seen = []
    for number in range(4):
        (package / "code.py").write_text(f"x = {number}")
        cache = ContentCache(open_memory(tmp_path / "cache", package))
        seen.append(cache.remember(KEY, lambda number=number: number))

    assert seen == [0, 1, 2, 3]
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_the_digest_of_code_follows_files_and_names(tmp_path):
    digests = set()
    for name, text in [("a.py", "1"), ("a.py", "2"), ("b.py", "2"), ("b.json", "2")]:
        for old in tmp_path.iterdir():
            old.unlink()
        (tmp_path / name).write_text(text)
        digests.add(digest_code(tmp_path))
    (tmp_path / "notes.md").write_text("no code")

    assert len(digests) == 4
    assert digest_code(tmp_path) in digests


def test_its_size_is_bounded(tmp_path):
    memory = open_memory(tmp_path / "cache")
    cache = ContentCache(memory, max_bytes=50_000, max_items=1_000)
    for number in range(400):
        cache.remember((str(number),), lambda: "x" * 1_000)

    assert len(outputs(cache)) <= 50
