import json

import pytest

from tagifai.errors import TagifaiError
from tagifai.models.predictor_file import PredictorFile, dump_predictor_file, read_predictor_file
from tagifai.models.predictor_spec import PredictorSpec

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
