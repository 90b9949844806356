import pytest

from tagifai.data.folders import put_into_place, scratch_folder, write_file
from tagifai.errors import TagifaiError


def test_what_is_moved_stays_and_the_rest_is_removed(tmp_path):
    to = tmp_path / "new" / "data"
    with scratch_folder(to) as folder:
        write_file(folder / "a.txt", [b"one", b" two"])
        put_into_place(folder, to, ["a.txt"])
    assert [path.name for path in to.parent.iterdir()] == ["data"]
    assert (to / "a.txt").read_bytes() == b"one two"


def test_nothing_is_left_of_what_fails(tmp_path):
    def fail_halfway():
        with scratch_folder(tmp_path / "data") as folder:
            write_file(folder / "a.txt", [b"one"])
            (folder / "a.txt").mkdir()

    with pytest.raises(TagifaiError, match="data: cannot be written"):
        fail_halfway()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    to = tmp_path / "file" / "data"
    with pytest.raises(TagifaiError, match=r"file: cannot be written \("), scratch_folder(to):
        pytest.fail("it is not entered")
    with (
        pytest.raises(TagifaiError, match=r"data: cannot be written \(No such file"),
        scratch_folder(tmp_path / "data") as folder,
    ):
        write_file(folder / "gone" / "a.txt", [])


def test_a_folder_that_comes_up_meanwhile_stays(tmp_path):
    new, to = tmp_path / "new", tmp_path / "to"
    new.mkdir()
    to.write_text("old")
    with pytest.raises(TagifaiError, match="to: came up meanwhile, and stays as it is"):
        put_into_place(new, to, [])
    assert to.read_text() == "old"


def test_a_file_that_comes_up_meanwhile_stays(tmp_path):
    whole, to = tmp_path / "whole", tmp_path / "to"
    for folder, text in ((whole, "new"), (to, "old")):
        folder.mkdir()
        (folder / "projects.jsonl").write_text(text)
    (whole / "data.toml").write_text("new")
    with pytest.raises(TagifaiError, match=r"projects\.jsonl: came up meanwhile, and stays"):
        put_into_place(whole, to, ["data.toml", "projects.jsonl"])
    assert [path.name for path in to.iterdir()] == ["projects.jsonl"]
    assert (to / "projects.jsonl").read_text() == "old"
    (to / "projects.jsonl").unlink()
    put_into_place(whole, to, ["data.toml", "projects.jsonl"])
    assert (to / "projects.jsonl").read_text() == "new"
    other = tmp_path / "other"
    put_into_place(whole, other, [])
    assert (other / "data.toml").read_text() == "new"
