"""A model in the ONNX format with its tokenizer, without PyTorch: `onnx:FOLDER`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import numpy as np

from tagifai.arrays import Array
from tagifai.errors import TagifaiError, counted, install_command, one_of, shorten
from tagifai.models.adapters.loading import LoadContext, read_json, sigmoid
from tagifai.models.adapters.onnx_graph import GraphSummary, summarize_graph
from tagifai.models.predictor_spec import PredictorSpec

if TYPE_CHECKING:
    import onnxruntime
    from tokenizers import Tokenizer

INSTALL = install_command("onnx")
MAX_LENGTH = 512
MAX_TOKENS = 8192
BATCH = 32
NAMES = ("input_ids", "attention_mask", "token_type_ids")
_TYPES: Mapping[str, type[np.generic]] = {
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(float)": np.float32,
    "tensor(bool)": np.bool_,
}
_PROBABILITIES = ("Sigmoid", "Softmax", "HardSigmoid", "ZipMap", "Clip")
_LOGITS = ("Gemm", "MatMul", "Add", "FusedMatMul", "FusedGemm", "MatMulInteger", "QGemm", "Sub")


class Options(msgspec.Struct, frozen=True):
    """How a graph is run.

    Attributes
    ----------
    file : str
        The graph's file in the folder; "" for the only one, or model.onnx.
    output : str
        The output with a value for each tag; "" to find it.
    activation : str
        "sigmoid" where the output holds logits, "none" where it holds probabilities, "" to tell
        by the graph's last node and the output's name.
    max_length : int
        The most tokens of a text; 0 for what the model allows.
    batch_size : int
        The most texts of a run.
    """

    file: str = ""
    output: str = ""
    activation: Annotated[str, msgspec.Meta(pattern="^(|sigmoid|none)$")] = ""
    max_length: Annotated[int, msgspec.Meta(ge=0, le=MAX_TOKENS)] = 0
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=1024)] = BATCH


class OnnxPredictor:
    """A graph that onnxruntime runs.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
        The graph.
    tokenizer : tokenizers.Tokenizer or None
        None for a graph that takes texts themselves.
    summary : GraphSummary
        How the graph ends.
    config : mapping
        `config.json` of the folder, which may name the tags.
    options, context, where
        As for every adapter.
    """

    concurrency = 2

    def __init__(
        self,
        session: "onnxruntime.InferenceSession",
        tokenizer: "Tokenizer | None",
        summary: GraphSummary,
        config: Mapping[str, object],
        options: Options,
        context: LoadContext,
        where: str,
    ) -> None:
        self._session, self._tokenizer, self._where = session, tokenizer, where
        self._inputs = session.get_inputs()
        self._texts = [one.name for one in self._inputs if one.type == "tensor(string)"]
        self._check_inputs()
        self.output = self._choose_output(options.output)
        self._sigmoid = self._needs_sigmoid(options.activation, summary)
        self.fixed_batch = _fixed(self._inputs[0].shape, 0)
        self.batch_size = self.fixed_batch or options.batch_size
        self.max_length = self._longest(options.max_length, config)
        self.warnings = self._warn(summary)
        probe = self._run(["text"])
        names = list(probe[0]) if isinstance(probe, list) else names_of(config)
        self._order = names if isinstance(probe, list) else None
        columns = len(names or ()) if isinstance(probe, list) else probe.shape[1]
        self.tags = context.name_columns(names, columns, where)

    def predict_proba(self, texts: Sequence[str]) -> Array:
        """Return probabilities, (n_texts, n_tags)."""
        size = self.batch_size
        parts = [self._batch(texts[i : i + size]) for i in range(0, len(texts), size)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.tags)))

    def _batch(self, texts: Sequence[str]) -> Array:
        found = self._run(texts)
        if isinstance(found, list):
            return np.array([[float(row[name]) for name in self._order or row] for row in found])
        return sigmoid(found.astype(np.float64)) if self._sigmoid else found

    def _run(self, texts: Sequence[str]) -> Array | list[dict[object, float]]:
        """Run the graph; rows, or objects from names to numbers where it makes those."""
        padded = list(texts) + [""] * ((self.fixed_batch or len(texts)) - len(texts))
        feed = self._strings(padded) if self._texts else self._tokens(padded)
        try:
            answer = self._session.run([self.output], feed)[0]
        except Exception as error:  # onnxruntime's own errors have no common base
            what = shorten(f"{type(error).__name__}: {error}".replace("\n", " "), 200)
            raise TagifaiError(f"{self._where}: running it raised {what}") from None
        if isinstance(answer, list) and answer and isinstance(answer[0], dict):
            return answer[: len(texts)]
        rows = np.asarray(answer)
        if rows.ndim == 3 and rows.shape[2] == 2 and rows.shape[1] == len(padded):
            rows = rows[:, :, 1].T  # no and yes of each tag, one after the other
        if rows.ndim == 1 and len(rows) == len(padded):
            rows = rows[:, None]
        if rows.ndim != 2 or len(rows) != len(padded):
            raise TagifaiError(
                f"{self._where}: output {self.output!r} has the shape {rows.shape} for "
                f"{counted(len(padded), 'text')}; a row for each text is needed"
            )
        result: Array = rows[: len(texts)]
        return result

    def _strings(self, texts: list[str]) -> dict[str, Array]:
        column = np.array(texts, dtype=object)
        flat = len(self._inputs[0].shape) == 1
        return {self._texts[0]: column if flat else column[:, None]}

    def _tokens(self, texts: list[str]) -> dict[str, Array]:
        assert self._tokenizer is not None
        encoded = self._tokenizer.encode_batch(texts)
        width = max((len(one.ids) for one in encoded), default=0)
        width = _fixed(self._inputs[0].shape, 1) or max(1, min(width, self.max_length))
        pad = self._tokenizer.padding or {}
        arrays = {
            "input_ids": np.full((len(texts), width), int(pad.get("pad_id", 0))),
            "attention_mask": np.zeros((len(texts), width), int),
            "token_type_ids": np.zeros((len(texts), width), int),
        }
        for i, one in enumerate(encoded):
            real = [j for j, kept in enumerate(one.attention_mask) if kept][:width]
            arrays["input_ids"][i, : len(real)] = [one.ids[j] for j in real]
            arrays["token_type_ids"][i, : len(real)] = [one.type_ids[j] for j in real]
            # A mean over no token at all would be no number.
            arrays["attention_mask"][i, : max(1, len(real))] = 1
        return {one.name: arrays[one.name].astype(_TYPES[one.type]) for one in self._inputs}

    def _check_inputs(self) -> None:
        names = [one.name for one in self._inputs]
        if self._texts:
            if len(names) > 1:
                raise TagifaiError(
                    f"{self._where}: the graph takes {', '.join(names)}; one input of texts is "
                    "needed"
                )
            return
        strange = [one for one in self._inputs if one.name not in NAMES or one.type not in _TYPES]
        if strange or "input_ids" not in names:
            listed = ", ".join(f"{one.name} {one.type}" for one in self._inputs)
            raise TagifaiError(
                f"{self._where}: the graph takes {shorten(listed, 160)}; texts (tensor(string)) or "
                f"{', '.join(NAMES)} are needed"
            )
        if self._tokenizer is None:
            raise TagifaiError(
                f"{self._where}: the graph takes tokens, and there is no tokenizer.json beside it"
            )

    def _choose_output(self, chosen: str) -> str:
        names = [one.name for one in self._session.get_outputs()]
        if chosen:
            if chosen not in names:
                raise TagifaiError(f"{self._where}: {one_of('output', chosen, names)}")
            return chosen
        if len(names) == 1:
            return str(names[0])
        for part in ("prob", "logit", "score"):
            found = [name for name in names if part in name.lower()]
            if len(found) == 1:
                return str(found[0])
        raise TagifaiError(
            f"{self._where}: the graph has the outputs {', '.join(names)}; choose one with the "
            "option output"
        )

    def _needs_sigmoid(self, activation: str, summary: GraphSummary) -> bool:
        """Decide once whether outputs are logits: by batch, it would change from one to another."""
        if activation:
            return activation == "sigmoid"
        last, name = summary.final_operator(self.output), self.output.lower()
        if last in _PROBABILITIES or "prob" in name:
            return False
        if "logit" in name or last in _LOGITS:
            return True
        raise TagifaiError(
            f"{self._where}: output {self.output!r} comes from {last or 'no known node'}, which "
            'tells neither logits nor probabilities: set the option activation to "sigmoid" or '
            '"none"'
        )

    def _warn(self, summary: GraphSummary) -> tuple[str, ...]:
        if summary.final_operator(self.output) == "Softmax":
            return ("the graph ends in a softmax: tags take from each other",)
        names = {one.name for one in self._inputs}
        if "input_ids" in names and "attention_mask" not in names:
            return (
                "the graph takes no attention_mask: what a text gets may depend on the longer "
                "texts beside it, so texts are run one by one",
            )
        return ()

    def _longest(self, chosen: int, config: Mapping[str, object]) -> int:
        allowed = config.get("max_position_embeddings")
        own = allowed if isinstance(allowed, int) and 0 < allowed <= MAX_TOKENS else MAX_LENGTH
        longest = min(chosen, own) if chosen else own
        if self._tokenizer is not None:
            given = (self._tokenizer.truncation or {}).get("max_length", longest)
            longest = max(1, min(longest, int(given)))
            width = _fixed(self._inputs[0].shape, 1)
            self._tokenizer.enable_truncation(max_length=width or longest)
            if not any(one.name == "attention_mask" for one in self._inputs):
                self.batch_size = self.fixed_batch or 1
        return longest


def load(spec: PredictorSpec, options: Options, context: LoadContext) -> OnnxPredictor:
    """Load a graph and its tokenizer from a folder, or a graph that takes texts from a file.

    Raises
    ------
    TagifaiError
        No graph, a damaged one, data outside the folder, or inputs that texts cannot become.
    """
    where = f"predictor {spec}"
    path = context.path_of(spec)
    graph = _find_graph(path, options.file, where) if path.is_dir() else path
    try:
        content = graph.read_bytes()
    except OSError as error:
        raise TagifaiError(f"{where}: {graph}: cannot be read ({error.strerror})") from None
    summary = summarize_graph(content, f"{where}: {graph.name}")
    _check_locations(summary, graph.parent, where)
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4  # what is wrong is said once, by us
    try:
        # By its path, beside which large tensors may be.
        session = onnxruntime.InferenceSession(
            str(graph), settings, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's own errors have no common base
        what = shorten(f"{type(error).__name__}: {error}".replace("\n", " "), 200)
        raise TagifaiError(f"{where}: {graph.name}: cannot be loaded ({what})") from None
    config = read_json(graph.parent / "config.json")
    return OnnxPredictor(
        session,
        _read_tokenizer(graph.parent / "tokenizer.json", where),
        summary,
        config if isinstance(config, dict) else {},
        options,
        context,
        where,
    )


def names_of(config: Mapping[str, object]) -> list[str] | None:
    """Return the names of a model's columns by `id2label`, None where there are none.

    >>> names_of({"id2label": {"1": "nlp", "0": "cv"}})
    ['cv', 'nlp']
    """
    found = config.get("id2label")
    if not isinstance(found, Mapping):
        return None
    named = {str(number): str(name) for number, name in found.items()}
    order = [str(i) for i in range(len(named))]
    return [named[number] for number in order] if set(order) == set(named) and named else None


def _find_graph(folder: Path, chosen: str, where: str) -> Path:
    found = sorted(one for pattern in ("*.onnx", "onnx/*.onnx") for one in folder.glob(pattern))
    names = [one.relative_to(folder).as_posix() for one in found]
    if chosen:
        if chosen not in names:
            raise TagifaiError(f"{where}: {one_of('file', chosen, names)}")
        return folder / chosen
    for usual in ("model.onnx", "onnx/model.onnx"):
        if usual in names:
            return folder / usual
    if len(found) != 1:
        what = f"{', '.join(names[:10])}; choose one with the option file" if names else "none"
        raise TagifaiError(f"{where}: {folder}: one .onnx file is needed, found {what}")
    return found[0]


def _check_locations(summary: GraphSummary, folder: Path, where: str) -> None:
    root = folder.resolve()
    for location in summary.locations:
        try:
            inside = (root / location).resolve().is_relative_to(root)
        except (OSError, ValueError):
            inside = False
        if not location or not inside:
            raise TagifaiError(
                f"{where}: the graph wants the file {shorten(location, 400)!r}, outside its folder"
            )


def _read_tokenizer(path: Path, where: str) -> "Tokenizer | None":
    if not path.is_file():
        return None
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises plain exceptions
        raise TagifaiError(
            f"{where}: {path.name}: cannot be read ({shorten(str(error))})"
        ) from None
    pad = tokenizer.padding
    tokenizer.no_padding()
    if pad:  # a batch is padded here, as wide as it needs; the token stays
        tokenizer.enable_padding(pad_id=pad["pad_id"], pad_token=pad["pad_token"])
    return tokenizer


def _fixed(shape: Sequence[object], axis: int) -> int:
    """Return the size of an axis that a graph fixes; 0 for one that may vary."""
    size = shape[axis] if axis < len(shape) else None
    return size if isinstance(size, int) and size > 0 else 0
