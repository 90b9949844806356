import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tagifai.behavioral import BehavioralTest, Case, load_behavioral_tests, saved_tests
from tagifai.behavioral.saving import check_may_save, make_test, save_test
from tagifai.errors import TagifaiError

MFT = BehavioralTest("MFT", "saved", (Case("About <b>graphs</b>.", ("graphs",), ("keras",)),))


def test_a_saved_test_is_read_again(tmp_path):
    assert save_test(tmp_path, MFT) == 1
    inv = make_test("INV", "saved", ["Graphs help.", "Graphs aid."])
    assert save_test(tmp_path, inv) == 2
    assert load_behavioral_tests(tmp_path / "behavioral.json") == (MFT, inv)
    assert saved_tests(tmp_path) == (MFT, inv)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["behavioral.json"]


def test_what_stood_there_stays(tmp_path):
    row = {"type": "MFT", "group": "mine", "cases": [{"text": "über", "expected": ["keras"]}]}
    (tmp_path / "behavioral.json").write_text(json.dumps([row]))
    assert save_test(tmp_path, MFT) == 2
    assert json.loads((tmp_path / "behavioral.json").read_text("utf-8"))[0] == row


def test_the_same_test_is_kept_once(tmp_path):
    save_test(tmp_path, MFT)
    with pytest.raises(TagifaiError, match="test 1 is this very one"):
        save_test(tmp_path, MFT)
    assert len(load_behavioral_tests(tmp_path / "behavioral.json")) == 1


def test_a_malformed_file_is_left_alone(tmp_path):
    (tmp_path / "behavioral.json").write_text("[{}]")
    with pytest.raises(TagifaiError, match="row 1, type: Field required"):
        save_test(tmp_path, MFT)
    assert (tmp_path / "behavioral.json").read_text() == "[{}]"
    assert len(list(tmp_path.iterdir())) == 1


def test_writers_at_once_lose_nothing(tmp_path):
    tests = [make_test("MFT", "g", [f"text {i}"], ["graphs"]) for i in range(12)]
    threads = [threading.Thread(target=save_test, args=(tmp_path, test)) for test in tests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = load_behavioral_tests(tmp_path / "behavioral.json")
    assert sorted(test.cases[0].text for test in kept) == sorted(t.cases[0].text for t in tests)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("XYZ", "g", ["a"], ["graphs"]), "unknown type of test 'XYZ'"),
        (("MFT", "g", ["a"], ["graphz"]), r"unknown tag: 'graphz' \(did you mean 'graphs'"),
        (("MFT", "g", ["a"]), "an MFT needs a tag expected or forbidden"),
        (("MFT", "", ["a"], ["graphs"]), "group: .*at least 1"),
        (("MFT", "g", ["a"], ["graphs"], ["graphs"]), "'graphs' is both expected and forbidden"),
        (("INV", "g", ["a", "a"]), "INV compares: it needs two cases with different texts"),
        (("DIR", "g", ["a"], ["graphs"]), "DIR compares: it needs two cases with different texts"),
    ],
)
def test_what_tests_nothing_is_refused(given, message):
    with pytest.raises(TagifaiError, match=message):
        make_test(*given, known_tags=["graphs", "keras"])


def test_which_text_must_have_the_tags():
    def cases(kind):
        made = make_test(kind, "g", ["a", "b"], ["graphs"], ["keras"])
        return [(case.text, case.expected, case.forbidden) for case in made.cases]

    named = (("graphs",), ("keras",))
    assert cases("MFT") == [("a", *named)]
    assert cases("INV") == [("a", *named), ("b", *named)]
    assert cases("DIR") == [("a", (), ()), ("b", *named)]


def test_lone_surrogates_are_replaced(tmp_path):
    save_test(tmp_path, make_test("MFT", "g", ["x\ud800y"], ["graphs"]))
    assert load_behavioral_tests(tmp_path / "behavioral.json")[0].cases[0].text == "x?y"


def test_saving_is_refused_with_a_public_link_or_without_a_folder(tmp_path):
    check_may_save(tmp_path, public=False)
    with pytest.raises(TagifaiError, match=r"public link.*without --share"):
        check_may_save(tmp_path, public=True)
    with pytest.raises(TagifaiError, match="no such data folder"):
        check_may_save(tmp_path / "none", public=False)


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="users are another matter here")
def test_a_read_only_folder_is_told(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir(mode=0o555)
    for above in (tmp_path, *list(tmp_path.parents)[:3]):
        above.chmod(above.stat().st_mode | 0o055)
    code = (
        "import os, sys; from pathlib import Path\n"
        "from tagifai.behavioral.saving import check_may_save\n"
        "os.geteuid() or os.setuid(65534)\n"  # to root nothing is read-only
        "check_may_save(Path(sys.argv[1]), public=False)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        capture_output=True, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert "data is read-only for this app" in result.stderr
