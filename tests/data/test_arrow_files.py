import json

import pyarrow
import pyarrow.parquet as parquet
import pytest

from tagifai.data.arrow_files import (
    class_names,
    is_saved_dataset,
    read_arrow,
    saved_class_names,
    saved_files,
    saved_splits,
    schema_class_names,
)
from tagifai.errors import TagifaiError

NAMES = {"names": ["neg", "pos"], "_type": "ClassLabel"}


def test_names_of_numbers_alone_and_in_lists():
    features = {
        "text": {"dtype": "string", "_type": "Value"},
        "one": NAMES,
        "sequence": {"feature": NAMES, "length": -1, "_type": "Sequence"},
        "old": [NAMES],
        "deep": {"feature": [NAMES], "_type": "Sequence"},
        "empty": [],
        "nothing": None,
    }
    known = ("neg", "pos")
    assert class_names(features) == {"one": known, "sequence": known, "old": known, "deep": known}
    assert class_names(None) == {}


def test_files_streamed_and_for_random_access(tmp_path):
    table = pyarrow.table({"a": list(range(2500)), "b": [["x"]] * 2500})
    for make, name in ((pyarrow.ipc.new_stream, "s.arrow"), (pyarrow.ipc.new_file, "f.arrow")):
        with make(tmp_path / name, table.schema) as file:
            file.write_table(table)
        rows = list(read_arrow(tmp_path / name))
        assert (len(rows), rows[0], rows[-1]["a"]) == (2500, {"a": 0, "b": ["x"]}, 2499)


def test_names_that_files_keep_themselves(tmp_path):
    metadata = {"huggingface": json.dumps({"info": {"features": {"label": NAMES}}})}
    table = pyarrow.table({"label": [0]}).replace_schema_metadata(metadata)
    parquet.write_table(table, tmp_path / "a.parquet")
    parquet.write_table(pyarrow.table({"label": [0]}), tmp_path / "b.parquet")
    with pyarrow.ipc.new_stream(tmp_path / "a.arrow", table.schema) as file:
        file.write_table(table)
    assert schema_class_names(tmp_path / "a.parquet", "parquet") == {"label": ("neg", "pos")}
    assert schema_class_names(tmp_path / "a.arrow", "arrow") == {"label": ("neg", "pos")}
    assert schema_class_names(tmp_path / "b.parquet", "parquet") == {}
    broken = table.replace_schema_metadata({"huggingface": "{"})
    parquet.write_table(broken, tmp_path / "c.parquet")
    assert schema_class_names(tmp_path / "c.parquet", "parquet") == {}


def test_saved_folders(tmp_path):
    assert not is_saved_dataset(tmp_path)
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    assert is_saved_dataset(tmp_path)
    assert saved_splits(tmp_path) == {"train": tmp_path / "train", "test": tmp_path / "test"}
    one = tmp_path / "train"
    one.mkdir()
    (one / "state.json").write_text('{"_data_files": [{"filename": "a"}, {"filename": "b"}]}')
    assert saved_splits(one) == {"": one}
    assert saved_files(one) == (one / "a", one / "b")
    assert saved_class_names(one) == {}
    (one / "dataset_info.json").write_text(json.dumps({"features": {"label": NAMES}}))
    assert saved_class_names(one) == {"label": ("neg", "pos")}


@pytest.mark.parametrize("splits", ['["../x"]', '["a/b"]', '[".."]', '["/etc"]', "3", "[3]"])
def test_splits_lead_nowhere_else(tmp_path, splits):
    (tmp_path / "dataset_dict.json").write_text(f'{{"splits": {splits}}}')
    with pytest.raises(TagifaiError, match="splits: a list of names of folders is needed"):
        saved_splits(tmp_path)


def test_offsets_that_lead_outside_are_refused(tmp_path):
    path = tmp_path / "a.arrow"
    table = pyarrow.table({"a": ["one", "two", "three"]})
    with pyarrow.ipc.new_stream(path, table.schema) as file:
        file.write_table(table)
    content = path.read_bytes()
    offsets = b"".join(n.to_bytes(4, "little") for n in (0, 3, 6, 11))
    wrong = b"".join(n.to_bytes(4, "little") for n in (0, 3, 6, 2_000_000_000))
    assert content.count(offsets) == 1
    path.write_bytes(content.replace(offsets, wrong))
    with pytest.raises(TagifaiError, match=r"a\.arrow: not Arrow: "):
        list(read_arrow(path))


def test_two_columns_of_one_name_are_refused(tmp_path):
    table = pyarrow.Table.from_arrays([pyarrow.array([1]), pyarrow.array([2])], ["a", "a"])
    with pyarrow.ipc.new_stream(tmp_path / "a.arrow", table.schema) as file:
        file.write_table(table)
    with pytest.raises(TagifaiError, match="columns 1 and 2 are both called 'a'"):
        list(read_arrow(tmp_path / "a.arrow"))
