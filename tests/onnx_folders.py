"""ONNX models that tests can afford: a weight for each word and tag, summed up."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np


def write_bag_of_words(
    folder: Path, weights: Mapping[str, Sequence[float]], bias: Sequence[float], tags: Sequence[str]
) -> None:
    """Write a graph with its tokenizer: the sigmoid of the sum of the weights of a text's words."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    words = ["[PAD]", "[UNK]", *weights]
    rows = np.zeros((len(words), len(tags)), np.float32)
    rows[2:] = list(weights.values())
    integers, floats = TensorProto.INT64, TensorProto.FLOAT
    nodes = [
        helper.make_node("Gather", ["W", "input_ids"], ["words"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=floats),
        helper.make_node("Unsqueeze", ["mask", "last"], ["wide"]),
        helper.make_node("Mul", ["words", "wide"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "middle"], ["sum"], keepdims=0),
        helper.make_node("Add", ["sum", "b"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tagger",
        [
            helper.make_tensor_value_info(name, integers, ["n", "m"])
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("probabilities", floats, ["n", len(tags)])],
        [
            numpy_helper.from_array(rows, "W"),
            numpy_helper.from_array(np.array(bias, np.float32), "b"),
            numpy_helper.from_array(np.array([1]), "middle"),
            numpy_helper.from_array(np.array([2]), "last"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    folder.mkdir(parents=True)
    onnx.save(model, str(folder / "model.onnx"))
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, "[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {str(i): tag for i, tag in enumerate(tags)}
    (folder / "config.json").write_text(json.dumps({"id2label": names}))
