from pathlib import Path

import pytest

from tagifai.errors import TagifaiError
from tagifai.settings import Settings, describe_settings, load_settings


def test_a_flag_wins_over_its_variable_and_a_variable_over_the_default() -> None:
    environment = {"TAGIFAI_PORT": "8000", "TAGIFAI_DATA": "elsewhere", "TAGIFAI_SHARE": "yes"}
    assert load_settings([], {}) == Settings()
    assert load_settings(["--port", "9000"], environment) == Settings(
        data=Path("elsewhere"), port=9000, share=True
    )


def test_predictors_are_allowed_one_by_one() -> None:
    flags = ["--allow-predictor", "http:https://a.example/x", "--allow-predictor", "python:a:b"]
    given = ("http:https://a.example/x", "python:a:b")
    assert load_settings(flags, {}).allow_predictor == given
    variable = {"TAGIFAI_ALLOW_PREDICTOR": "  http:https://a.example/x python:a:b\n"}
    assert load_settings([], variable).allow_predictor == given
    assert load_settings(flags[:2], variable).allow_predictor == given[:1]
    assert load_settings([], {}).allow_predictor == ()


def test_the_cache_is_off_when_asked() -> None:
    assert load_settings(["--cache-dir", "x"], {}).cache_folder == Path("x")
    assert load_settings(["--no-cache"], {}).cache_folder is None


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"TAGIFAI_PORT": "http"}, "TAGIFAI_PORT must be a whole number, got 'http'"),
        ({"TAGIFAI_PORT": "70000"}, "port must be 1 to 65535, got 70000"),
        ({"TAGIFAI_SHARE": "maybe"}, "TAGIFAI_SHARE must be one of 1, true, .* got 'maybe'"),
    ],
)
def test_a_wrong_variable_is_named(environment: dict[str, str], message: str) -> None:
    with pytest.raises(TagifaiError, match=message):
        load_settings([], environment)


def test_every_setting_is_described() -> None:
    rows = describe_settings()
    assert rows[0]["flag"] == "--data"
    assert rows[0]["variable"] == "TAGIFAI_DATA"
    assert all(row["help"] for row in rows)


def test_an_unknown_flag_ends_with_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        load_settings(["--prot", "1"], {})
    assert caught.value.code == 2
    assert "--prot" in capsys.readouterr().err


def test_reviews_lie_beside_the_data_unless_told_otherwise() -> None:
    assert load_settings(["--data", "x"], {}).reviews_file == Path("x/reviews.sqlite")
    assert load_settings(["--reviews", "y.sqlite"], {}).reviews_file == Path("y.sqlite")


def test_reviewers_are_named_one_by_one_and_must_be_able_to_log_in() -> None:
    flags = ["--auth-file", "users.json", "--reviewers", "ann, ben,"]
    assert load_settings(flags, {}).reviewer_names == {"ann", "ben"}
    assert load_settings([], {}).reviewer_names == frozenset()
    with pytest.raises(TagifaiError, match="nobody can log in: give --auth-file"):
        load_settings(["--reviewers", "ann"], {})


def test_limits_are_numbers_of_1_or_more() -> None:
    assert load_settings(["--max-body", "1"], {"TAGIFAI_MAX_WAITING": "5"}) == Settings(
        max_body=1, max_waiting=5
    )
    with pytest.raises(TagifaiError, match="--max-upload must be 1 or more, got 0"):
        load_settings(["--max-upload", "0"], {})
