import stat
from pathlib import Path

import pytest
from servers import ROOT, running

from tagifai import __version__, demonstration
from tagifai.cli.parser import main
from tagifai.demonstration import is_wanted, open_demonstration
from tagifai.errors import TagifaiError
from tagifai.settings import Settings

PROJECTS = ROOT / "data" / "projects.json"


def test_it_is_shown_where_nothing_says_what_to_show(tmp_path):
    assert is_wanted({"data": None, "port": 80}, {}, tmp_path)
    assert not is_wanted({"data": Path("mine")}, {}, tmp_path)
    assert not is_wanted({"models": "mine"}, {}, tmp_path)
    assert not is_wanted({}, {"TAGIFAI_DATA": "mine"}, tmp_path)
    assert not is_wanted({}, {"TAGIFAI_MODELS": "mine"}, tmp_path)
    (tmp_path / "model").mkdir()
    assert not is_wanted({}, {}, tmp_path)
    assert not is_wanted({}, {}, ROOT)


def test_its_data_is_a_copy_that_stays(tmp_path):
    home = {"XDG_DATA_HOME": str(tmp_path)}
    with open_demonstration(home) as first:
        assert first.data.is_relative_to(tmp_path)
        assert first.lasts
        assert (first.data / "projects.json").read_bytes() == PROJECTS.read_bytes()
        assert Path(first.models).samefile(ROOT / "model")
        (first.data / "slices.json").write_text("{}")
    with open_demonstration(home) as second:
        assert second == first
        assert (second.data / "slices.json").read_text() == "{}"
    assert [path.name for path in (tmp_path / "tagifai").iterdir()] == [first.data.parent.name]


def test_what_is_installed_for_reading_alone_is_copied_for_writing(tmp_path, monkeypatch):
    source = tmp_path / "package"
    (source / "model").mkdir(parents=True)
    (source / "data").mkdir()
    (source / "data" / "projects.json").write_text("[]")
    (source / "data" / "reviews.sqlite").write_text("somebody's")
    (source / "data" / "projects.json").chmod(0o444)
    (source / "data").chmod(0o555)
    monkeypatch.setattr(demonstration, "HOMES", (source,))
    with open_demonstration({"XDG_DATA_HOME": str(tmp_path / "home")}) as shown:
        (copy,) = shown.data.iterdir()
        assert copy.name == "projects.json"
        assert copy.stat().st_mode & stat.S_IWUSR
        assert shown.data.stat().st_mode & stat.S_IWUSR


def test_without_a_home_that_can_be_written_it_is_a_temporary_folder(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with open_demonstration({"XDG_DATA_HOME": str(blocked)}) as shown:
        assert not shown.lasts
        assert (shown.data / "projects.json").is_file()
        assert "only until this ends" in shown.describe()
        assert str(shown.data) in shown.describe()
    assert not shown.data.exists()


def test_a_mistake_while_it_is_shown_is_told_as_it_is(tmp_path):
    with (
        pytest.raises(OSError, match="the port"),
        open_demonstration({"XDG_DATA_HOME": str(tmp_path)}),
    ):
        raise OSError("the port")


def test_where_it_is_not_installed_own_folders_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(demonstration, "HOMES", (tmp_path,))
    with (
        pytest.raises(TagifaiError, match="--data and --models"),
        open_demonstration({"XDG_DATA_HOME": str(tmp_path)}),
    ):
        pass


def test_its_cache_lies_beside_it_unless_one_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("TAGIFAI_CACHE_DIR", raising=False)
    with open_demonstration({"XDG_DATA_HOME": str(tmp_path)}) as shown:
        chosen = shown.applied(Settings(port=8000), {})
        assert (chosen.data, chosen.models, chosen.port) == (shown.data, str(shown.models), 8000)
        assert chosen.cache_dir == shown.data.parent / "cache"
        named = shown.applied(Settings(cache_dir=Path("x")), {"cache_dir": Path("x")})
        assert named.cache_dir == Path("x")


def test_an_empty_folder_shows_it_and_stays_empty(tmp_path):
    empty, home = tmp_path / "empty", tmp_path / "home"
    empty.mkdir()
    program = f"import os; os.chdir({str(empty)!r}); from tagifai.cli.parser import main; main()"
    variables = {"XDG_DATA_HOME": str(home), "PYTHONPATH": str(ROOT)}
    with running("-c", program, variables=variables, fresh=True) as server:
        server.wait_to_say("this is the demonstration")
        server.wait_to_say(f"tagifai at {server.url}")
    assert list(empty.iterdir()) == []
    assert [path.name for path in home.iterdir()] == ["tagifai"]


def test_a_wrong_setting_is_told_before_anything_is_copied(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    assert main(["app", "--port", "70000"]) == 1
    assert capsys.readouterr().err == "tagifai: port must be 1 to 65535, got 70000\n"
    assert list(tmp_path.iterdir()) == []


def test_flags_alone_are_the_dashboards(capsys):
    for words in (["--port", "no"], ["app", "--port", "no"]):
        with pytest.raises(SystemExit) as stop:
            main(words)
        assert stop.value.code == 2
        assert " app: error: argument --port" in capsys.readouterr().err


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"tagifai {__version__}\n"
