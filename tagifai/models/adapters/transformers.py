"""A fine-tuned transformer of Hugging Face: `transformers:FOLDER_OR_HUB_NAME[@REVISION]`."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

import msgspec
import numpy as np

from tagifai.arrays import Array
from tagifai.errors import TagifaiError, install_command, shorten
from tagifai.models.adapters.hub import folder_of
from tagifai.models.adapters.loading import LoadContext
from tagifai.models.adapters.onnx import names_of
from tagifai.models.linear_layer import LinearLayer
from tagifai.models.predictor_spec import PredictorSpec

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Linear
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

INSTALL = install_command("transformers")
MAX_LENGTH = 512
MULTI_LABEL = "multi_label_classification"


class Options(msgspec.Struct, frozen=True):
    """How a model is run.

    Attributes
    ----------
    max_length : int
        The most tokens of a text; 0 for what the model allows.
    batch_size : int
        The most texts of a run.
    device : str
        "cpu", "cuda", "cuda:1", "mps"; "" for a GPU where there is one.
    """

    max_length: Annotated[int, msgspec.Meta(ge=0, le=131_072)] = 0
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 16
    device: Annotated[str, msgspec.Meta(pattern="^(|cpu|mps|cuda(:[0-9]+)?)$")] = ""


class TransformersPredictor:
    """A sequence classifier whose probabilities are a sigmoid for each tag, always.

    Whatever the configuration says: where it lacks a problem type, pipelines use a softmax.
    """

    def __init__(
        self,
        model: "PreTrainedModel",
        tokenizer: "PreTrainedTokenizerBase",
        options: Options,
        context: LoadContext,
        where: str,
    ) -> None:
        import torch

        self._model, self._tokenizer = model, tokenizer
        best = "cuda" if torch.cuda.is_available() else "cpu"
        self._device = torch.device(options.device or best)
        self._model.to(self._device)
        self._model.eval()
        self.batch_size = max(options.batch_size, 64)  # similar lengths together
        self._rows = options.batch_size
        self.max_length = _longest(model, tokenizer, options.max_length)
        config: Mapping[str, object] = model.config.to_dict()
        self.tags = context.name_columns(names_of(config), model.config.num_labels, where)
        kind = config.get("problem_type")
        self.warnings = (
            ()
            if kind == MULTI_LABEL
            else (
                f"config.json says problem_type {kind or 'nothing'}; a sigmoid for each tag is "
                f"used, as {MULTI_LABEL} needs it. Where texts have exactly one tag, this is not "
                "what the model was trained for",
            )
        )

    def predict_proba(self, texts: Sequence[str]) -> Array:
        """Return probabilities, (n_texts, n_tags)."""
        import torch

        return self._each(texts, len(self.tags), lambda out: torch.sigmoid(out.logits.float()))

    @cached_property
    def linear_layer(self) -> LinearLayer | None:
        """The classifier's last layer, where logits are a linear map of one vector a text."""
        layer = _last_linear(self._model)
        if layer is None:
            return None
        text = ["text"]
        with _inputs_of(layer) as given:
            logits = self._each(text, len(self.tags), lambda output: output.logits.float())
            shapes = [one.ndim for one in given]
        if shapes != [2]:  # of each token: which of them counts is decided later
            return None
        coef = layer.weight.detach().float().cpu().numpy().astype(np.float64)
        bias = np.zeros(len(coef)) if layer.bias is None else layer.bias.detach().cpu().numpy()
        found = LinearLayer(coef, np.asarray(bias, np.float64))
        read = self._layer_inputs(layer, text)
        return found if np.allclose(found.margins(read), logits, rtol=1e-2, atol=1e-2) else None

    def embed(self, texts: Sequence[str]) -> Array:
        """Return what the last layer reads of each text, (n_texts, n_dimensions).

        Where there is no such layer, the mean of the last hidden states.
        """
        layer = None if self.linear_layer is None else _last_linear(self._model)
        if layer is not None:
            return self._layer_inputs(layer, texts)
        width = int(self._model.config.hidden_size)
        return self._each(texts, width, None)

    def _layer_inputs(self, layer: "Linear", texts: Sequence[str]) -> Array:
        """Run the model and return what one of its layers was given, a row for each text."""
        with _inputs_of(layer) as given:
            return self._each(texts, layer.in_features, lambda _: given.pop().float())

    def _each(self, texts: Sequence[str], width: int, read: object) -> Array:
        """Run batches of texts of similar length, and put their rows in order."""
        import torch

        result = np.zeros((len(texts), width), np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), self._rows):
            chosen = order[start : start + self._rows]
            inputs = self._tokenizer(
                [texts[i] for i in chosen],
                truncation=True,
                max_length=self.max_length,
                padding=len(chosen) > 1,
                return_tensors="pt",
            ).to(self._device)
            with torch.inference_mode():
                output = self._model(**inputs, output_hidden_states=read is None)
                if callable(read):
                    rows = read(output)
                else:
                    mask = inputs["attention_mask"][:, :, None].float()
                    hidden = output.hidden_states[-1].float()
                    rows = (hidden * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1.0)
            result[chosen] = rows.cpu().numpy()
        return result


def load(spec: PredictorSpec, options: Options, context: LoadContext) -> TransformersPredictor:
    """Load a model and its tokenizer; weights in safetensors alone, and no code of theirs.

    Raises
    ------
    TagifaiError
        Not there, another format, damaged, or in need of code of its own.
    """
    where = f"predictor {spec}"
    folder = folder_of(spec, context)
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, **local)
        model = AutoModelForSequenceClassification.from_pretrained(
            folder, use_safetensors=True, **local
        )
        return TransformersPredictor(model, tokenizer, options, context, where)
    except (ImportError, TagifaiError):
        raise
    except Exception as error:  # a damaged model fails in as many ways as it has files
        what = shorten(" ".join(str(error).split()) or type(error).__name__, 240)
        raise TagifaiError(f"{where}: cannot be loaded ({what})") from None


def _last_linear(model: "PreTrainedModel") -> "Linear | None":
    """Return the last linear layer that has one output for each tag."""
    from torch.nn import Linear

    layers = [
        layer
        for layer in model.modules()
        if isinstance(layer, Linear) and layer.out_features == model.config.num_labels
    ]
    return layers[-1] if layers else None


@contextmanager
def _inputs_of(layer: "Linear") -> Iterator[list["Tensor"]]:
    """Collect what a layer is given by this thread; another one may be predicting."""
    given: list[Tensor] = []
    here = threading.get_ident()

    def collect(_: object, inputs: tuple["Tensor", ...]) -> None:
        if threading.get_ident() == here:
            given.append(inputs[0])

    hook = layer.register_forward_pre_hook(collect)
    try:
        yield given
    finally:
        hook.remove()


def _longest(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", chosen: int) -> int:
    """Return the most tokens of a text: some tokenizers say 1e30, and longer texts crash."""
    positions = getattr(model.config, "max_position_embeddings", None)
    limits = [int(tokenizer.model_max_length)] if tokenizer.model_max_length < 1e6 else []
    if isinstance(positions, int) and positions > 0:
        # RoBERTa and its relatives count positions from behind the padding token.
        roberta = str(model.config.model_type) in _OFFSET_POSITIONS
        offset = (model.config.pad_token_id or 0) + 1 if roberta else 0
        limits.append(positions - offset)
    longest = min(limits, default=MAX_LENGTH)
    return min(chosen, longest) if chosen else longest


_OFFSET_POSITIONS = ("roberta", "xlm-roberta", "camembert", "longformer", "mpnet", "xlm-roberta-xl")
