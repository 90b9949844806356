"""How large files may be: what is written is held to the same limits as what is read."""

import io
import zipfile
from dataclasses import dataclass, field

from tagifai.errors import TagifaiError

MB = 2**20
MAX_FILE, MAX_UNPACKED, MAX_PREDICTIONS, MAX_REVIEWS = 256, 512, 256, 256
MAX_DOWNLOAD = 4_096


@dataclass(frozen=True, slots=True)
class Limit:
    """The most bytes of something, and the setting that says so.

    >>> str(Limit("max_file", 2 * MB))
    '2,097,152 (2 MB: --max-file or TAGIFAI_MAX_FILE)'
    """

    setting: str
    num_bytes: int

    def __str__(self) -> str:
        flag = "--" + self.setting.replace("_", "-")
        return (
            f"{self.num_bytes:,} ({self.num_bytes / MB:g} MB: {flag} or "
            f"TAGIFAI_{self.setting.upper()})"
        )

    def check(self, num_bytes: int, where: str, what: str = "bytes") -> None:
        """Refuse what is larger than is ever read.

        Raises
        ------
        TagifaiError
            `num_bytes` are more than the limit; the message starts with `where`, and names the
            setting.
        """
        if num_bytes > self.num_bytes:
            raise TagifaiError(f"{where}: {num_bytes:,} {what}; at most {self} are read")


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of files, each a setting.

    Attributes
    ----------
    file : Limit
        Of each file of a version.
    unpacked : Limit
        Of a version's model or predictions once unpacked.
    predictions : Limit
        Of a file of predictions to import, unpacked. Parquet has none.
    reviews : Limit
        Of a file of reviews, brought or written.
    download : Limit
        Of all files together that are downloaded for a data set.
    """

    file: Limit = field(default=Limit("max_file", MAX_FILE * MB))
    unpacked: Limit = field(default=Limit("max_unpacked", MAX_UNPACKED * MB))
    predictions: Limit = field(default=Limit("max_predictions", MAX_PREDICTIONS * MB))
    reviews: Limit = field(default=Limit("max_reviews", MAX_REVIEWS * MB))
    download: Limit = field(default=Limit("max_download", MAX_DOWNLOAD * MB))

    @classmethod
    def of(
        cls,
        *,
        max_file: int,
        max_unpacked: int,
        max_predictions: int,
        max_reviews: int,
        max_download: int = MAX_DOWNLOAD,
    ) -> "Limits":
        """Build the limits from the settings, which are MB."""
        return cls(
            Limit("max_file", max_file * MB),
            Limit("max_unpacked", max_unpacked * MB),
            Limit("max_predictions", max_predictions * MB),
            Limit("max_reviews", max_reviews * MB),
            Limit("max_download", max_download * MB),
        )

    def check_file(self, content: bytes, where: str) -> None:
        """Refuse a file of a version that could not be read back.

        Raises
        ------
        TagifaiError
            It is too large, as it is or once unpacked.
        """
        self.file.check(len(content), where)
        if where.endswith((".npz", ".skops")):
            self.unpacked.check(unpacked_size(content), where, "bytes once unpacked")


def unpacked_size(content: bytes) -> int:
    """Return what a zip archive says that it takes once unpacked; 0 for what is no archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return 0
