"""Detect how a text file is written: its encoding, and in CSV what separates cells."""

import codecs
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import Path

from tagifai.data.csv_files import SEPARATOR_LINE, Dialect, Quoting, read_cells
from tagifai.data.files import open_bytes, readable
from tagifai.errors import TagifaiError, shorten

# Longer ones first: the mark of UTF-16 begins that of UTF-32.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# The encodings in which spreadsheets and databases of all countries write text.
_LEGACY = (
    "windows-1252",
    "windows-1250",
    "windows-1251",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "windows-1258",
    "iso-8859-2",
    "iso-8859-5",
    "koi8-r",
    "mac-roman",
    "cp437",
    "cp850",
    "cp852",
    "cp866",
    "cp874",
    "cp932",
    "euc-jp",
    "gb18030",
    "big5hkscs",
    "cp949",
)
# From before Windows and Unicode: rarely met today.
_OLD = ("cp437", "cp850", "cp852", "cp866", "ibm866", "macroman", "mac-roman", "cp1258")
# None of these is part of a letter in any of the encodings.
_BETWEEN = re.compile(rb'[,;\t"\r\n]+')
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
# Greek, Cyrillic, Hebrew and Arabic letters.
_NOT_LATIN = re.compile("[\u0370-\u052f\u0590-\u06ff]")
_WESTERN = "windows-1252"
_COMMON_DELIMITERS = (",", ";", "\t", "|")
DELIMITER_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_CHUNK = 1 << 20
_SAMPLE = 200_000
_SAMPLE_ROWS = 1_000
_QUOTINGS: tuple[Quoting, ...] = ("standard", "backslash", "none")
# The second best is about as likely as the best.
_AS_LIKELY = 0.9
# Below this confidence, Western European text is doubted even where it is this unlikely.
_CERTAIN, _UNLIKELY = 0.07, 0.1
# Part of names of columns more often than between them.
_NEVER = "\"'_-./()[]{}&#%+*?!"
_NUL_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Detected:
    """A dialect, and in words how it was detected."""

    dialect: Dialect
    reasons: tuple[str, ...]


def detect_dialect(path: Path, given: Dialect, *, tabular: bool) -> Detected:
    """Detect how a file is written, as far as that is not given.

    Parameters
    ----------
    path : Path
        A file of text, packed or not; it is read twice or more.
    given : Dialect
        What is known; an empty `encoding`, `delimiter` or `quoting` is detected.
    tabular : bool
        Whether it is CSV or TSV, where the separator of cells is detected too.

    Raises
    ------
    TagifaiError
        The file cannot be read, or can be read in two ways; the message names the flag that
        decides.
    """
    with readable(path):
        if given.encoding:
            encoding, reasons = check_encoding(given.encoding), [given.encoding]
        else:
            encoding, reason = _detect_encoding(path)
            reasons = [reason]
        dialect = replace(given, encoding=encoding)
        if not tabular:
            return Detected(replace(dialect, quoting="standard"), tuple(reasons))
        dialect = _detect_cells(path, dialect)
    delimiter = dialect.delimiter
    reasons.append(f"separated by {DELIMITER_NAMES.get(delimiter, repr(delimiter))}")
    if dialect.quoting == "backslash":
        reasons.append('quotes within quotes written \\"')
    elif dialect.quoting == "none":
        reasons.append("quotes are characters like others")
    return Detected(dialect, tuple(reasons))


def check_encoding(name: str) -> str:
    """Return the name if Python knows the encoding, and it is one of text.

    Raises
    ------
    TagifaiError
        There is no such encoding.
    """
    try:
        if not codecs.lookup(name)._is_text_encoding:
            raise LookupError
    except (LookupError, ValueError):
        raise TagifaiError(
            f"unknown encoding {shorten(name)!r}; as in utf-8, windows-1252, shift_jis, gb18030"
        ) from None
    return "utf-8-sig" if codecs.lookup(name).name == "utf-8" else name


def _detect_encoding(path: Path) -> tuple[str, str]:
    with open_bytes(path) as file:
        head = file.read(_CHUNK)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, f"{encoding.removesuffix('-sig').upper()} with a byte-order mark"
    if wide := _wide_encoding(head):
        return wide, f"{wide.upper()} without a byte-order mark"
    if _decodes(path, "utf-8"):
        return "utf-8-sig", "UTF-8"
    valid, invalid, line, sample = _count_utf8(path)
    if valid > 5 * invalid:
        raise TagifaiError(
            f"{path}: line {line:,} is not UTF-8, though nearly all of the file is: mend it, or "
            "name the encoding with --encoding"
        )
    return _detect_legacy(path, sample)


def _wide_encoding(head: bytes) -> str:
    """Detect UTF-16 by the places of its NULs; "" where it is something else."""
    shares = [head[start::2].count(0) / max(1, len(head) // 2) for start in (0, 1)]
    if shares[1] > _NUL_SHARE and shares[0] < shares[1] / 10:
        return "utf-16-le"
    if shares[0] > _NUL_SHARE and shares[1] < shares[0] / 10:
        return "utf-16-be"
    return ""


def _count_utf8(path: Path) -> tuple[int, int, int, bytes]:
    """Read a file as UTF-8, which it is not.

    Returns
    -------
    valid, invalid : int
        Characters beyond ASCII, and places that are none.
    line : int
        The first line with such a place.
    sample : bytes
        Pieces of text with bytes beyond ASCII, by which another encoding can be detected.
    """
    valid = invalid = line = size = 0
    sample = []
    with open_bytes(path) as file:
        for number, chunk in enumerate(iter(lambda: file.readline(_CHUNK), b""), start=1):
            if chunk.isascii():
                continue
            text = chunk.decode("utf-8", "replace")
            wrong = text.count("\ufffd") - chunk.count("\ufffd".encode())
            valid += len(text) - len(text.encode("ascii", "ignore")) - wrong
            invalid += wrong
            if wrong and not line:
                line = number
            # Names of columns and plain cells would pass for English with a few odd signs.
            for piece in _BETWEEN.split(chunk):
                if size < _SAMPLE and not piece.isascii():
                    sample.append(piece)
                    size += len(piece)
    return valid, invalid, line, b"\n".join(sample)[:_SAMPLE]


def _spelled(encoding: str) -> str:
    """Return an encoding's name as it is written here, whatever the release of chardet writes.

    >>> _spelled("cp1250"), _spelled("ISO8859-2")
    ('windows-1250', 'iso-8859-2')
    """
    names = {codecs.lookup(name).name: name for name in _LEGACY}
    return names.get(codecs.lookup(encoding).name, encoding.lower())


def _detect_legacy(path: Path, sample: bytes) -> tuple[str, str]:
    """Detect an encoding older than Unicode by the letters that its languages use."""
    import chardet  # here: files in UTF-8 need not wait for it

    found = chardet.detect_all(
        sample, ignore_threshold=True, include_encodings=_LEGACY, max_bytes=_SAMPLE
    )
    scores = {
        _spelled(one["encoding"]): float(one["confidence"] or 0)
        for one in found
        if one["encoding"] and _decodes(path, one["encoding"])
    }
    scores = {
        name: score / (2 if name in _OLD else 1)
        for name, score in scores.items()
        if _is_plausible(sample.decode(name, "replace"))
    }
    if not scores:
        raise TagifaiError(f"{path}: its encoding cannot be told: --encoding names it")
    ranked = sorted(scores, key=lambda name: -scores[name])
    best, western = ranked[0], scores.get(_WESTERN, 0)

    def readings(share: float) -> list[str]:
        """Return the encodings of this share of the best score that read another text."""
        found = {sample.decode(best, "replace"): best}
        for name in ranked:
            if scores[name] > share * scores[ranked[0]]:
                found.setdefault(sample.decode(name, "replace"), name)
        return list(found.values())

    little = scores[best] < _CERTAIN
    # Too little text to distinguish Western from Central European, say: take the most common.
    if western > _AS_LIKELY * scores[best] or (
        little and western > scores[best] / 2 and len(readings(_AS_LIKELY)) == 1
    ):
        best = _WESTERN
    others = readings(_AS_LIKELY)[1:]
    if little and _WESTERN in readings(_UNLIKELY)[1:]:
        others = others or [_WESTERN]
    if others and best != _WESTERN:
        raise TagifaiError(
            f"{path}: its encoding could be {best} or {others[0]}: --encoding says which"
        )
    return best, f"{best} (or {others[0]}: --encoding says which)" if others else best


def _is_plausible(text: str) -> bool:
    """Check that a text has no control characters, and words as people write them.

    French that is read as Russian has words of Latin and Cyrillic letters, and read as Latvian
    capitals within words.
    """
    words = [word for word in re.findall(r"[^\W\d_]+", text) if not word.isascii()]
    strange = sum(
        bool(_LATIN.search(word) and _NOT_LATIN.search(word))
        or any(a.islower() and b.isupper() and not b.isascii() for a, b in pairwise(word))
        for word in words
    )
    return strange <= len(words) / 5 and not re.search(r"[\x7f-\x9f]", text)


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with open_bytes(path) as file:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Shape:
    """The number of cells in the header, the share of rows that have as many, and more."""

    width: int = 0
    share: float = 0.0
    tabs_within: bool = False

    @property
    def even(self) -> bool:
        return self.width > 1 and self.share == 1


def _detect_cells(path: Path, dialect: Dialect) -> Dialect:
    lines, complete = _first_lines(path, dialect.encoding)
    quotings = [dialect.quoting] if dialect.quoting else list(_QUOTINGS)
    tried: dict[Dialect, _Shape] = {}
    for quoting in quotings:
        for delimiters in _delimiters(dialect, lines):
            found = {
                one: _measure(path, one, lines, None if complete else _SAMPLE_ROWS)
                for delimiter in delimiters
                for one in [replace(dialect, delimiter=delimiter, quoting=quoting)]
            }
            tried |= found
            even = [one for one, shape in found.items() if shape.even]
            widest = max((found[one].width for one in even), default=0)
            even = [one for one in even if found[one].width == widest]
            if len(even) > 1:
                listed = " or ".join(
                    DELIMITER_NAMES.get(one.delimiter, repr(one.delimiter)) for one in even
                )
                raise TagifaiError(
                    f"{path}: cells could be separated by {listed}: --delimiter says by which"
                )
            if not even:
                continue
            whole = _measure_whole(path, even[0])
            # Quotes put tabs into cells, and each line has all its cells without: they are none.
            plain = replace(even[0], quoting="none")
            if whole.tabs_within and "none" in quotings and _measure_whole(path, plain).even:
                return plain
            if whole.even:
                return even[0]
    return max(tried, key=lambda one: (tried[one].share, tried[one].width))


def _first_lines(path: Path, encoding: str) -> tuple[list[str], bool]:
    """Return the first lines of a file, and whether these are all."""
    with io.TextIOWrapper(open_bytes(path), encoding, newline="") as file:
        text = file.read(_CHUNK)
    lines = list(io.StringIO(text, newline=""))
    return (lines, True) if len(text) < _CHUNK else (lines[:-1], False)


def _delimiters(dialect: Dialect, lines: Sequence[str]) -> list[list[str]]:
    """List the delimiters to try, those that are common first."""
    if dialect.delimiter:
        return [[dialect.delimiter]]
    first = next((line for line in lines if line.strip()), "")
    if separator_line := SEPARATOR_LINE.fullmatch(first):
        return [[separator_line[1]]]
    others = {sign for sign in first if not (sign.isalnum() or sign.isspace() or sign in _NEVER)}
    common = [sign for sign in _COMMON_DELIMITERS if sign in first]
    return [common or [","], sorted(others.difference(common))]


def _measure(path: Path, dialect: Dialect, lines: Iterable[str], most: int | None) -> _Shape:
    """Count the cells of rows; `most` is the number of rows to look at, None for a whole file."""
    rows = read_cells(lines, path, dialect)
    width, same, number, tabs_within = 0, 0, 0, False
    try:
        width = len(next(rows, ()))
        for cells in islice(rows, most):
            number += 1
            same += len(cells) == width
            if dialect.delimiter == "\t" and not tabs_within:
                tabs_within = any("\t" in cell for cell in cells)
    except TagifaiError as error:
        # A sample may end within quotes.
        number += most is None or "never closed" not in str(error)
    return _Shape(width, same / number if number else 1.0, tabs_within)


def _measure_whole(path: Path, dialect: Dialect) -> _Shape:
    with io.TextIOWrapper(open_bytes(path), dialect.encoding, newline="") as file:
        return _measure(path, dialect, file, None)
