import io
import zipfile

import pytest

from tagifai.errors import TagifaiError
from tagifai.limits import Limit, Limits, unpacked_size


def packed(size: int) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(size))
    return content.getvalue()


def test_an_error_names_the_setting() -> None:
    limit = Limit("max_file", 2 * 2**20)
    limit.check(2 * 2**20, "x")
    with pytest.raises(
        TagifaiError,
        match=r"^v1/x: 2,097,153 bytes; at most 2,097,152 \(2 MB: --max-file or TAGIFAI_MAX_FILE\)",
    ):
        limit.check(2 * 2**20 + 1, "v1/x")


def test_what_grows_when_it_is_unpacked_has_a_limit_of_its_own() -> None:
    limits = Limits.of(max_file=1, max_unpacked=2, max_predictions=3, max_reviews=4)
    assert [limits.file.num_bytes, limits.reviews.num_bytes] == [2**20, 4 * 2**20]
    assert limits.predictions == Limit("max_predictions", 3 * 2**20)
    limits.check_file(packed(2 * 2**20), "model.skops")
    with pytest.raises(TagifaiError, match=r"bytes once unpacked.*--max-unpacked"):
        limits.check_file(packed(2 * 2**20 + 1), "predictions.npz")
    limits.check_file(packed(2 * 2**20 + 1), "params.json")
    with pytest.raises(TagifaiError, match="--max-file"):
        limits.check_file(bytes(2**20 + 1), "params.json")


def test_what_is_no_archive_takes_nothing_more() -> None:
    assert (unpacked_size(b"x"), unpacked_size(packed(7))) == (0, 7)
