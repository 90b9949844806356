"""The rows that ids were met in: each id comes once."""

from pathlib import Path

from tagifai.errors import TagifaiError, shorten


class UniqueIds:
    """The ids of the projects read so far.

    Parameters
    ----------
    column : str
        What the files call the id.
    advice : str
        What a message ends with.
    """

    def __init__(self, column: str, advice: str) -> None:
        self._column = column
        self._advice = advice
        self._rows: dict[str, tuple[Path, int]] = {}

    def add(self, project_id: str, file: Path, row: int) -> None:
        """Add the id of a row.

        Raises
        ------
        TagifaiError
            Another row has it; the message names both.
        """
        if project_id in self._rows:
            raise TagifaiError(
                f"{file}: row {row}, {self._column}: {shorten(project_id)!r} is already the id of "
                f"{describe_row(*self._rows[project_id], file)}{self._advice}"
            )
        self._rows[project_id] = (file, row)


def describe_row(path: Path, row: int, file: Path) -> str:
    """Return a row's number, with its file where that is another than `file`.

    >>> describe_row(Path("a.csv"), 7, Path("a.csv")), describe_row(Path("a.csv"), 7, Path("b.csv"))
    ('row 7', 'row 7 of a.csv')
    """
    return f"row {row}" if path == file else f"row {row} of {path}"
