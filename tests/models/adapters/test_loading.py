import pytest

from tagifai.errors import TagifaiError
from tagifai.models.adapters import MODULES, load_predictor, read_options
from tagifai.models.adapters.loading import LoadContext, are_numbered, read_json
from tagifai.models.predictor_spec import KINDS, PredictorSpec, parse_predictor


@pytest.mark.parametrize("kind", ["own", "sklearn", "onnx", "spacy", "transformers", "setfit"])
def test_a_path_where_nothing_is_needs_no_package(kind, tmp_path):
    with pytest.raises(TagifaiError, match=rf"predictor {kind}:.*nowhere/at/all: cannot be read"):
        load_predictor(parse_predictor(f"{kind}:{tmp_path}/nowhere/at/all"))


def test_every_kind_has_its_module_and_no_options_to_begin_with():
    assert set(MODULES) == set(KINDS)
    for kind in KINDS:
        read_options(PredictorSpec(kind, "x"))
        with pytest.raises(TagifaiError, match=f"unknown option of {kind} 'sise'"):
            read_options(PredictorSpec(kind, "x", options={"sise": 1}))


def test_who_names_the_columns():
    none, given = LoadContext(), LoadContext(tags=("a", "b"))
    assert none.name_columns(["x", "y"], 2, "m") == ("x", "y")
    assert given.name_columns(["b", "a"], 2, "m") == ("b", "a")  # by name, in the model's order
    assert given.name_columns(["0", "1"], 2, "m") == ("a", "b")
    assert given.name_columns(["LABEL_0", "LABEL_1"], 2, "m") == ("a", "b")
    assert given.name_columns(None, None, "m") == ("a", "b")
    mapped = LoadContext(tag_map={"x": "a"})
    assert mapped.name_columns(["x", "y"], 2, "m") == ("a", "y")
    for context, names, message in (
        (none, None, "m: the model knows no names of tags; give them"),
        (none, ["0", "1"], r"the model knows no names of tags \(0, 1\)"),
        (given, ["a", "c"], "unknown tag of the model 'b': .*allowed: a, c"),
        (given, ["a", "b", "c"], "3 tags in the model, 2 given"),
        (given, ["0", "1", "2"], "3 columns and 2 tags given"),
        (none, ["x", "x"], "tag 'x' comes twice"),
        (mapped, ["y", "z"], "map: unknown name of the model 'x'"),
        (LoadContext(tag_map={"x": "y"}), ["x", "y"], "tag 'y' comes twice"),
    ):
        with pytest.raises(TagifaiError, match=message):
            context.name_columns(names, None if names is None else len(names), "m")


def test_names_that_only_number():
    assert are_numbered(["class_0", "class_1"])
    assert not are_numbered(["1", "0"])
    assert not are_numbered(["2020", "2021"])


def test_json_beside_a_model(tmp_path):
    path = tmp_path / "config.json"
    assert read_json(path) is None
    path.write_text('{"a": 1}')
    assert read_json(path) == {"a": 1}
    for content, message in ((b"{", "cannot be read"), (b" " * 100, "more than the 50 bytes")):
        path.write_bytes(content)
        with pytest.raises(TagifaiError, match=message):
            read_json(path, 50)
