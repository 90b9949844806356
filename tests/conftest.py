import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
REAL_DATA = Path(
    os.environ.get("TAGIFAI_REALDATA", ROOT.parent / "shared" / "datasets" / "madewithml")
)


@pytest.fixture(scope="session")
def real_data() -> Path:
    if not (REAL_DATA / "projects.json").is_file():
        pytest.skip(
            f"no Made With ML projects in {REAL_DATA}; set TAGIFAI_REALDATA to their folder"
        )
    return REAL_DATA


@pytest.fixture(scope="session")
def embedded_data() -> Path:
    return ROOT / "data"
