import itertools
import json
import math

import numpy as np
import pytest
from predictor_servers import TAGS, Reply, answering, probability

from tagifai.errors import TagifaiError
from tagifai.models.adapters import load_predictor
from tagifai.models.adapters.loading import LoadContext
from tagifai.models.predictor import predict_checked
from tagifai.models.predictor_spec import AllowedPredictors, PredictorSpec
from tagifai.store.answer_store import AnswerStore

TEXTS = ["cv and nlp", "transformers", ""]
ROWS = [[probability(text, tag) for tag in TAGS] for text in TEXTS]
DECIDED = [[float(value > 0.5) for value in row] for row in ROWS]


def text_of(sent):
    return sent["messages"][-1]["content"]


def tokens_of(text):
    """Split an answer as a model would, true and false by themselves, with what else might come."""
    tokens = []
    for tag in TAGS:
        p = probability(text, tag)
        tokens.append((("{" if tag == TAGS[0] else ",") + f'"{tag}"', {}))
        tokens.append((":", {}))
        true, false = (" true", p), (" false", 1 - p)
        chosen, other = (true, false) if p > 0.5 else (false, true)
        likely = {chosen[0]: chosen[1] * 0.9, other[0]: other[1] * 0.9, ' "': 0.1}
        tokens.append((chosen[0], {token: math.log(share) for token, share in likely.items()}))
    return [*tokens, ("}", {})]


def completion(content, logprobs=None, usage=True, reason="stop", refusal=None):
    choice = {"index": 0, "finish_reason": reason}
    choice["message"] = {"role": "assistant", "content": content, "refusal": refusal}
    if logprobs is not None:
        choice["logprobs"] = logprobs
    counted = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    return Reply({"id": "", "object": "chat.completion", "choices": [choice],
                  **({"usage": counted} if usage else {})})  # fmt: skip


def newer(tokens):
    return {
        "content": [
            {
                "token": token,
                "logprob": others.get(token, 0.0),
                "bytes": None,
                "top_logprobs": [{"token": t, "logprob": p} for t, p in others.items()],
            }
            for token, others in tokens
        ]
    }


def older(tokens):
    return {
        "tokens": [token for token, _ in tokens],
        "token_logprobs": [others.get(token, 0.0) for token, others in tokens],
        "top_logprobs": [others or None for _, others in tokens],
    }


def modern(shape):
    """Answer as a server that knows all of the protocol."""

    def respond(path, sent):
        tokens = tokens_of(text_of(sent))
        content = "".join(token for token, _ in tokens)
        return completion(content, shape(tokens) if sent.get("logprobs") else None)

    return respond


def plain(path, sent):
    """Answer as a server that takes neither schemas nor logprobs."""
    for name in ("logprobs", "top_logprobs"):
        if name in sent:
            return Reply({"error": {"message": f"unknown field {name}"}}, 400)
    if "response_format" in sent:
        return Reply({"error": {"message": "unknown field response_format"}}, 422)
    tags = [tag for tag in TAGS if tag in text_of(sent)]
    return completion(f"```json\n{json.dumps({tag: tag in tags for tag in TAGS})}\n```")


def load(
    server, options=None, *, path="/v1", tags=TAGS, cache=None, environment=None, allowed=None
):
    source = f"{server.url}{path}#org/model"
    spec = PredictorSpec("openai", source, options={"backoff": 0.01, **(options or {})})
    allowed = AllowedPredictors.of([f"openai:{source}"] if allowed is None else allowed)
    context = LoadContext(allowed=allowed, tags=tags, cache=cache, environment=environment or {})
    return load_predictor(spec, context)


@pytest.mark.parametrize("shape", [newer, older])
def test_probabilities_come_from_logprobs(shape):
    with answering(modern(shape)) as server:
        predictor = load(server)
        found = predict_checked(predictor, TEXTS)
        np.testing.assert_allclose(found, ROWS, atol=1e-6)
        assert not predictor.decisions_only
        path, sent = server.asked[0]
        assert path == "/v1/chat/completions"
        assert (sent["model"], sent["temperature"]) == ("org/model", 0)
        assert sent["messages"][0]["content"].endswith("- cv\n- nlp\n- transformers")
        shown = sent["response_format"]["json_schema"]
        assert shown["strict"] is True
        assert shown["schema"]["required"] == list(TAGS)
        assert "Authorization" not in server.headers[0]


def test_a_server_that_takes_neither_schemas_nor_logprobs_decides():
    with answering(plain) as server:
        predictor = load(server, {"concurrency": 1})
        assert predict_checked(predictor, TEXTS).tolist() == DECIDED
        assert predictor.decisions_only
        assert "probabilities are 0 or 1" in predictor.warnings[0]
        before = len(server.asked)
        predict_checked(predictor, ["another"])
        assert len(server.asked) == before + 1  # what it does not take is not tried again


def complaining(refuse, knows=newer):
    """Answer as a server that refuses requests with some field, and says which."""

    def respond(path, sent):
        for name in refuse:
            if name in sent or name == sent.get("response_format", {}).get("type"):
                return Reply({"error": {"message": f"Unsupported parameter: '{name}'"}}, 400)
        return modern(knows)(path, sent)

    return respond


@pytest.mark.parametrize(
    ("refuse", "expected", "requests"),
    [
        (["max_tokens", "temperature"], ROWS, 3),
        (["json_schema"], ROWS, 2),
        (["json_schema", "json_object"], ROWS, 3),
        (["logprobs"], DECIDED, 2),
    ],
)
def test_only_what_a_server_refuses_is_given_up(refuse, expected, requests):
    with answering(complaining(refuse)) as server:
        predictor = load(server, {"concurrency": 1})
        for i, row in enumerate(expected):
            np.testing.assert_allclose(predict_checked(predictor, [TEXTS[i]])[0], row, atol=1e-6)
        assert len(server.asked) == requests + 2


def test_one_text_that_is_refused_takes_nothing_from_the_others():
    def respond(path, sent):
        if len(text_of(sent)) > 1000:
            return Reply({"error": {"message": "maximum context length exceeded"}}, 400)
        return modern(newer)(path, sent)

    with answering(respond) as server:
        predictor = load(server, {"concurrency": 1})
        with pytest.raises(TagifaiError, match=r"400: .*maximum context length exceeded"):
            predict_checked(predictor, ["x" * 2000])
        np.testing.assert_allclose(predict_checked(predictor, TEXTS), ROWS, atol=1e-6)
        short = load(server, {"max_characters": 900})
        assert predict_checked(short, ["cv" + "x" * 2000])[0, 0] > 0.5


def test_a_schema_without_logprobs():
    with answering(modern(newer)) as server:
        predictor = load(server, {"logprobs": False})
        assert predict_checked(predictor, TEXTS).tolist() == DECIDED
        assert all("logprobs" not in sent for _, sent in server.asked)


@pytest.mark.parametrize(
    ("answers", "expected", "asked"),
    [
        (['{"cv": true, "nlp": false, "transformers": false}'], [1, 0, 0], 1),
        (["I think cv.", '{"cv": false, "nlp": true, "transformers": false}'], [0, 1, 0], 2),
        (['{"cv": true}', "{", '["nlp"]'], [0, 1, 0], 3),
        (["", "", "- CV\n- transformers\n"], [1, 0, 1], 3),
        (["", "", "[]"], [0, 0, 0], 3),
        (
            [
                [
                    {"type": "text", "text": '{"cv": true, "nlp": false,'},
                    {"type": "text", "text": ' "transformers": true}'},
                ]
            ],
            [1, 0, 1],
            1,
        ),
        (["", "", '{"tags": ["cv"]}'], [1, 0, 0], 3),
        (['{"cv": "yes"}', '{"cv": 1, "nlp": 0, "transformers": 0}', "cv, nlp"], [1, 1, 0], 3),
    ],
)
def test_an_answer_that_is_no_such_json_is_asked_for_again_then_as_a_list(answers, expected, asked):
    turns = itertools.chain(answers)
    with answering(lambda path, sent: completion(next(turns))) as server:
        assert predict_checked(load(server), ["a"]).tolist() == [expected]
        assert len(server.asked) == asked


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (completion(" \n" * 5000), r"neither an object .* nor a list of tags was answered"),
        (completion('["cv", "image"]'), "neither an object"),
        (completion(None), "neither an object"),
        (completion(None, refusal="I can't\nhelp."), r"times: '' \(it refused: I can't help\.\)"),
        (completion('{"cv": tr', reason="length"), r"cut off at its length: the option max_tokens"),
        (completion("", reason="content_filter"), "stopped by the endpoint's content filter"),
        (Reply({"choices": []}), "no choices were answered"),
        (Reply({"error": {"message": "model not found"}}, 404), "404: .*model not found"),
        (Reply({"error": {"message": "bad key"}}, 401), "401: .*is a key missing"),
        (Reply({"choices": [{"text": "cv"}]}), "not an answer of this protocol"),
        (Reply(b"<html>"), "the answer is no JSON"),
        (Reply(b"", 429), "429: nothing more; tried 2 times"),
        (Reply(b"x" * 40_000_000), "more than the 33,554,432 bytes"),
    ],
)
def test_what_is_wrong_is_one_clear_line(reply, message):
    with answering(lambda path, sent: reply) as server:
        predictor = load(server, {"retries": 1})
        with pytest.raises(TagifaiError, match=message) as told:
            predict_checked(predictor, ["a"])
        assert f"openai:{server.url}/v1#org/model" in str(told.value)
        assert len(str(told.value)) < 500


def test_tokens_cost_and_latency_are_counted():
    with answering(modern(newer)) as server:
        predictor = load(server, {"price_in": 2.0, "price_out": 10.0}, cache=AnswerStore(None))
        predict_checked(predictor, TEXTS)
        usage = predictor.usage
        assert (usage.requests, usage.cached) == (3, 0)
        assert (usage.prompt_tokens, usage.completion_tokens) == (300, 30)
        assert usage.cost == pytest.approx((300 * 2 + 30 * 10) / 1e6)
        assert 0 < usage.latency <= usage.seconds
    with answering(lambda path, sent: completion("[]", usage=False)) as server:
        predictor = load(server)
        predict_checked(predictor, ["a"])
        assert predictor.usage.prompt_tokens == 0


def test_the_same_text_is_paid_for_once(tmp_path):
    file = tmp_path / "cache/answers.sqlite"
    with answering(modern(newer)) as server:
        first = predict_checked(load(server, cache=AnswerStore(file)), TEXTS)
        cache = AnswerStore(file)
        again = load(server, cache=cache)
        assert predict_checked(again, [*TEXTS, "new"])[:3].tolist() == first.tolist()
        assert len(server.asked) == 4
        assert (again.usage.requests, again.usage.cached) == (1, 3)
        assert again.usage.prompt_tokens == 100  # of what was asked, not of what was known
        # Another question is another answer: other tags, another prompt.
        predict_checked(load(server, {"prompt": "Tag it. {tags}"}, cache=cache), TEXTS[:1])
        assert len(server.asked) == 5
        # A key opens the endpoint, and changes no answer.
        environment = {"OPENAI_API_KEY": "sk-secret"}
        predict_checked(load(server, cache=cache, environment=environment), TEXTS)
        assert len(server.asked) == 5
        cache.close()
        content = file.read_bytes()
        assert file.stat().st_mode & 0o077 == 0
        assert b"sk-secret" not in content
        assert b"cv and nlp" not in content


@pytest.mark.parametrize("damage", [[], [2, 0, 0, 0], [1, 0, 0], [math.nan, 0, 0, 0], [0.5] * 9])
def test_a_damaged_answer_is_asked_again(damage):
    class Damaged(AnswerStore):
        def get(self, key, max_age=None):
            return damage

    with answering(modern(newer)) as server:
        found = predict_checked(load(server, cache=Damaged(None)), TEXTS)
        np.testing.assert_allclose(found, ROWS, atol=1e-6)
        assert len(server.asked) == 3


def test_decisions_that_were_kept_are_still_decisions():
    cache = AnswerStore(None)
    with answering(plain) as server:
        predict_checked(load(server, cache=cache), TEXTS)
        asked = len(server.asked)
        again = load(server, cache=cache)
        assert predict_checked(again, TEXTS).tolist() == DECIDED
        assert again.decisions_only
        assert len(server.asked) == asked


def test_the_key_comes_from_the_environment_and_is_never_shown():
    with answering(modern(newer)) as server:
        environment = {"OPENAI_API_KEY": "sk-secret", "TAGIFAI_KEY_B": "other", "HOME": "x"}
        predict_checked(load(server, environment=environment), ["a"])
        predict_checked(load(server, {"key": "TAGIFAI_KEY_B"}, environment=environment), ["a"])
        sent = [headers["Authorization"] for headers in server.headers]
        assert sent == ["Bearer sk-secret", "Bearer other"]
        with pytest.raises(TagifaiError, match=r"keys come from the variables OPENAI_API_KEY, TAG"):
            load(server, {"key": "HOME"}, environment=environment)
    with answering(lambda path, sent: Reply({"error": "no"}, 403)) as server:
        predictor = load(server, environment=environment)
        with pytest.raises(TagifaiError) as told:
            predict_checked(predictor, ["a"])
        assert "sk-secret" not in str(told.value) + repr(predictor.endpoint)


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("", "/chat/completions"),
        ("/v1/", "/v1/chat/completions"),
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/deployments/m?api-version=1", "/deployments/m/chat/completions?api-version=1"),
    ],
)
def test_addresses_of_endpoints(path, asked):
    with answering(modern(newer)) as server:
        options = {"key_header": "api-key"}
        predictor = load(server, options, path=path, environment={"OPENAI_API_KEY": "abc"})
        predict_checked(predictor, ["a"])
        assert server.asked[0][0] == asked
        assert server.headers[0]["api-key"] == "abc"
        with pytest.raises(TagifaiError, match="the header 'Host' cannot be set"):
            load(server, {"key_header": "Host"})


def test_a_file_may_not_ask_for_another_model_or_more_answers():
    with answering(modern(newer)) as server:
        for extra in ({"model": "dearer"}, {"n": 100}, {"messages": []}, {"tools": []}):
            with pytest.raises(TagifaiError, match=f"extra may not set {next(iter(extra))}"):
                load(server, {"extra": extra})
        predict_checked(load(server, {"extra": {"seed": 1}}), ["a"])
        assert server.asked[0][1]["seed"] == 1


def test_no_one_is_asked_without_tags_or_permission():
    with answering(modern(newer)) as server:
        with pytest.raises(TagifaiError, match="knows no names of tags"):
            load(server, tags=())
        with pytest.raises(TagifaiError, match="--allow-predictor 'openai:"):
            load(server, allowed=[f"openai:{server.url}/v1#other"])
        assert server.asked == []


def test_several_texts_are_asked_about_at_once():
    with answering(modern(newer)) as server:
        texts = [f"text {i}" for i in range(12)]
        predictor = load(server, {"concurrency": 3})
        assert predict_checked(predictor, texts).shape == (12, 3)
        assert sorted(text_of(sent) for _, sent in server.asked) == sorted(texts)
        assert server.most_at_once <= 3
