import pytest

from tagifai.cli import parser as cli
from tagifai.cli.terminal import print_message, print_table, print_text, printable

ATTACK = "a\x1b]0;title\x07\x9b31m\ud800\tb"
SHOWN = "a\\x1b]0;title\\x07\\x9b31m\\xd800\tb"


def test_control_characters_are_shown_and_not_obeyed(capsys):
    assert printable(ATTACK) == SHOWN
    assert printable("caf\u00e9 \u2013 \U0001f600\n\tend") == "caf\u00e9 \u2013 \U0001f600\n\tend"
    print_text(ATTACK)
    print_message(ATTACK)
    assert capsys.readouterr() == (SHOWN + "\n", SHOWN + "\n")
    print_table([{"key": ATTACK.replace("\t", "")}], {"key": "\x1bheading"}, title="\x1btitle")
    out = capsys.readouterr().out
    assert SHOWN.replace("\t", "") in out
    assert "\x1b" not in out
    assert "\\x1bheading" in out


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[2Jb"])
def test_a_mistake_is_one_line_whatever_is_in_it(name, capsys, tmp_path):
    assert cli.main(["data", "check", "--data", str(tmp_path / name)]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.endswith(": no such data folder\n")
    assert "\x1b" not in err
