import pytest

from tagifai.errors import TagifaiError
from tagifai.models.predictor_spec import (
    KINDS,
    AllowedPredictors,
    PredictorSpec,
    parse_predictor,
)


@pytest.mark.parametrize(
    ("text", "kind", "source", "revision"),
    [
        ("sklearn:model.skops", "sklearn", "model.skops", ""),
        (" sklearn:a b/C:x.skops ", "sklearn", "a b/C:x.skops", ""),
        ("transformers:bert", "transformers", "bert", ""),
        ("transformers:org/name@v1.0", "transformers", "org/name", "v1.0"),
        ("setfit:org/name@0123abc", "setfit", "org/name", "0123abc"),
        ("onnx:models/x@2", "onnx", "models/x@2", ""),
        ("http:https://a.example/x?y=1", "http", "https://a.example/x?y=1", ""),
        ("http://127.0.0.1:8000/x", "http", "http://127.0.0.1:8000/x", ""),
        ("openai:https://a.example/v1#org/m:7b@x", "openai", "https://a.example/v1#org/m:7b@x", ""),
        ("python:a.b:c.d", "python", "a.b:c.d", ""),
    ],
)
def test_kind_and_source(text, kind, source, revision):
    assert parse_predictor(text) == PredictorSpec(kind, source, revision)


def test_a_folder_with_an_at_sign_is_no_revision(tmp_path):
    folder = tmp_path / "model@v1"
    folder.mkdir()
    assert parse_predictor(f"transformers:{folder}").source == str(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model.skops", "KIND:SOURCE is needed, as in sklearn:model.skops; kinds: own, sklearn"),
        ("", "KIND:SOURCE is needed"),
        ("sklern:m.skops", "unknown kind of predictor 'sklern': did you mean 'sklearn'?"),
        ("sklearn:", "sklearn:FILE.skops is needed, got ''"),
        ("sklearn:a\x00b", "sklearn:FILE.skops is needed"),
        ("onnx://host/share", "a path on another machine"),
        ("onnx:\\\\host\\share", "a path on another machine"),
        ("http:tags.example/x", "an address with http:// or https:// is needed"),
        ("http:ftp://tags.example", "an address with http:// or https:// is needed"),
        ("http:http://", "an address with http:// or https:// is needed"),
        ("http:http://a.example:99999/", "not an address"),
        ("http:http://user:pass@a.example/", "keys come from the environment"),
        ("http:http://a.example/?api_key=1", r"no key in an address \('api_key'\)"),
        ("http:http://a.example/a/%2e%2e/b", "has no .."),
        ("http:http://a.example/#x", "has no #"),
        ("http:http://bücher.example/", "the host 'bücher.example' is needed in ASCII"),
        ("openai:https://a.example/v1", "openai:URL#MODEL is needed"),
        ("openai:https://a.example/v1#", "openai:URL#MODEL is needed"),
        ("python:module", "python:MODULE:NAME is needed"),
        ("python:os;x:y", "python:MODULE:NAME is needed"),
        ("transformers:./folder@v1", "a revision belongs to a name on the Hub"),
    ],
)
def test_other_forms_are_refused(text, message):
    with pytest.raises(TagifaiError, match=message):
        parse_predictor(text)


def test_what_runs_code_or_asks_a_server_has_to_be_allowed():
    nothing = AllowedPredictors()
    for kind in set(KINDS) - {"python", "http", "openai"}:
        nothing.check(PredictorSpec(kind, "x"))
    for text in ("python:a:b", "http:https://a.example/x", "openai:https://a.example/v1#m"):
        with pytest.raises(TagifaiError, match=f"--allow-predictor '{text}'"):
            nothing.check(parse_predictor(text))
        AllowedPredictors.of([text]).check(parse_predictor(text))


@pytest.mark.parametrize(
    ("allowed", "asked", "permitted"),
    [
        ("python:a:b", "python:a:c", False),
        ("http:https://a.example/x", "http:https://A.example:443/x", True),
        ("http:https://a.example/x", "http:https://a.example/x/y", True),
        ("http:https://a.example/x", "http:https://a.example/xy", False),
        ("http:https://a.example/x", "http:http://a.example/x", False),
        ("http:https://a.example/x", "http:https://a.example:444/x", False),
        ("http:https://a.example/x", "http:https://b.a.example/x", False),
        ("http:https://a.example/x", "http:https://a.example.evil/x", False),
        ("http:https://a.example", "http:https://a.example/any", True),
        ("openai:https://a.example/v1#m", "openai:https://a.example/v1#n", False),
        ("openai:https://a.example/v1", "openai:https://a.example/v1#n", True),
        ("http:https://a.example/v1", "openai:https://a.example/v1#n", False),
        ("private:a.example", "http:https://a.example/v1", False),
    ],
)
def test_what_is_allowed_covers_no_more_than_it_says(allowed, asked, permitted):
    assert AllowedPredictors.of([allowed]).permits(parse_predictor(asked)) is permitted


def test_private_hosts_are_those_named_as_such():
    allowed = AllowedPredictors.of(
        ["http:http://localhost:1/x", "openai:http://[::1]:1/v1", "private:Tags.corp.",
         "http:https://tags.example/", "http:http://8.8.8.8/"]
    )  # fmt: skip
    assert allowed.private_hosts == {"localhost", "::1", "tags.corp"}
    assert allowed.types == frozenset()
    types = AllowedPredictors.of(["type:sklearn.tree._tree.Tree"]).types
    assert types == {"sklearn.tree._tree.Tree"}
    ports = AllowedPredictors.of(["private:[FD00::1]", "private:10.0.0.1", "private:tags_1"])
    assert ports.private_hosts == {"fd00::1", "10.0.0.1", "tags_1"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("type:a b", "the full name of a type is needed"),
        ("type:Tree", "the full name of a type is needed, as in sklearn"),
        ("type:", "the full name of a type is needed"),
        ("private:http://a/", "the name of a host is needed"),
        ("private:", "the name of a host is needed"),
        ("private:tags.corp:8000", "the name of a host is needed, without a port"),
        ("private:a..b", "the name of a host is needed"),
        ("pyton:a:b", "unknown kind of predictor 'pyton': did you mean 'python'?"),
        ("python:tagger.py", "python:MODULE:NAME is needed"),
        ("model.skops", "KIND:SOURCE is needed"),
        ("", "KIND:SOURCE is needed"),
        ("openai:api.example", "an address with http:// or https:// is needed"),
        ("http:https://a.example/?api_key=x", "no key in an address"),
    ],
)
def test_what_allows_nothing_is_refused(text, message):
    with pytest.raises(TagifaiError, match=message) as told:
        AllowedPredictors.of(["python:a:b", text])
    assert str(told.value).startswith("--allow-predictor or TAGIFAI_ALLOW_PREDICTOR: ")


def test_a_folder_is_allowed_wherever_the_app_is_started(tmp_path, monkeypatch):
    (tmp_path / "my-model").mkdir()
    monkeypatch.chdir(tmp_path)
    allowed = AllowedPredictors.of(["setfit:my-model", "setfit:org/name@v1"])
    assert allowed.permits(PredictorSpec("setfit", str(tmp_path / "my-model")))
    assert allowed.permits(PredictorSpec("setfit", "org/name", "v1"))
    assert not allowed.permits(PredictorSpec("setfit", str(tmp_path / "other")))


@pytest.mark.parametrize("source", ["x" * 1500, "~nobody-of-this-name/model", "~/none"])
def test_no_path_is_too_strange_to_be_allowed(source):
    allowed = AllowedPredictors.of([f"spacy:{source}", f"setfit:{source}"])
    assert allowed.permits(parse_predictor(f"setfit:{source}"))
