import resource
import subprocess
import sys

import pytest

from tagifai.errors import TagifaiError
from tagifai.memory import MB, available_memory, require_memory


def test_what_fits_is_fine_and_what_does_not_is_told_before():
    available = available_memory()
    assert available is not None
    assert 0 < available < 2**50
    require_memory(MB, "a.parquet: 5 projects")
    with pytest.raises(
        TagifaiError, match=r"^a\.parquet: 5 projects: needs about 1,073,741,824 MB"
    ):
        require_memory(2**50, "a.parquet: 5 projects")


def test_a_limit_of_the_address_space_counts():
    most = 4 * 2**30
    found = subprocess.run(
        [sys.executable, "-c", "from tagifai.memory import *; print(available_memory())"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most)),
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert int(found.stdout) < most
