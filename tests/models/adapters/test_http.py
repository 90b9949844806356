import itertools
import json
import threading
import time

import pytest
from predictor_servers import TAGS, Reply, answering, probability, rows

from tagifai.errors import TagifaiError
from tagifai.models.adapters import load_predictor
from tagifai.models.adapters.loading import LoadContext
from tagifai.models.predictor import CheckedPredictor, predict_checked
from tagifai.models.predictor_spec import AllowedPredictors, PredictorSpec
from tagifai.store.answer_store import AnswerStore

TEXTS = ["cv and nlp", "transformers", "", "日本 cv"]
FAST = {"backoff": 0.01, "timeout": 5.0}


def load(url, options=None, *, tags=(), allowed=None, **more):
    spec = PredictorSpec("http", url, options={**FAST, **(options or {})})
    context = LoadContext(
        allowed=AllowedPredictors.of([f"http:{url}"] if allowed is None else allowed),
        tags=tags,
        **more,
    )
    return load_predictor(spec, context)


def good(path, sent):
    return Reply({"tags": TAGS, "probabilities": rows(sent["texts"])})


def test_a_server_tags_texts_and_names_its_columns():
    with answering(good) as server:
        predictor = load(f"{server.url}/tag?v=1", {"batch_size": 3})
        assert predictor.tags == TAGS
        assert predict_checked(predictor, TEXTS).tolist() == rows(TEXTS)
        assert {path for path, _ in server.asked} == {"/tag?v=1"}
        first, *sent = [sent["texts"] for _, sent in server.asked]
        assert first == ["text"]
        assert sorted(sent, key=len) == [TEXTS[3:], TEXTS[:3]]
        assert server.headers[0]["Content-Type"] == "application/json"
        assert server.headers[0]["Host"] == server.url.removeprefix("http://")
        assert "Authorization" not in server.headers[0]


def labelled(text):
    return [{"label": tag, "score": probability(text, tag)} for tag in reversed(TAGS)]


SHAPES = [
    ({}, lambda sent: {"probabilities": rows(sent["texts"])}),
    (
        {"probabilities_field": "", "texts_field": "inputs"},
        lambda sent: [labelled(text) for text in sent["inputs"]],
    ),
    (
        {"texts_field": "data.items", "probabilities_field": "result.0.scores"},
        lambda sent: {"result": [{"scores": rows(sent["data"]["items"])}]},
    ),
    (
        {"texts_field": "", "probabilities_field": ""},
        lambda sent: [{tag: probability(text, tag) for tag in TAGS} for text in sent],
    ),
    (
        {"one_text": True, "texts_field": "text", "probabilities_field": "scores"},
        lambda sent: {"scores": rows([sent["text"]])[0], "tags": list(TAGS)},
    ),
    (
        {"one_text": True, "texts_field": "text", "probabilities_field": ""},
        lambda sent: [labelled(sent["text"])],
    ),
    (
        {"one_text": True, "texts_field": "text", "probabilities_field": ""},
        lambda sent: labelled(sent["text"]),
    ),
    (
        {"extra": {"model": "m", "data": {"k": 1}}, "texts_field": "data.texts"},
        lambda sent: {"probabilities": rows(sent["data"]["texts"])[:: sent["data"]["k"]]},
    ),
]


@pytest.mark.parametrize(("options", "answer"), SHAPES)
def test_answers_of_other_shapes(options, answer):
    with answering(lambda path, sent: Reply(answer(sent))) as server:
        predictor = load(server.url, options, tags=TAGS)
        assert predict_checked(predictor, TEXTS).tolist() == rows(TEXTS)


@pytest.mark.parametrize("options", [SHAPES[1][0], SHAPES[5][0], SHAPES[6][0]])
def test_names_of_tags_are_asked_for_where_nobody_gave_them(options):
    answer = next(answer for known, answer in SHAPES if known == options)
    with answering(lambda path, sent: Reply(answer(sent))) as server:
        assert load(server.url, options).tags == TAGS[::-1]


def test_tags_that_are_left_out_are_an_error_or_zero():
    def some(path, sent):
        return Reply({"probabilities": [{"cv": 0.5}, {"nlp": 0.25}]})

    with answering(some) as server:
        with pytest.raises(TagifaiError, match="no probability of 'nlp'; where what is left out"):
            predict_checked(load(server.url, tags=TAGS), ["a", "b"])
        found = predict_checked(load(server.url, {"missing": "zero"}, tags=TAGS), ["a", "b"])
        assert found.tolist() == [[0.5, 0, 0], [0, 0.25, 0]]


def test_names_that_are_not_the_tags_can_be_mapped():
    def numbered(path, sent):
        return Reply({"probabilities": [{"LABEL_0": 0.5, "LABEL_1": 0.25} for _ in sent["texts"]]})

    with answering(numbered) as server:
        predictor = load(server.url, tag_map={"LABEL_0": "cv", "LABEL_1": "nlp"})
        assert predictor.tags == ("cv", "nlp")
        assert predict_checked(predictor, ["a"]).tolist() == [[0.5, 0.25]]


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply({"probabilities": [[0.5, 0.5]]}), "a row of 2 numbers for 3 tags"),
        (Reply({"probabilities": []}), "1 text sent, 0 rows answered"),
        (Reply({"probabilities": [[0.5] * 3] * 2}), "1 text sent, 2 rows answered"),
        (Reply({"probabilities": [["a", 0, 0]]}), "a row of numbers is needed, got"),
        (Reply({"probabilities": [None]}), "a row of numbers is needed, got None"),
        (Reply({"probabilities": 3}), "a row for each text is needed, got 3"),
        (Reply({"scores": []}), "the answer has no 'probabilities'"),
        (Reply({"probabilities": [[2.5, 0, 0]]}), "got 2.5; these look like logits"),
        (Reply({"probabilities": [{"cv": 1, "npl": 1}]}), "'npl': did you mean 'nlp'?"),
        (
            Reply({"tags": ["nlp", "cv", "image"], "probabilities": [[0, 0, 0]]}),
            r"the answer's tags are \['nlp', 'cv', 'image'\], and .* are expected",
        ),
        (
            Reply({"tags": ["cv", "cv", "nlp"], "probabilities": [[0, 0, 0]]}),
            r"the answer's tags are \['cv', 'cv', 'nlp'\], and .* are expected",
        ),
        (Reply(b'{"probabilities": [[NaN, 0, 0]]}'), "the answer is no JSON"),
        (Reply(b"<html>\x1b[31mgone</html>"), r"no JSON .*: <html>\?\[31mgone</html>"),
        (Reply(b"[" * 100_000), "the answer is no JSON"),
        (Reply({"error": "no such model"}, 404), '404: {"error": "no such model"}$'),
        (Reply(b"", 401), r"401: nothing more \(is a key missing from the environment"),
        (Reply(b"x" * 5_000_000), "more than the 1,000,000 bytes that are read"),
        (Reply(b"x" * 10, headers={"Content-Encoding": "gzip"}), r"the answer is packed \(gzip\)"),
        (Reply(b"", 302, {"Location": "http://169.254.169.254/"}), "redirects to .*another server"),
        (Reply(b"", 307, {"Location": "https://127.0.0.1/"}), "redirects to .*another server"),
        (Reply(b"", 308, {"Location": "/again"}), "redirects more than 3 times"),
        (Reply(b"", 308, {"Location": "http://[::1"}), "Invalid URL in location header"),
        (Reply(b"", 308, {"Location": "http://a:99999/"}), "redirects to .*another server"),
        (Reply(b"", 308, {"Location": "//127.0.0.1/"}), "redirects to .*another server"),
        (Reply(b"", 303, {"Location": "/"}), "the server answered 303"),
    ],
)
def test_bad_answers_are_one_clear_line(reply, message):
    with answering(lambda path, sent: reply) as server:
        predictor = load(server.url, {"max_bytes": 1_000_000}, tags=TAGS)
        with pytest.raises(TagifaiError, match=f"predictor http:{server.url}: .*{message}") as told:
            predict_checked(predictor, ["a"], name=f"http:{server.url}")
        assert str(told.value).isprintable()
        assert len(str(told.value)) < 500


def test_redirects_on_the_same_server_are_followed_with_the_texts():
    def moved(path, sent):
        return good(path, sent) if path == "/new/" else Reply(b"", 308, {"Location": "/new/"})

    with answering(moved) as server:
        assert predict_checked(load(f"{server.url}/old"), TEXTS).tolist() == rows(TEXTS)


@pytest.mark.parametrize("status", [429, 503])
def test_what_passes_is_tried_again(status):
    turns = itertools.count()

    def flaky(path, sent):
        return good(path, sent) if next(turns) % 3 == 2 else Reply(b"wait", status)

    with answering(flaky) as server:
        assert predict_checked(load(server.url, tags=TAGS), TEXTS).tolist() == rows(TEXTS)
        assert len(server.asked) == 3
        impatient = load(server.url, {"retries": 1}, tags=TAGS)
        with pytest.raises(TagifaiError, match=f"answered {status}: wait; tried 2 times"):
            predict_checked(impatient, TEXTS)


def test_the_server_says_how_long_to_wait():
    turns = itertools.count()

    def busy(path, sent):
        wait = Reply(b"", 429, {"Retry-After": "1"})
        return good(path, sent) if next(turns) else wait

    with answering(busy) as server:
        predict_checked(load(server.url, tags=TAGS), ["a"])
        first, second = server.times
        assert second - first >= 1


def test_a_slow_server_is_left_and_one_that_drips_too():
    for reply in (Reply({}, pause=30), Reply(b"x" * 100, pause=0.05, pieces=100)):
        with answering(lambda path, sent, reply=reply: reply) as server:
            predictor = load(server.url, {"timeout": 0.3, "retries": 0}, tags=TAGS)
            with pytest.raises(TagifaiError, match=r"no answer within 0\.3 seconds; tried once"):
                predict_checked(predictor, ["a"])


def test_a_server_that_is_gone():
    with answering(good) as server:
        url = server.url
    with pytest.raises(TagifaiError, match=r"cannot be reached \(.*\); tried 4 times"):
        predict_checked(load(url, tags=TAGS), ["a"])
    with pytest.raises(TagifaiError, match="no such host"):
        predict_checked(load("https://nowhere.invalid/", {"retries": 0}, tags=TAGS), ["a"])


def test_requests_keep_to_a_rate():
    with answering(good) as server:
        options = {"requests_per_second": 20, "batch_size": 1}
        predictor = load(server.url, options, tags=TAGS)
        started = time.monotonic()
        predict_checked(predictor, ["a"] * 5)
        assert time.monotonic() - started >= 4 / 20
        assert len(server.asked) == 5


def test_no_key_is_read_but_those_meant_for_predictors():
    with answering(good) as server:
        environment = {"TAGIFAI_KEY_TAGGER": "Bearer abc", "AWS_SECRET_ACCESS_KEY": "x"}
        options = {"headers_from": {"Authorization": "TAGIFAI_KEY_TAGGER"}}
        predictor = load(server.url, options, tags=TAGS, environment=environment)
        predict_checked(predictor, ["a"])
        assert server.headers[-1]["Authorization"] == "Bearer abc"
        assert "abc" not in repr(predictor.endpoint)
        for variable, message in (
            ("AWS_SECRET_ACCESS_KEY", "keys come from the variables TAGIFAI_KEY_"),
            ("TAGIFAI_KEY_NONE", "the variable TAGIFAI_KEY_NONE .* is not set"),
        ):
            options = {"headers_from": {"X": variable}}
            with pytest.raises(TagifaiError, match=message):
                load(server.url, options, tags=TAGS, environment=environment)
        environment = {"TAGIFAI_KEY_TAGGER": "a\r\nX: y"}
        with pytest.raises(TagifaiError, match="plain ASCII"):
            load(
                server.url,
                {"headers_from": {"X": "TAGIFAI_KEY_TAGGER"}},
                tags=TAGS,
                environment=environment,
            )
    with pytest.raises(TagifaiError, match="a key is only sent over https"):
        load(
            "http://8.8.8.8/",
            {"headers_from": {"X": "TAGIFAI_KEY_TAGGER"}},
            tags=TAGS,
            environment={"TAGIFAI_KEY_TAGGER": "abc"},
        )


def test_nobody_is_asked_who_was_not_allowed():
    with answering(good) as server:
        for allowed in ([], [f"http:{server.url}/other"], [f"openai:{server.url}#m"]):
            with pytest.raises(TagifaiError, match=r"sends texts to a server, .*--allow-predictor"):
                load(server.url, allowed=allowed)
        assert server.asked == []


def test_a_text_that_is_half_a_pair_of_surrogates():
    with answering(good) as server:
        predict_checked(load(server.url, tags=TAGS), ["a\ud800"])
        assert server.asked[0][1]["texts"] == ["a?"]


@pytest.mark.parametrize("one_text", [True, False])
def test_as_many_requests_at_once_as_are_allowed(one_text):
    three = threading.Barrier(3, timeout=60)

    def slow(path, sent):
        three.wait()  # for the others
        texts = [sent["texts"]] if one_text else sent["texts"]
        return Reply({"probabilities": rows(texts)})

    with answering(slow) as server:
        options = {"concurrency": 3, "batch_size": 2, "one_text": one_text}
        predictor = load(server.url, options, tags=TAGS)
        texts = [f"{tag} {i}" for i in range(4) for tag in TAGS]
        assert predict_checked(predictor, texts).tolist() == rows(texts)
        assert len(server.asked) == (12 if one_text else 6)
        assert server.most_at_once == 3


def test_a_call_may_take_as_long_as_all_its_tries():
    options = {"timeout": 100, "retries": 2, "requests_per_second": 0.5}
    with answering(good) as server:
        predictor = load(server.url, options, tags=TAGS)
        assert CheckedPredictor(predictor).timeout == 3 * 102 + 2 * 60
        assert CheckedPredictor(predictor, timeout=5).timeout == 5
        assert CheckedPredictor(load(server.url, {"retries": 0}, tags=TAGS)).timeout == 120


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "a b", "X:", ""])
def test_headers_that_would_change_the_request(name):
    with pytest.raises(TagifaiError, match="cannot be set"):
        load("http://127.0.0.1:9/", {"headers_from": {name: "TAGIFAI_KEY_X"}}, tags=TAGS)


def test_options_are_what_a_file_may_hold():
    content = {"batch_size": 4, "headers_from": {"X": "TAGIFAI_KEY_X"}, "missing": "zero"}
    assert json.loads(json.dumps(content)) == content
    for options, message in (
        ({"missing": "one"}, "matching regex"),
        ({"timeout": 0}, "> 0"),
        ({"timeout": "5"}, "Expected `float`"),
        ({"headers": {"Authorization": "x"}}, "unknown option of http 'headers'"),
    ):
        with pytest.raises(TagifaiError, match=message):
            load("http://127.0.0.1:9/", options, tags=TAGS)


def test_columns_in_another_order_are_told_by_their_names():
    turns = itertools.count()

    def respond(path, sent):
        order = TAGS if next(turns) % 2 == 0 else TAGS[::-1]
        found = [[probability(text, tag) for tag in order] for text in sent["texts"]]
        return Reply({"tags": order, "probabilities": found})

    with answering(respond) as server:
        predictor = load(server.url)
        for text in ("cv", "transformers", "nlp and cv"):
            assert predict_checked(predictor, [text]).tolist() == rows([text])


def test_answers_are_kept_for_some_hours(tmp_path):
    file = tmp_path / "answers.sqlite"
    texts = [f"text {i} about {tag}" for i, tag in enumerate(TAGS)]
    with answering(lambda path, sent: Reply({"probabilities": rows(sent["texts"])})) as server:

        def ask(texts, **options):
            found = load(server.url, options, tags=TAGS, cache=AnswerStore(file))
            assert predict_checked(found, texts).tolist() == rows(texts)
            return found.usage

        assert (ask(texts).requests, ask(texts).requests) == (1, 0)
        usage = ask([*texts, "new"])
        assert (usage.requests, usage.cached) == (1, 3)
        assert server.asked[-1][1]["texts"] == ["new"]
        # Another question, another answer; and one may ask every time.
        assert ask(texts, extra={"threshold": 0.5}).requests == 1
        assert ask(texts, keep_hours=0).requests == 1
        assert ask(texts, keep_hours=1e-9).requests == 1
        assert ask(texts).requests == 0


def test_what_is_no_probability_is_not_kept():
    cache = AnswerStore(None)
    values = [2.5, 0.5]
    with answering(lambda path, sent: Reply({"probabilities": [[values[0]] * 3]})) as server:
        with pytest.raises(TagifaiError, match="look like logits"):
            predict_checked(load(server.url, tags=TAGS, cache=cache), ["a"])
        values.pop(0)
        assert predict_checked(load(server.url, tags=TAGS, cache=cache), ["a"])[0, 0] == 0.5
