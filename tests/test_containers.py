"""What can be known of the image and of compose.yaml without an engine; `just fresh` runs more."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dockerfile import command, environment, stages, values
from servers import ROOT

from tagifai.cli.parser import build_parser
from tagifai.settings import describe_settings

BUILD, IMAGE = stages()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
HADOLINT = Path(sys.executable).with_name("hadolint")


def test_the_base_is_pinned_and_of_the_python_that_is_asked_for():
    bases = {words.split()[0] for stage in (BUILD, IMAGE) for words in values(stage, "FROM")}
    (base,) = bases
    version = re.fullmatch(r"python:(\d+\.\d+)\.\d+-slim-\w+", base)
    assert version
    assert f'requires-python = ">={version[1]}"' in (ROOT / "pyproject.toml").read_text()


def test_nobody_runs_it_as_root_and_no_tool_to_build_is_left():
    assert values(IMAGE, "USER") == ["1000"]
    assert [name for name, _ in IMAGE].index("USER") < [name for name, _ in IMAGE].index("CMD")
    installed = " ".join(words for stage in (BUILD, IMAGE) for words in values(stage, "RUN"))
    assert "apt-get" not in installed
    assert "--only-binary :all:" in installed
    assert "pip uninstall --yes pip setuptools wheel" in " ".join(values(IMAGE, "RUN"))


def test_its_health_is_asked_where_it_is_told():
    assert "/health" in command(IMAGE, "HEALTHCHECK")[-1]
    assert values(IMAGE, "EXPOSE") == [
        row["default"] for row in describe_settings() if row["flag"] == "--port"
    ]


def test_its_variables_are_settings_of_the_app():
    known = {row["variable"] for row in describe_settings()}
    given = {name for name in environment(IMAGE) if name.startswith("TAGIFAI_")}
    assert "TAGIFAI_HOST" in given
    assert given <= known


def test_what_is_copied_is_there_and_sent_along():
    sent = (ROOT / ".dockerignore").read_text().splitlines()
    for stage in (BUILD, IMAGE):
        for words in values(stage, "COPY"):
            *sources, _ = words.split()
            if sources[0].startswith("--from"):
                continue
            assert [name for name in sources if not (ROOT / name).exists()] == []
            assert [name for name in sources if f"!{name}" not in sent] == []


def test_two_services_of_one_image_share_data_and_models():
    services = COMPOSE["services"]
    assert {name: one["image"] for name, one in services.items()} == {
        "dashboard": "tagifai", "api": "tagifai"
    }  # fmt: skip
    for service in services.values():
        folders = dict(volume.split(":")[:2] for volume in service["volumes"])
        assert {"./data": "/app/data", "./model": "/app/model"}.items() <= folders.items()
        assert {"reviews", "cache"} <= set(folders)
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert set(COMPOSE["volumes"]) == {"reviews", "cache"}
    kept = environment(IMAGE)
    assert kept["TAGIFAI_CACHE_DIR"] == "/app/cache"
    assert kept["TAGIFAI_REVIEWS"].startswith("/app/reviews/")
    python, m, package, *words = services["api"]["command"]
    assert (python, m, package) == ("python", "-m", "tagifai")
    assert build_parser().parse_args(words).mcp is True


def test_a_linter_finds_nothing_in_the_dockerfile(tmp_path):
    def found(file):
        return subprocess.run([HADOLINT, file], capture_output=True, text=True, timeout=60)

    good = found(ROOT / "Dockerfile")
    assert (good.returncode, good.stdout) == (0, "")
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM python:latest\nRUN cd /tmp\n")
    assert "DL3007" in found(bad).stdout


def test_compose_reads_its_file():
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "compose", "version"], capture_output=True).returncode:
        pytest.skip("no docker compose on this machine")
    done = subprocess.run(
        [docker, "compose", "config", "--quiet"], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
