from pathlib import Path

import pytest

from tagifai.data.unique_ids import UniqueIds
from tagifai.errors import TagifaiError


def test_an_id_that_comes_twice_names_both_rows():
    ids = UniqueIds("key", "; ids are unique")
    ids.add("7", Path("a.csv"), 1)
    ids.add("8", Path("a.csv"), 2)
    with pytest.raises(TagifaiError) as caught:
        ids.add("7", Path("a.csv"), 3)
    assert str(caught.value) == (
        "a.csv: row 3, key: '7' is already the id of row 1; ids are unique"
    )
    with pytest.raises(TagifaiError, match=r"^b\.csv: row 1, key: .* row 2 of a\.csv; ids are"):
        ids.add("8", Path("b.csv"), 1)
