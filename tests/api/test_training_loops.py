"""`TagifaiCallback` in a real Trainer, beside runs of trackio and W&B: `just fresh`, minutes.

The model is made on this machine, nothing is downloaded, and no run leaves the machine.
"""

import pytest
from wheels import environment_of, run_in

pytestmark = pytest.mark.fresh

COMMON = """
import json, os, sys
from pathlib import Path
import numpy as np
import tagifai
from small_corpus import small_dataset

folder = Path(sys.argv[1])
TAGS = ["computer-vision", "natural-language-processing", "segmentation", "transformers"]
DATA = small_dataset(80)
TEXTS = [project.text for project in DATA.projects]
Y = np.array([[tag in project.tags for tag in TAGS] for project in DATA.projects], int)
homes = {"models": folder / "model", "data": folder / "data"}
found = {}


def info(name):
    return json.loads((folder / "model" / name / "version.json").read_bytes())
"""

TRAINER = """
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast, Trainer, TrainerCallback,
    TrainingArguments,
)

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
model = BertForSequenceClassification(BertConfig(
    vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
    intermediate_size=64, max_position_embeddings=64, problem_type="multi_label_classification",
    id2label=dict(enumerate(TAGS)), label2id={tag: i for i, tag in enumerate(TAGS)},
))


class Rows(torch.utils.data.Dataset):
    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, number):
        row = self.rows[number]
        return {**tokenizer(TEXTS[row], truncation=True), "labels": Y[row].astype(np.float32)}


train, held_out = list(range(60)), list(range(60, 80))
callback = tagifai.TagifaiCallback([TEXTS[row] for row in held_out], Y[held_out], **homes)
found["is one"] = isinstance(callback, TrainerCallback)
trainer = Trainer(
    model=model,
    args=TrainingArguments(
        output_dir=str(folder / "out"), num_train_epochs=6, eval_strategy="epoch", report_to=[],
        save_strategy="epoch", per_device_train_batch_size=8, learning_rate=5e-3,
        disable_tqdm=True, use_cpu=True,
    ),
    train_dataset=Rows(train),
    eval_dataset=Rows(held_out),
    processing_class=tokenizer,
    callbacks=[callback],
)
trainer.train()
found["added"] = [one.name for one in callback.added]
found["f1"] = [one.f1 for one in callback.added]
found["num_samples"] = {one.num_samples for one in callback.added} == {20}
last = callback.added[-1].name
found["notes"] = info(last)["notes"]
model.eval()
with torch.no_grad():
    inputs = tokenizer([TEXTS[row] for row in held_out], padding=True, return_tensors="pt")
    own = torch.sigmoid(model(**inputs).logits).numpy()
from tagifai.services.app import Services
from tagifai.settings import Settings
services = Services(Settings(data=homes["data"], models=str(homes["models"]), no_cache=True))
predictions = services.versions.predictions(last)
found["tags"] = list(predictions.tags) == TAGS
found["gap"] = float(np.abs(predictions.y_prob - own).max())
first = callback.added[0].name
found["verdict"] = tagifai.compare(first, last, **homes).verdict
print(json.dumps(found))
"""

RUNS = """
os.environ |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_DIR": str(folder),
               "TRACKIO_DIR": str(folder / "trackio")}
from dataclasses import astuple
from tagifai.api.callbacks import running
import trackio, wandb


def list_runs():
    return [astuple(run) for run in running()]


found["before"] = list_runs()
run = trackio.init(project="tags", name="first", embed=False)
found["trackio"] = list_runs()
trackio.finish()
with wandb.init(project="tags", id="7f3a"):
    found["both"] = list_runs()
found["after"] = list_runs()
print()
print(json.dumps(found))
"""


def test_a_trainer_adds_a_version_at_each_evaluation(tmp_path):
    python = environment_of(tmp_path, "transformers", beside=("accelerate",))
    found = run_in(python, COMMON + TRAINER, tmp_path)
    assert found["is one"]
    assert found["added"] == [f"step-{8 * epoch}" for epoch in range(1, 7)]
    assert found["num_samples"]
    assert found["f1"][-1] > max(0.7, found["f1"][0])
    assert found["notes"] == "step 48, epoch 6"
    assert found["tags"]
    assert found["gap"] < 1e-5
    assert found["verdict"] in ("better", "can't tell")


def test_real_runs_are_found(tmp_path):
    python = environment_of(tmp_path, "mcp", beside=("trackio", "wandb"))
    found = run_in(python, COMMON + RUNS, tmp_path)
    assert found["before"] == []
    assert [run[:2] for run in found["trackio"]] == [["trackio", "first"]]
    assert ["W&B", "7f3a", ""] in found["both"]  # offline, so that it has no address
    assert ["W&B", "7f3a", ""] not in found["after"]
