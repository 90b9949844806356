"""Programs that make a small model of a framework in seconds, run in environments of their own.

Each reads `my-data` and `tags.json` of the folder that it runs in.
"""

COMMON = """
import json
from pathlib import Path
import numpy as np

TAGS = json.loads(Path("tags.json").read_text())
projects = json.loads(Path("my-data/projects.json").read_text())
TEXTS = [project["description"] for project in projects]
Y = np.array([[tag in project["tags"] for tag in TAGS] for project in projects], float)
"""

SPACY = """
import spacy
from spacy.training import Example

spacy.util.fix_random_seed(0)
nlp = spacy.blank("en")
nlp.add_pipe("textcat_multilabel")
examples = [
    Example.from_dict(nlp.make_doc(text), {"cats": dict(zip(TAGS, row.tolist()))})
    for text, row in zip(TEXTS, Y)
]
nlp.initialize(lambda: examples)
for _ in range(10):
    nlp.update(examples)
nlp.to_disk("my-spacy-model")
"""

_BERT = """
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast
)

torch.manual_seed(0)
words = sorted({word.strip(",") for text in TEXTS for word in text.split()})
vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", ",", *words])}
raw = Tokenizer(models.WordLevel(vocabulary, "[UNK]"))
raw.pre_tokenizer = pre_tokenizers.Whitespace()
raw.post_processor = processors.TemplateProcessing(
    "[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
)
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=raw, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
    sep_token="[SEP]", model_max_length=64,
)
SIZES = dict(
    vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
    intermediate_size=64, max_position_embeddings=64,
)
"""

TRANSFORMERS = f"""{_BERT}
model = BertForSequenceClassification(BertConfig(
    **SIZES, hidden_dropout_prob=0.0, num_labels=len(TAGS),
    problem_type="multi_label_classification",
    id2label=dict(enumerate(TAGS)), label2id={{tag: i for i, tag in enumerate(TAGS)}},
))
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
inputs = tokenizer(TEXTS, padding=True, return_tensors="pt")
for _ in range(250):
    loss = model(**inputs, labels=torch.tensor(Y).float()).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
model.save_pretrained("my-transformer")
tokenizer.save_pretrained("my-transformer")
"""

SETFIT = f"""{_BERT}
from sentence_transformers import SentenceTransformer, models as parts
from setfit import SetFitModel
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

BertModel(BertConfig(**SIZES)).save_pretrained("bert")
tokenizer.save_pretrained("bert")
bert = parts.Transformer("bert", max_seq_length=64)
body = SentenceTransformer(modules=[bert, parts.Pooling(32)], device="cpu")
head = OneVsRestClassifier(LogisticRegression(C=100, max_iter=2000))
head.fit(body.encode(TEXTS), Y.astype(int))
SetFitModel(body, head, labels=TAGS).save_pretrained("my-setfit-model")
"""
