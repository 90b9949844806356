"""Settings of the app, from flags, then TAGIFAI_* variables, then defaults."""

import argparse
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar

from tagifai.errors import TagifaiError
from tagifai.hub import hub_name_of, is_on_hub
from tagifai.limits import (
    MAX_DOWNLOAD,
    MAX_FILE,
    MAX_PREDICTIONS,
    MAX_REVIEWS,
    MAX_UNPACKED,
    Limits,
)
from tagifai.spaces import EVERYWHERE, Space

REVIEWS_FILE = "reviews.sqlite"
LIMITS = ("max_file", "max_unpacked", "max_predictions", "max_reviews", "max_download")
POSITIVE = ("max_body", "max_upload", "max_text", "max_texts", "max_waiting", *LIMITS)
Value = TypeVar("Value")
Setting = bool | int | str | Path | tuple[str, ...]
_HOST = re.compile(r"\*|(\*\.)?[\w-]+(\.[\w-]+)*\.?|\[?[0-9a-fA-F:]+\]?")
_TOKEN = re.compile(r"[\w-]{16,200}", re.A)
TRUE, FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")


def _option(default: Value, help_text: str, example: str = "") -> Value:
    option: Value = field(default=default, metadata={"help": help_text, "example": example})
    return option


@dataclass(frozen=True)
class Settings:
    """The settings of the app; each field is a flag and a TAGIFAI_* variable."""

    data: Path = _option(
        Path("data"),
        "folder with projects.json (.jsonl, .csv, .parquet), tags.json, or hf:ORG/DATASET",
    )
    models: str = _option("model", "versions: a folder, git:PATH_OR_URL, mlflow:URI or hf:ORG/NAME")
    host: str = _option("127.0.0.1", "address to listen on; 0.0.0.0 for every interface")
    port: int = _option(7860, "port to listen on, 1 to 65535")
    allowed_host: tuple[str, ...] = _option(
        (),
        "a name by which browsers reach the app, as in tags.example.org or *.example.org; this "
        "machine's own need none; may be repeated (in the variable: spaces between)",
        "NAME",
    )
    trusted_proxy: tuple[str, ...] = _option(
        (),
        "address of a proxy that says whom it asks for (X-Forwarded-For), as in 127.0.0.1; may be "
        "repeated (in the variable: spaces between)",
        "ADDRESS",
    )
    token: str = _option(
        "", "token of the link that is printed, by which the owner is known; none: a new one"
    )
    no_token: bool = _option(False, "take whoever asks from this machine for the owner")
    share: bool = _option(False, "make a public link, open to whoever has it")
    cache_dir: Path = _option(
        Path(".cache/tagifai"), "folder of the cache: metrics, diffs, answers of predictors"
    )
    no_cache: bool = _option(False, "compute everything again, cache nothing on disk")
    root_path: str = _option("", "path under which a proxy serves the app, as in /tagifai")
    auth_file: str = _option(
        "", "users who may log in, made by `python -m tagifai users add NAME`; none: no login"
    )
    reviewers: str = _option(
        "", "users who may write reviews and slices, as in ann,ben; needed once others get in"
    )
    reviews: str = _option(
        "",
        "file of the reviews; none given: reviews.sqlite beside the data, for a dataset of the Hub "
        "reviews-ORG--DATASET.sqlite in the current folder",
    )
    max_body: int = _option(4, "MB that a request may have")
    max_upload: int = _option(20, "MB that an uploaded file may have")
    max_text: int = _option(20_000, "characters of a text to predict")
    max_texts: int = _option(10_000, "texts in one call of /predict")
    max_waiting: int = _option(20, "requests that may wait for one function; more are told to wait")
    max_file: int = _option(
        MAX_FILE, "MB that a file of a version may have, to be read and written"
    )
    max_unpacked: int = _option(
        MAX_UNPACKED, "MB that a version's model or predictions may have once unpacked"
    )
    max_predictions: int = _option(
        MAX_PREDICTIONS, "MB, unpacked, of a file of predictions to import; Parquet has no limit"
    )
    max_reviews: int = _option(MAX_REVIEWS, "MB of a file of reviews, to be read and written")
    max_download: int = _option(
        MAX_DOWNLOAD, "MB of all files that are downloaded for a dataset of the Hub"
    )
    trust_pickle: bool = _option(
        False,
        "load model.pkl where version.json records its SHA-256; a pickle can run any program",
    )
    allow_predictor: tuple[str, ...] = _option(
        (),
        "a predictor that may run code or ask a server, as in http:URL; private:HOST, a host at "
        "a private address; type:NAME, a type in a skops file; may be repeated (in the variable: "
        "spaces between)",
        "KIND:SOURCE",
    )
    reviews_repo: str = _option(
        "",
        "dataset on Hugging Face that keeps the reviews, as in ann/reviews; its token: HF_TOKEN",
    )
    mcp: bool = _option(False, "serve the endpoints over MCP too; needs the extra `mcp`")

    @property
    def cache_folder(self) -> Path | None:
        """Where results are cached; None where nothing is."""
        return None if self.no_cache else self.cache_dir

    @property
    def reviewer_names(self) -> frozenset[str]:
        """The names of the reviewers."""
        return frozenset(name.strip() for name in self.reviewers.split(",") if name.strip())

    @property
    def limits(self) -> Limits:
        """How large files may be."""
        return Limits.of(**{name: getattr(self, name) for name in LIMITS})

    @property
    def reviews_file(self) -> Path:
        """The file of the reviews."""
        return reviews_file(self.data, self.reviews)


def load_settings(
    arguments: Sequence[str] | None = None,
    environment: Mapping[str, str] | None = None,
    given: Mapping[str, object] | None = None,
) -> Settings:
    """Read settings: a flag wins over its variable, a variable over the default.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words of the command line; none by default.
    environment : mapping, optional
        Environment variables; `os.environ` by default.
    given : mapping, optional
        Arguments that a parser with `add_flags` has read already.

    Raises
    ------
    TagifaiError
        A variable of another type than its field, a number out of range, or settings that
        contradict each other.
    """
    environment = os.environ if environment is None else environment
    space = Space.of(environment)
    values: dict[str, Any] = {"host": EVERYWHERE} if space else {}
    for option in fields(Settings):
        text = environment.get(variable_of(option.name))
        if text is not None:
            values[option.name] = _read(variable_of(option.name), text, type(option.default))
    if given is None:
        given = vars(_parser().parse_args([] if arguments is None else arguments))
    names = {option.name for option in fields(Settings)}
    values |= {name: given[name] for name in names & given.keys() if given[name] is not None}
    values |= {name: tuple(some) for name, some in values.items() if isinstance(some, list)}
    settings = Settings(**values)
    if not 1 <= settings.port <= 65535:
        raise TagifaiError(f"port must be 1 to 65535, got {settings.port}")
    for name in POSITIVE:
        _check_positive(name, getattr(settings, name))
    _check_visitors(settings)
    if settings.mcp and settings.auth_file:
        raise TagifaiError(
            "--mcp answers whoever asks, without a login, so it does not go with --auth-file; "
            "`python -m tagifai serve-api --mcp` serves it by itself, on another port"
        )
    if settings.reviewers and not (settings.auth_file or (space and space.login)):
        raise TagifaiError(
            "--reviewers names users, and nobody can log in: give --auth-file too "
            "(`python -m tagifai users add NAME` makes it)"
        )
    return settings


def load_limits(
    given: Mapping[str, object], environment: Mapping[str, str] | None = None
) -> Limits:
    """Read the settings that are limits of files, as `load_settings` does.

    Raises
    ------
    TagifaiError
        One is not a whole number of 1 or more.
    """
    environment = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    for option in fields(Settings):
        if option.name in LIMITS:
            text = environment.get(variable_of(option.name))
            read = option.default if text is None else _read(variable_of(option.name), text, int)
            chosen = given.get(option.name)
            values[option.name] = read if chosen is None else chosen
            _check_positive(option.name, values[option.name])
    return Limits.of(**values)


def load_allowed(
    given: Mapping[str, object], environment: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Read what `--allow-predictor` or its variable allows, as `load_settings` does."""
    environment = os.environ if environment is None else environment
    chosen = given.get("allow_predictor")
    if isinstance(chosen, list | tuple):
        return tuple(map(str, chosen))
    return tuple(environment.get(variable_of("allow_predictor"), "").split())


def load_cache_folder(
    given: Mapping[str, object], environment: Mapping[str, str] | None = None
) -> Path | None:
    """Read where results are cached, as `load_settings` does; None where nothing is.

    Raises
    ------
    TagifaiError
        The variable of `--no-cache` is neither true nor false.
    """
    environment = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    for name, default in (("cache_dir", Settings.cache_dir), ("no_cache", Settings.no_cache)):
        text = environment.get(variable_of(name))
        read = default if text is None else _read(variable_of(name), text, type(default))
        chosen = given.get(name)
        values[name] = read if chosen is None else chosen
    return Settings(**values).cache_folder


def _check_visitors(settings: Settings) -> None:
    """Check by what names and through whom visitors come, and how the owner is known."""
    for host in settings.allowed_host:
        if not _HOST.fullmatch(host):
            raise TagifaiError(
                f"--allowed-host needs a name or an address without a port, as in "
                f"tags.example.org, got {host!r}"
            )
    for address in settings.trusted_proxy:
        try:
            ip_network(address, strict=False)
        except ValueError:
            raise TagifaiError(
                f"--trusted-proxy needs an address, as in 127.0.0.1 or 10.0.0.0/8, got {address!r}"
            ) from None
    if settings.token and settings.no_token:
        raise TagifaiError("--token and --no-token contradict each other: give one of them")
    if settings.token and not _TOKEN.fullmatch(settings.token):
        raise TagifaiError(
            "--token needs 16 to 200 letters, digits, - or _, as `openssl rand -hex 16` prints"
        )


def _check_positive(name: str, value: int) -> None:
    if value < 1:
        raise TagifaiError(f"{flag_of(name)} must be 1 or more, got {value}")


def reviews_file(data: Path, given: str | Path = "") -> Path:
    """Return the file of a data folder's reviews: the one given, or one beside the data.

    Those of a dataset on the Hub lie in the current folder, one file for all its revisions: a
    cache may be emptied, reviews may not.

    >>> reviews_file(Path("data")).as_posix()
    'data/reviews.sqlite'
    >>> reviews_file(Path("hf:ann/tags@v1")).as_posix()
    'reviews-ann--tags.sqlite'
    """
    if str(given):
        return Path(given)
    if is_on_hub(data):
        return Path(f"reviews-{hub_name_of(data).file_stem}.sqlite")
    return data / REVIEWS_FILE


def variable_of(name: str) -> str:
    """Return the environment variable of a setting.

    >>> variable_of("cache_dir")
    'TAGIFAI_CACHE_DIR'
    """
    return f"TAGIFAI_{name.upper()}"


def flag_of(name: str) -> str:
    """Return the command-line flag of a setting.

    >>> flag_of("cache_dir")
    '--cache-dir'
    """
    return "--" + name.replace("_", "-")


def describe_settings() -> list[dict[str, str]]:
    """Return every setting as {flag, variable, default, help}, in the order of the class."""
    return [
        {
            "flag": flag_of(option.name),
            "variable": variable_of(option.name),
            "default": "" if option.default in (MISSING, ()) else str(option.default),
            "help": option.metadata["help"],
        }
        for option in fields(Settings)
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gradio_app.py",
        description="Look at a multi-label text classifier: data, versions, predictions, errors.",
    )
    add_flags(parser)
    return parser


def add_flags(parser: "argparse._ActionsContainer", names: Sequence[str] = ()) -> None:
    """Add a flag for each setting to a parser or a group of it; `names` chooses some of them.

    A flag that is not given reads as None.
    """
    for option in fields(Settings):
        if names and option.name not in names:
            continue
        kind = type(option.default)
        text = f"{option.metadata['help']} [{variable_of(option.name)}; default: {option.default}]"
        if kind is bool:
            parser.add_argument(flag_of(option.name), action="store_const", const=True, help=text)
        elif kind is tuple:
            metavar = option.metadata["example"]
            parser.add_argument(flag_of(option.name), action="append", metavar=metavar, help=text)
        else:
            parser.add_argument(
                flag_of(option.name),
                type=Path if isinstance(option.default, Path) else kind,
                default=None,
                metavar=option.name.upper(),
                help=text.replace("%", "%%"),
            )


def _read(variable: str, text: str, kind: type) -> Setting:
    if kind is bool:
        if text.lower() in TRUE + FALSE:
            return text.lower() in TRUE
        raise TagifaiError(
            f"{variable} must be one of {', '.join(TRUE + FALSE[:-1])}, got {text!r}"
        )
    if kind is tuple:
        return tuple(text.split())
    if kind is int:
        try:
            return int(text)
        except ValueError:
            raise TagifaiError(f"{variable} must be a whole number, got {text!r}") from None
    return Path(text) if issubclass(kind, Path) else text
