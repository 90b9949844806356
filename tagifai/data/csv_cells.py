"""Write cells of CSV: lists as JSON, and text that no spreadsheet runs as a formula."""

import json
import re

# The fullwidth signs are formulas too, and a byte-order mark or a blank before one is no shield.
_DANGER = re.compile("^[\\s\ufeff\u200b\0]*[=+\\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n\0]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def guard_cell(text: str) -> str:
    """Prefix what a spreadsheet could take for a formula with an apostrophe; numbers stay.

    >>> guard_cell("=1+1"), guard_cell("-5.2"), guard_cell("'quoted")
    ("'=1+1", '-5.2', "''quoted")
    """
    if text.startswith("'") or (_DANGER.match(text) and not _NUMBER.fullmatch(text)):
        return "'" + text
    return text


def bare_cell(text: str) -> str:
    """Return a cell without the apostrophe that `guard_cell` added.

    >>> bare_cell(guard_cell("@now"))
    '@now'
    """
    return text[1:] if text.startswith("'") else text


def cell_of(value: object) -> str:
    """Write a value as a cell: a list as JSON, nothing as an empty cell, anything else as text.

    A list stays a list when the file is read as data, whatever its names contain.

    >>> cell_of(["time series", "image"]), cell_of(None), cell_of(0.5)
    ('["time series", "image"]', '', '0.5')
    """
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
