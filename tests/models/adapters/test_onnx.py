import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from predictor_servers import TAGS
from scipy.special import expit, softmax
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from tagifai.errors import TagifaiError
from tagifai.models.adapters import load_predictor
from tagifai.models.adapters.loading import LoadContext
from tagifai.models.predictor import predict_checked
from tagifai.models.predictor_spec import PredictorSpec

WORDS = ["[PAD]", "[UNK]", "[CLS]", "cv", "nlp", "transformers", "and", "images"]
WEIGHTS = np.random.default_rng(0).normal(size=(len(WORDS), len(TAGS))).astype(np.float32)
TEXTS = ["cv and nlp", "transformers", "", "images " * 30, "unknown words"]
INT64, INT32, FLOAT, STRING = (
    TensorProto.INT64, TensorProto.INT32, TensorProto.FLOAT, TensorProto.STRING,
)  # fmt: skip


def tokenizer(special=False):
    made = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, "[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    if special:
        made.post_processor = processors.TemplateProcessing(
            "[CLS] $A", special_tokens=[("[CLS]", 2)]
        )
    return made


def graph(
    *, last="", output="logits", batch="n", length="m", integers=INT64, types=False, mask=True
):
    """Make a graph: the mean of the words' weights, over the words that the mask keeps."""
    inputs = [helper.make_tensor_value_info("input_ids", integers, [batch, length])]
    if mask:
        inputs.append(helper.make_tensor_value_info("attention_mask", integers, [batch, length]))
    if types:
        inputs.append(helper.make_tensor_value_info("token_type_ids", integers, [batch, length]))
    nodes = [
        helper.make_node("Gather", ["W", "input_ids"], ["words"]),
        helper.make_node("Cast", ["attention_mask" if mask else "ones"], ["m"], to=FLOAT),
        helper.make_node("Unsqueeze", ["m", "axis2"], ["m3"]),
        helper.make_node("Mul", ["words", "m3"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "axis1"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["m3", "axis1"], ["count"], keepdims=0),
        helper.make_node("Div", ["sum", "count"], ["mean"]),
        helper.make_node("Add", ["mean", "b"], ["added"]),
        helper.make_node(last or "Identity", ["added"], [output]),
    ]
    if not mask:
        nodes[:0] = [
            helper.make_node("Shape", ["input_ids"], ["shape"]),
            helper.make_node(
                "ConstantOfShape", ["shape"], ["ones"],
                value=helper.make_tensor("v", INT64, [1], [1]),
            ),
        ]  # fmt: skip
    constants = [
        numpy_helper.from_array(WEIGHTS, "W"),
        numpy_helper.from_array(np.zeros(len(TAGS), np.float32), "b"),
        numpy_helper.from_array(np.array([1]), "axis1"),
        numpy_helper.from_array(np.array([2]), "axis2"),
    ]
    outputs = [helper.make_tensor_value_info(output, FLOAT, [batch, len(TAGS)])]
    return model_of(nodes, inputs, outputs, constants)


def model_of(nodes, inputs, outputs, constants=(), opset=17, **domains):
    made = helper.make_graph(nodes, "tagger", inputs, outputs, list(constants))
    sets = [helper.make_opsetid("", opset)]
    sets += [helper.make_opsetid(name.replace("_", "."), one) for name, one in domains.items()]
    return helper.make_model(made, opset_imports=sets, ir_version=9)


def logits(texts, length=512, special=False):
    """Compute what the graph does, one text at a time."""
    rows = []
    for text in texts:
        ids = [
            *([2] if special else []),
            *(WORDS.index(w) if w in WORDS else 1 for w in text.split()),
        ]
        rows.append(WEIGHTS[ids[:length] or [0]].mean(axis=0))
    return np.array(rows)


def save(folder, made, config=None, special=False):
    folder.mkdir(exist_ok=True)
    onnx.save(made, str(folder / "model.onnx"))
    tokenizer(special).save(str(folder / "tokenizer.json"))
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
    return folder


def load(folder, options=None, tags=(), tag_map=None):
    spec = PredictorSpec("onnx", str(folder), options=options or {})
    return load_predictor(spec, LoadContext(tags=tags, tag_map=tag_map or {}))


NAMED = {"id2label": {str(i): tag for i, tag in enumerate(TAGS)}, "max_position_embeddings": 16}


def test_a_folder_with_a_graph_a_tokenizer_and_names(tmp_path):
    predictor = load(save(tmp_path / "m", graph(), NAMED))
    assert predictor.tags == TAGS
    assert predictor.warnings == ()
    found = predict_checked(predictor, TEXTS)
    np.testing.assert_allclose(found, expit(logits(TEXTS, 16)), atol=1e-6)
    # A text's answer is the same alone and beside longer ones.
    for text, row in zip(TEXTS, found, strict=True):
        np.testing.assert_allclose(predict_checked(predictor, [text])[0], row, atol=1e-6)
    assert predict_checked(predictor, []).shape == (0, 3)


@pytest.mark.parametrize(
    "kind",
    [
        {"integers": INT32},
        {"types": True},
        {"batch": 2},
        {"batch": 1},
        {"length": 8},
        {"batch": 4, "length": 16, "types": True, "integers": INT32},
        {"mask": False},
    ],
)
def test_inputs_are_fed_as_the_graph_declares_them(kind, tmp_path):
    predictor = load(save(tmp_path / "m", graph(**kind), NAMED))
    found = predict_checked(predictor, TEXTS[:2] + TEXTS[3:])
    expected = expit(logits(TEXTS[:2] + TEXTS[3:], kind.get("length", 16)))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_special_tokens_are_the_tokenizers(tmp_path):
    predictor = load(save(tmp_path / "m", graph(), NAMED, special=True))
    found = predict_checked(predictor, TEXTS)
    np.testing.assert_allclose(found, expit(logits(TEXTS, 16, special=True)), atol=1e-6)


@pytest.mark.parametrize(
    ("last", "output", "activation", "expected"),
    [
        ("", "logits", "", expit),
        ("", "output", "", expit),
        ("Sigmoid", "output", "", expit),
        ("Sigmoid", "logits", "", expit),
        ("Softmax", "probabilities", "", lambda x: softmax(x, axis=1)),
        ("Relu", "output", "sigmoid", lambda x: expit(np.maximum(x, 0))),
        ("Sigmoid", "output", "sigmoid", lambda x: expit(expit(x))),
    ],
)
def test_logits_are_told_from_probabilities(last, output, activation, expected, tmp_path):
    folder = save(tmp_path / "m", graph(last=last, output=output), NAMED)
    predictor = load(folder, {"activation": activation})
    found = predict_checked(predictor, TEXTS)
    np.testing.assert_allclose(found, expected(logits(TEXTS, 16)), atol=1e-6)
    assert ("softmax" in "".join(predictor.warnings)) is (last == "Softmax")


def test_a_graph_whose_end_tells_nothing_is_asked_about(tmp_path):
    folder = save(tmp_path / "m", graph(last="Relu", output="output"), NAMED)
    with pytest.raises(TagifaiError, match=r"output 'output' comes from Relu, .* activation"):
        load(folder)


def test_names_of_tags(tmp_path):
    numbered = {"id2label": {str(i): f"LABEL_{i}" for i in range(3)}}
    folder = save(tmp_path / "m", graph(), numbered)
    assert load(folder, tags=TAGS).tags == TAGS
    mapped = {f"LABEL_{i}": tag for i, tag in enumerate(TAGS)}
    assert load(folder, tag_map=mapped).tags == TAGS
    with pytest.raises(TagifaiError, match=r"knows no names of tags \(LABEL_0, LABEL_1, LABEL_2\)"):
        load(folder)
    with pytest.raises(TagifaiError, match="3 columns and 2 tags given"):
        load(folder, tags=TAGS[:2])
    with pytest.raises(TagifaiError, match="unknown name of the model 'LABEL_9'"):
        load(folder, tag_map={"LABEL_9": "cv"})


def strings(nodes, outputs, constants=(), shape=("n",), **domains):
    inputs = [helper.make_tensor_value_info("text", STRING, list(shape))]
    return model_of(nodes, inputs, outputs, constants, **domains)


def vectorized(source):
    """Count words of texts, and multiply by their weights."""
    return [
        helper.make_node(
            "StringNormalizer", [source], ["lower"], case_change_action="LOWER", locale="C"
        ),
        helper.make_node(
            "Tokenizer", ["lower"], ["tokens"], domain="com.microsoft", mark=0, mincharnum=1,
            pad_value="#", separators=["[ ]+"],
        ),
        helper.make_node(
            "TfIdfVectorizer", ["tokens"], ["counts"], mode="TF", min_gram_length=1,
            max_gram_length=1, max_skip_count=0, ngram_counts=[0],
            ngram_indexes=list(range(len(WORDS))), pool_strings=WORDS,
        ),
        helper.make_node("MatMul", ["counts", "W"], ["logits"]),
    ]  # fmt: skip


def test_a_graph_that_takes_texts_needs_no_tokenizer(tmp_path):
    outputs = [helper.make_tensor_value_info("logits", FLOAT, ["n", 3])]
    made = strings(
        vectorized("text"), outputs, [numpy_helper.from_array(WEIGHTS, "W")], com_microsoft=1
    )
    onnx.save(made, str(tmp_path / "texts.onnx"))
    found = predict_checked(load(tmp_path / "texts.onnx", tags=TAGS), ["cv CV nlp", "and", "x"])
    expected = [2 * WEIGHTS[3] + WEIGHTS[4], WEIGHTS[6], np.zeros(3)]
    np.testing.assert_allclose(found, expit(np.array(expected)), atol=1e-6)


def test_a_graph_that_answers_names(tmp_path):
    outputs = [helper.make_value_info(
        "probabilities",
        helper.make_sequence_type_proto(
            helper.make_map_type_proto(STRING, helper.make_tensor_type_proto(FLOAT, None))
        ),
    )]  # fmt: skip
    nodes = [
        *vectorized("text"),
        helper.make_node("Sigmoid", ["logits"], ["p"]),
        helper.make_node("ZipMap", ["p"], ["probabilities"], domain="ai.onnx.ml",
                         classlabels_strings=list(TAGS)),
    ]  # fmt: skip
    made = strings(
        nodes, outputs, [numpy_helper.from_array(WEIGHTS, "W")], com_microsoft=1, ai_onnx_ml=3
    )
    onnx.save(made, str(tmp_path / "texts.onnx"))
    predictor = load(tmp_path / "texts.onnx")
    assert set(predictor.tags) == set(TAGS)
    order = [TAGS.index(tag) for tag in predictor.tags]
    found = predict_checked(predictor, ["cv", "nlp"])
    np.testing.assert_allclose(found, expit(WEIGHTS[[3, 4]])[:, order], atol=1e-6)


def with_external(location, folder):
    made = graph()
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    folder.mkdir()
    (folder / "model.onnx").write_bytes(made.SerializeToString())
    tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps(NAMED))
    return folder


def test_data_in_other_files_stays_in_the_folder(tmp_path):
    (tmp_path / "secret.bin").write_bytes(WEIGHTS.tobytes())
    inside = with_external("weights.bin", tmp_path / "inside")
    (inside / "weights.bin").write_bytes(WEIGHTS.tobytes())
    found = predict_checked(load(inside), TEXTS[:2])
    np.testing.assert_allclose(found, expit(logits(TEXTS[:2])), atol=1e-6)
    for i, location in enumerate(
        ["../secret.bin", str(tmp_path / "secret.bin"), "a/../../secret.bin"]
    ):
        with pytest.raises(TagifaiError, match=r"wants the file .*secret.bin', outside its folder"):
            load(with_external(location, tmp_path / f"outside{i}"))
    linked = with_external("link.bin", tmp_path / "linked")
    (linked / "link.bin").symlink_to(tmp_path / "secret.bin")
    with pytest.raises(TagifaiError, match="outside its folder"):
        load(linked)


def test_data_in_other_files_of_a_graph_within_a_graph(tmp_path):
    tensor = TensorProto(name="x", data_type=FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../secret.bin"
    value = helper.make_tensor_value_info("x", FLOAT, [1])
    inner = helper.make_graph([], "inner", [], [value], [tensor])
    made = graph()
    made.graph.node.append(
        helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    )
    (tmp_path / "model.onnx").write_bytes(made.SerializeToString())
    with pytest.raises(TagifaiError, match=r"wants the file '\.\./secret\.bin', outside"):
        load(tmp_path, tags=TAGS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: (f / "model.onnx").unlink(), "one .onnx file is needed, found none"),
        (lambda f: (f / "model.onnx").write_bytes(b""), "cannot be loaded"),
        (lambda f: (f / "model.onnx").write_bytes(b"\xff" * 100), "not an ONNX file"),
        (lambda f: (f / "model.onnx").write_bytes(b"\x0a\xff\xff\xff\xff\x7f"), "not an ONNX file"),
        (lambda f: (f / "tokenizer.json").unlink(), "there is no tokenizer.json beside it"),
        (lambda f: (f / "tokenizer.json").write_text("{}"), "tokenizer.json: cannot be read"),
        (lambda f: (f / "config.json").write_text("{"), "config.json: cannot be read"),
        (
            lambda f: (f / "model.onnx").rename(f / "a.onnx").with_name("b.onnx").write_bytes(b""),
            r"found a\.onnx, b\.onnx; choose one with the option file",
        ),
    ],
)
def test_what_is_wrong_is_one_clear_line(change, message, tmp_path):
    folder = save(tmp_path / "m", graph(), NAMED)
    change(folder)
    with pytest.raises(TagifaiError, match=message) as told:
        load(folder)
    assert "\n" not in str(told.value)


def test_graphs_that_texts_do_not_fit(tmp_path):
    numbers = model_of(
        [helper.make_node("Sigmoid", ["x"], ["y"])],
        [helper.make_tensor_value_info("x", FLOAT, ["n", 3])],
        [helper.make_tensor_value_info("y", FLOAT, ["n", 3])],
    )
    with pytest.raises(TagifaiError, match=r"the graph takes x tensor\(float\); texts"):
        load(save(tmp_path / "numbers", numbers), tags=TAGS)
    whole = model_of(
        [helper.make_node("ReduceSum", ["input_ids"], ["s"], keepdims=1),
         helper.make_node("Cast", ["s"], ["logits"], to=FLOAT)],
        [helper.make_tensor_value_info("input_ids", INT64, ["n", "m"])],
        [helper.make_tensor_value_info("logits", FLOAT, [1, 1])],
    )  # fmt: skip
    predictor = load(save(tmp_path / "whole", whole), tags=["a"])
    assert predictor.batch_size == 1
    assert "run one by one" in predictor.warnings[0]


def test_a_choice_of_outputs_and_files(tmp_path):
    made = graph()
    made.graph.output.append(helper.make_tensor_value_info("mean", FLOAT, ["n", 3]))
    folder = save(tmp_path / "m", made, NAMED)
    load(folder)  # one of them is called logits
    np.testing.assert_allclose(
        predict_checked(load(folder, {"output": "mean", "activation": "sigmoid"}), TEXTS[:2]),
        expit(logits(TEXTS[:2])),
        atol=1e-6,
    )
    with pytest.raises(TagifaiError, match="unknown output 'logit': did you mean 'logits'"):
        load(folder, {"output": "logit"})
    with pytest.raises(TagifaiError, match=r"unknown file 'x\.onnx'"):
        load(folder, {"file": "x.onnx"})
    (folder / "onnx").mkdir()
    (folder / "model.onnx").rename(folder / "onnx" / "model.onnx")
    with pytest.raises(TagifaiError, match=r"no tokenizer\.json beside it"):
        load(folder)
