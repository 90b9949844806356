import gzip

import pytest

from tagifai.data.csv_files import Dialect
from tagifai.data.dialects import check_encoding, detect_dialect
from tagifai.data.records import read_records
from tagifai.errors import TagifaiError

OPEN = Dialect("", "", "")
TEXTS = {
    "windows-1250": "Příliš žluťoučký kůň úpěl ďábelské ódy.",
    "windows-1251": "Привет, это простой текст для проверки.",
    "windows-1252": "Le café où l’été s’éternise à Nîmes.",
    "windows-1257": "Vakar ėjome į kiną ir žiūrėjome labai gerą filmą apie draugystę.",
    "windows-1253": "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία.",
    "windows-1254": "Pijamalı hasta yağız şoföre çabucak güvendi.",
    "windows-1255": "דג סקרן שט בים מאוכזב ולפתע מצא לו חברה",
    "iso-8859-2": "Zażółć gęślą jaźń. Pchnąć w tę łódź jeża lub ośm skrzyń fig.",
    "koi8-r": "Съешь же ещё этих мягких французских булок.",
    "cp932": "これは日本語の文章です。機械学習を紹介します。",
    "gb18030": "这是一个关于机器学习的项目 使用了深度学习。",
    "cp949": "이것은 한국어 문장입니다. 기계 학습 프로젝트.",
    "cp874": "นี่คือประโยคภาษาไทยธรรมดา",
}


def told(tmp_path, content, given=OPEN, name="a.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return detect_dialect(path, given, tabular=True)


@pytest.mark.parametrize("encoding", TEXTS)
def test_an_encoding_is_told_by_the_letters_of_its_languages(tmp_path, encoding):
    found = told(tmp_path, f'id,text\n1,"{TEXTS[encoding]}"\n'.encode(encoding))
    assert found.reasons[0].split(" ")[0] == encoding
    assert list(read_records(tmp_path / "a.csv", found.dialect)) == [
        (1, {"id": "1", "text": TEXTS[encoding]})
    ]


@pytest.mark.parametrize(
    ("encoding", "reason"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8 with a byte-order mark"),
        ("utf-16", "UTF-16 with a byte-order mark"),
        ("utf-32", "UTF-32 with a byte-order mark"),
        ("utf-16-le", "UTF-16-LE without a byte-order mark"),
        ("utf-16-be", "UTF-16-BE without a byte-order mark"),
    ],
)
def test_unicode_is_told_by_its_bytes(tmp_path, encoding, reason):
    found = told(tmp_path, "id,text\n1,über alles\n2,plain text\n".encode(encoding))
    assert found.reasons == (reason, "separated by commas")
    rows = [record for _, record in read_records(tmp_path / "a.csv", found.dialect)]
    assert rows == [{"id": "1", "text": "über alles"}, {"id": "2", "text": "plain text"}]


@pytest.mark.parametrize(
    ("content", "delimiter", "quoting"),
    [
        ("a,b\n1,2\n", ",", "standard"),
        ("a;b\n1,5;2\n", ";", "standard"),
        ("a\tb\n1,5\t2;3\n", "\t", "standard"),
        ("a|b\n1|2\n", "|", "standard"),
        ("a~b\n1~2\n", "~", "standard"),
        ('a,b\n"1;2",3;4\n', ",", "standard"),
        ('a,b\n"x ""y"", z",3\n', ",", "standard"),
        ('a,b\n"x \\"y\\", z",3\n', ",", "backslash"),
        ('a\tb\n"x\t1\n"y" z\t2\n', "\t", "none"),
        ('a\tb\n"x\t1\ny"\t2\n', "\t", "none"),
        ('a\tb\n"x\ny"\t2\n', "\t", "standard"),
        ('a,b\n"x, 1\ny",2\n', ",", "standard"),
        ("a,b,c\n1,2;3,4\n", ",", "standard"),
        ("sep=;\na;b\n1;2,3\n", ";", "standard"),
        ("a\r\n1\r\n", ",", "standard"),
        ("x y,b\n" * 3, ",", "standard"),
    ],
)
def test_what_stands_between_cells(tmp_path, content, delimiter, quoting):
    found = told(tmp_path, content).dialect
    assert (found.delimiter, found.quoting) == (delimiter, quoting)


def test_what_is_given_is_kept(tmp_path):
    given = Dialect("cp1252", ";", "none")
    assert told(tmp_path, "a,b\n1,2\n", given).dialect == given
    assert told(tmp_path, "a,b\n1,2\n", Dialect("", "", "backslash")).dialect.quoting == "backslash"
    packed = gzip.compress("a;b\né;2\n".encode("cp1252"))
    found = told(tmp_path, packed, Dialect("cp1252", "", ""), "a.csv.gz")
    assert found.reasons == ("cp1252", "separated by semicolons")


def test_rows_beyond_the_sample_decide_too(tmp_path):
    rows = "".join(f"{k}\t{'word ' * 300}\n" for k in range(1500))
    assert len(rows) > 2_000_000
    plain = told(tmp_path, f'id\ttext\n{rows}9\t"open\n')
    assert plain.dialect.quoting == "none"
    late = f"id,text\n{rows}".replace("\t", ",").encode() + "9,déjà vu à l’école\n".encode("cp1252")
    assert told(tmp_path, late).dialect.encoding == "windows-1252"


@pytest.mark.parametrize(
    ("text", "encoding", "told_as"),
    [
        ("El Niño", "cp1252", "windows-1252"),
        ("señor, mañana", "latin-1", "windows-1252"),
        ("naïve résumé", "cp1252", "windows-1252 (or windows-1250: --encoding says which)"),
        ("Привет", "cp1251", "windows-1251"),
        ("日本語", "cp932", "cp932"),
    ],
)
def test_a_word_is_enough_where_one_reading_is_likelier(tmp_path, text, encoding, told_as):
    rows = "".join(f"{k},Plain words of English\n" for k in range(50))
    content = f"id,text\n{rows}50,{text}\n".encode(encoding)
    found = told(tmp_path, content)
    assert found.reasons[0] == told_as
    assert content.decode(found.dialect.encoding).endswith(f"{text}\n")


def test_two_readings_ask(tmp_path):
    with pytest.raises(TagifaiError, match="commas or semicolons: --delimiter says by which"):
        told(tmp_path, "a,b;c\n1,2;3\n")
    with pytest.raises(TagifaiError, match="could be windows-1250 or windows-1252: --encoding"):
        told(tmp_path, "id,text\n1,Dvořák\n".encode("cp1250"))
    with pytest.raises(TagifaiError, match="line 2 is not UTF-8, though nearly all"):
        told(tmp_path, b"a,b\n" + b"\xff,1\n" + "é,2\n".encode() * 9)
    with pytest.raises(TagifaiError, match="unknown encoding 'utf-9'"):
        check_encoding("utf-9")
    with pytest.raises(TagifaiError, match="unknown encoding 'rot13'"):
        check_encoding("rot13")
