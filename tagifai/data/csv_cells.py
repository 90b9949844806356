"""Cells that a spreadsheet shows as text and never runs as a formula, and back again."""

import re

# The fullwidth signs are formulas too, and a byte-order mark or a blank before one is no shield.
_DANGER = re.compile("^[\\s\ufeff\u200b\0]*[=+\\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n\0]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def guard_cell(text: str) -> str:
    """Put an apostrophe before what a spreadsheet could take for a formula; numbers stay.

    >>> guard_cell("=1+1"), guard_cell("-5.2"), guard_cell("'quoted")
    ("'=1+1", '-5.2', "''quoted")
    """
    if text.startswith("'") or (_DANGER.match(text) and not _NUMBER.fullmatch(text)):
        return "'" + text
    return text


def bare_cell(text: str) -> str:
    """Take back what `guard_cell` did.

    >>> bare_cell(guard_cell("@now"))
    '@now'
    """
    return text[1:] if text.startswith("'") else text
