"""transformers, SetFit and spaCy, each in an environment of its own: `just fresh`, minutes.

Models are made on this machine in seconds, and no hub is asked.
"""

import pytest
from wheels import environment_of, run_in

pytestmark = pytest.mark.fresh

COMMON = """
import json, sys
from pathlib import Path
import numpy as np
from small_corpus import small_dataset
from tagifai.errors import TagifaiError
from tagifai.models.adapters import load_predictor
from tagifai.models.adapters.loading import LoadContext
from tagifai.models.predictor import predict_checked, rows_sum_to_one
from tagifai.models.predictor_spec import AllowedPredictors, PredictorSpec

folder = Path(sys.argv[1])
TAGS = ("computer-vision", "natural-language-processing", "segmentation", "transformers")
DATA = small_dataset(80)
TEXTS = [project.text for project in DATA.projects]
Y = np.array([[tag in project.tags for tag in TAGS] for project in DATA.projects], float)
TRIED = [*TEXTS[:5], "", "word " * 3000, "\\u65e5\\u672c"]
found = {}


def load(source, options=None, tags=(), **more):
    spec = PredictorSpec(KIND, str(source), options=options or {})
    return load_predictor(spec, LoadContext(tags=tags, **more))


def refused(*given, **more):
    try:
        load(*given, **more)
    except TagifaiError as error:
        return str(error)
    return ""
"""

SPACY = """
KIND = "spacy"
import spacy
from spacy.training import Example

spacy.util.fix_random_seed(0)


def train(name, factory, cats):
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe(factory)
    examples = [
        Example.from_dict(nlp.make_doc(text), {"cats": dict(zip(TAGS, row.tolist()))})
        for text, row in zip(TEXTS, cats)
    ]
    nlp.initialize(lambda: examples)
    for _ in range(8):
        nlp.update(examples)
    nlp.to_disk(folder / name)
    return nlp


nlp = train("good", "textcat_multilabel", Y)
predictor = load(folder / "good")
found["tags"] = sorted(predictor.tags) == sorted(TAGS)
probabilities = predict_checked(predictor, TRIED)
own = [[nlp(text or " ").cats[tag] for tag in predictor.tags] for text in TRIED]
found["gap"] = float(np.abs(probabilities - np.array(own)).max())
alone = np.vstack([predict_checked(predictor, [text]) for text in TRIED])
found["alone"] = float(np.abs(probabilities - alone).max())
order = [TAGS.index(tag) for tag in predictor.tags]
found["right"] = float(((predict_checked(predictor, TEXTS) > 0.5) == Y[:, order]).mean())
found["left out"] = "sentencizer" not in predictor._nlp.pipe_names
first = Y[:, :2]
train("exclusive", "textcat", np.hstack([first, np.zeros_like(first)]))
exclusive = load(folder / "exclusive")
found["exclusive"] = exclusive.warnings[0]
found["softmax"] = rows_sum_to_one(predict_checked(exclusive, TEXTS))
blank = spacy.blank("en")
blank.to_disk(folder / "blank")
found["blank"] = refused(folder / "blank")
found["package"] = refused("en_core_web_sm")
found["empty"] = refused(folder)
text = (folder / "good" / "config.cfg").read_text()
call = '@callbacks = "spacy.copy_from_base_model.v1"'
lines = ["[nlp.before_creation]", call, 'tokenizer = "os"']
called = "\\n".join([*lines, "", "[nlp.tokenizer]"])
text = text.replace("before_creation = null\\n", "").replace("[nlp.tokenizer]", called)
(folder / "good" / "config.cfg").write_text(text)
found["callback"] = refused(folder / "good")
print(json.dumps(found))
"""

TRANSFORMERS = """
KIND = "transformers"
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

torch.manual_seed(0)
words = sorted({word for text in TEXTS for word in text.lower().split()})
vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words])}
raw = Tokenizer(models.WordLevel(vocabulary, "[UNK]"))
raw.normalizer = normalizers.Lowercase()
raw.pre_tokenizer = pre_tokenizers.Whitespace()
raw.post_processor = processors.TemplateProcessing(
    "[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
)
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=raw, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
)


def make(name, **more):
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=64, num_labels=len(TAGS), **more,
    )
    model = BertForSequenceClassification(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    inputs = tokenizer(TEXTS, padding=True, return_tensors="pt")
    for _ in range(80):
        logits = model(**inputs).logits
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.tensor(Y).float())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
    model.save_pretrained(folder / name)
    tokenizer.save_pretrained(folder / name)
    return model


NAMES = {"id2label": dict(enumerate(TAGS)), "label2id": {tag: i for i, tag in enumerate(TAGS)}}
model = make("good", problem_type="multi_label_classification", **NAMES)
found["unbounded"] = tokenizer.model_max_length > 1e20
predictor = load(folder / "good", {"batch_size": 3})
found["tags"] = predictor.tags == TAGS
found["warnings"] = list(predictor.warnings)
probabilities = predict_checked(predictor, TRIED)
with torch.inference_mode():
    own = [
        torch.sigmoid(
            model(**tokenizer(text, truncation=True, max_length=64, return_tensors="pt")).logits
        )[0].tolist()
        for text in TRIED
    ]
found["gap"] = float(np.abs(probabilities - np.array(own)).max())
found["right"] = float(((predict_checked(predictor, TEXTS) > 0.5) == Y).mean())
found["embedded"] = list(predictor.embed(TRIED).shape)
layer = predictor.linear_layer
margins = layer.margins(predictor.embed(TRIED))
found["layer gap"] = float(np.abs(1 / (1 + np.exp(-margins)) - probabilities).max())
alone = np.vstack([predictor.embed([text]) for text in TRIED])
found["embedded alone"] = float(np.abs(alone - predictor.embed(TRIED)).max())

unnamed = make("unnamed")
found["unnamed"] = refused(folder / "unnamed")
sigmoid = load(folder / "unnamed", tags=TAGS)
found["problem type"] = sigmoid.warnings[0]
found["sums to one"] = rows_sum_to_one(predict_checked(sigmoid, TEXTS))
mapped = load(folder / "unnamed", tag_map={f"LABEL_{i}": tag for i, tag in enumerate(TAGS)})
found["mapped"] = mapped.tags == TAGS

pickled = folder / "pickled"
unnamed.save_pretrained(pickled)
(pickled / "model.safetensors").unlink()
torch.save(unnamed.state_dict(), pickled / "pytorch_model.bin")
found["pickled"] = refused(pickled, tags=TAGS)
config = json.loads((folder / "good" / "config.json").read_text())
coded = folder / "coded"
unnamed.save_pretrained(coded)
tokenizer.save_pretrained(coded)
(coded / "evil.py").write_text("open('RAN', 'w')\\n")
config["model_type"] = "evil"
config["auto_map"] = {"AutoConfig": "evil.Config", "AutoModelForSequenceClassification": "evil.M"}
(coded / "config.json").write_text(json.dumps(config))
found["code"] = refused(coded, tags=TAGS)
found["ran"] = Path("RAN").exists()
(folder / "good" / "model.safetensors").write_bytes(b"x" * 100)
found["damaged"] = refused(folder / "good")
found["no such"] = refused("nobody/nothing")
found["not allowed"] = refused("nobody/nothing", folder=folder)
print(json.dumps(found))
"""

SETFIT = """
KIND = "setfit"
import joblib, skops.io, torch
from sentence_transformers import SentenceTransformer, models as parts
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

torch.manual_seed(0)
words = sorted({word for text in TEXTS for word in text.lower().split()})
vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words])}
raw = Tokenizer(models.WordLevel(vocabulary, "[UNK]"))
raw.normalizer = normalizers.Lowercase()
raw.pre_tokenizer = pre_tokenizers.Whitespace()
raw.post_processor = processors.TemplateProcessing(
    "[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
)
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=raw, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
    sep_token="[SEP]", model_max_length=64,
)
config = BertConfig(
    vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
    intermediate_size=64, max_position_embeddings=64,
)
BertModel(config).save_pretrained(folder / "bert")
tokenizer.save_pretrained(folder / "bert")
bert = parts.Transformer(str(folder / "bert"), max_seq_length=64)
body = SentenceTransformer(modules=[bert, parts.Pooling(32)], device="cpu")
head = OneVsRestClassifier(LogisticRegression(C=100, max_iter=2000))
head.fit(body.encode(TEXTS, normalize_embeddings=True), Y.astype(int))
good = folder / "good"
try:
    from setfit import SetFitModel
except ImportError as error:
    found["setfit"] = f"{type(error).__name__}: {error}"
    body.save(str(good))
    joblib.dump(head, good / "model_head.pkl")
    (good / "config_setfit.json").write_text(
        json.dumps({"labels": list(TAGS), "normalize_embeddings": True})
    )
else:
    found["setfit"] = ""
    made = SetFitModel(body, head, normalize_embeddings=True, labels=list(TAGS))
    made.save_pretrained(str(good))
found["files"] = sorted(path.name for path in good.iterdir())
found["pickled"] = refused(good)
allowed = AllowedPredictors.of([f"setfit:{good}"])
own = head.predict_proba(body.encode(TRIED, normalize_embeddings=True))
pickled = predict_checked(load(good, allowed=allowed), TRIED)
found["pickled gap"] = float(np.abs(pickled - own).max())
skops.io.dump(head, good / "model_head.skops")
(good / "model_head.pkl").unlink()
predictor = load(good)
found["tags"] = predictor.tags == TAGS
found["gap"] = float(np.abs(predict_checked(predictor, TRIED) - own).max())
found["right"] = float(((predict_checked(predictor, TEXTS) > 0.5) == Y).mean())
found["embedded"] = list(predictor.embed(TRIED).shape)
layer = predictor.linear_layer
margins = layer.margins(predictor.embed(TRIED))
found["layer gap"] = float(np.abs(1 / (1 + np.exp(-margins)) - own).max())
modules = json.loads((good / "modules.json").read_text())
modules[0]["type"] = "subprocess.Popen"
(good / "modules.json").write_text(json.dumps(modules))
found["module"] = refused(good)
print(json.dumps(found))
"""


def test_spacy(tmp_path):
    python = environment_of(tmp_path, "spacy")
    found = run_in(python, COMMON + SPACY, tmp_path)
    assert found["tags"]
    assert found["gap"] < 1e-6
    assert found["alone"] < 1e-6
    assert found["right"] > 0.9
    assert found["left out"]
    assert "categories exclude each other" in found["exclusive"]
    assert found["softmax"]
    assert "no textcat_multilabel in its pipeline (empty)" in found["blank"]
    assert "cannot be read (No such file" in found["package"]
    assert "no config.cfg, so no pipeline of spaCy" in found["empty"]
    assert "has a callback (before_creation), which is not run" in found["callback"]


def test_transformers(tmp_path):
    python = environment_of(tmp_path, "transformers")
    found = run_in(python, COMMON + TRANSFORMERS, tmp_path)
    assert found["unbounded"]  # so that a text of 3,000 words would crash, were it not cut
    assert found["tags"]
    assert found["warnings"] == []
    assert found["gap"] < 1e-5
    assert found["right"] > 0.9
    assert found["embedded"] == [8, 32]
    assert found["layer gap"] < 1e-5
    assert found["embedded alone"] < 1e-4
    assert "knows no names of tags (LABEL_0" in found["unnamed"]
    assert "problem_type nothing; a sigmoid for each tag is used" in found["problem type"]
    assert not found["sums to one"]
    assert found["mapped"]
    assert "no weights in safetensors (found pytorch_model.bin)" in found["pickled"]
    assert "cannot be loaded" in found["code"]
    assert not found["ran"]
    assert "cannot be loaded" in found["damaged"]
    assert "the Hub cannot be reached" in found["no such"]
    assert "--allow-predictor 'transformers:nobody/nothing'" in found["not allowed"]


def test_setfit(tmp_path):
    python = environment_of(tmp_path, "setfit")
    found = run_in(python, COMMON + SETFIT, tmp_path)
    assert {"model_head.pkl", "config_setfit.json", "modules.json"} <= set(found["files"])
    assert "its head is a pickle" in found["pickled"]
    assert "--allow-predictor 'setfit:" in found["pickled"]
    assert found["pickled gap"] < 1e-5
    assert found["tags"]
    assert found["gap"] < 1e-5
    assert found["right"] > 0.9
    assert found["embedded"] == [8, 32]
    assert found["layer gap"] < 1e-5
    assert "modules.json: unknown module 'subprocess.Popen'" in found["module"]
