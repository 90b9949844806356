import json

import numpy as np
import pytest
import skops.io
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from tagifai.errors import TagifaiError
from tagifai.models.adapters.loading import LoadContext
from tagifai.models.predictor_file import (
    PredictorFile,
    dump_predictor_file,
    open_predictor,
    read_predictor_file,
)
from tagifai.models.predictor_spec import AllowedPredictors, PredictorSpec

FILES = [
    PredictorFile(PredictorSpec("sklearn", "model.skops")),
    PredictorFile(
        PredictorSpec("transformers", "org/name", "v1"), ("cv", "nlp"), {"LABEL_0": "cv"}
    ),
    PredictorFile(
        PredictorSpec("http", "https://a.example/x", "", {"batch_size": 8}), ("cv", "日本")
    ),
]


@pytest.mark.parametrize("file", FILES)
def test_a_file_reads_as_it_was_written(file):
    content = dump_predictor_file(file)
    assert read_predictor_file(content) == file
    assert dump_predictor_file(read_predictor_file(content)) == content


def test_no_field_that_is_not_used_is_written():
    assert json.loads(dump_predictor_file(FILES[0])) == {"kind": "sklearn", "source": "model.skops"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "predictor.json: Input data was truncated"),
        (b"[]", "Expected `object`, got `array`"),
        (b'{"kind": "sklearn"}', "missing required field `source`"),
        (b'{"kind": "sklearn", "source": 3}', r"Expected `str`, got `int` - at `\$.source`"),
        (b'{"kind": "sklearn", "source": "x", "run": "y"}', "unknown field `run`"),
        (b'{"kind": "pickle", "source": "x"}', "unknown kind of predictor 'pickle'"),
        (b'{"kind": "http", "source": "file:///etc/passwd"}', "http:// or https:// is needed"),
        (b'{"kind": "sklearn", "source": "x", "tags": ["a", "a"]}', "tag 'a' comes twice"),
        (b'{"kind": "sklearn", "source": "x", "map": {"L": ""}}', "map: a tag is a name"),
        (
            b'{"kind": "http", "source": "http://a/", "options": {"batch_sizes": 1}}',
            "unknown option of http 'batch_sizes': did you mean 'batch_size'?",
        ),
        (
            b'{"kind": "http", "source": "http://a/", "options": {"batch_size": 0}}',
            r"options of http: Expected `int` >= 1 - at `\$.batch_size`",
        ),
        (b"[" * 100_000, "predictor.json: "),
        (b'{"kind": "' + b"x" * 2**20 + b'"}', "at most 1,048,576 are read"),
        (b'{"kind": "\xff"}', "predictor.json: "),
    ],
)
def test_a_strangers_file_is_checked(content, message):
    with pytest.raises(TagifaiError, match=message):
        read_predictor_file(content)


def test_what_could_not_be_read_back_is_not_written():
    with pytest.raises(TagifaiError, match="no key in an address"):
        dump_predictor_file(PredictorFile(PredictorSpec("http", "http://a/?token=1")))


def test_a_versions_folder_with_a_pipeline_predicts(tmp_path):
    texts, y = ["images", "text", "text images"], np.array([[1, 0], [0, 1], [1, 1]])
    pipeline = make_pipeline(CountVectorizer(), OneVsRestClassifier(LogisticRegression()))
    skops.io.dump(pipeline.fit(texts, y), tmp_path / "model.skops")
    file = PredictorFile(PredictorSpec("sklearn", "model.skops"), ("cv", "nlp"))
    (tmp_path / "predictor.json").write_bytes(dump_predictor_file(file))
    found = read_predictor_file((tmp_path / "predictor.json").read_bytes())
    predictor = open_predictor(found, LoadContext(folder=tmp_path))
    assert (predictor.name, predictor.tags) == ("sklearn:model.skops", ("cv", "nlp"))
    np.testing.assert_allclose(
        predictor.predict_proba(texts), pipeline.predict_proba(texts), atol=1e-7
    )


def test_what_a_strangers_file_asks_for_is_not_done(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.py").write_text("open('ran', 'w').close()\ntags = ['a']\n")
    for kind, source in (
        ("python", "evil:tags"),
        ("http", "http://127.0.0.1:9/"),
        ("openai", "http://127.0.0.1:9/v1#m"),
    ):
        content = json.dumps({"kind": kind, "source": source, "tags": ["cv"]}).encode()
        file = read_predictor_file(content)
        with pytest.raises(TagifaiError, match=f"--allow-predictor '{kind}:{source}'"):
            open_predictor(file, LoadContext(folder=tmp_path, allowed=AllowedPredictors()))
    assert not (tmp_path / "ran").exists()
