import re
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from wheels import PROJECT

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
DEPENDENCIES = PROJECT["project"]["dependencies"]
(GRADIO,) = [line for line in DEPENDENCIES if re.match(r"gradio\b", line)]
LOCKS = {
    "requirements.txt": (),
    "requirements.lock.txt": (),
    "requirements-mcp.txt": ("mcp",),
    "requirements-dev.txt": ("dev",),
    "requirements-bench.txt": ("dev",),
}


def front_matter() -> dict[str, str]:
    _, head, _ = README.split("---\n", 2)
    pairs = (line.split(": ", 1) for line in head.splitlines())
    return {name: value.strip('"') for name, value in pairs}


def pins(name: str) -> dict[str, set[str]]:
    """List the versions of each package of a lock; several where the Python decides."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / name).read_text("utf-8").splitlines():
        if line and line[0] not in " #":
            pin = re.match(r"([a-z0-9.-]+)==([\w.]+)(?= ;| \\|$)", line)
            assert pin, f"{name}: {line}"
            found.setdefault(pin[1], set()).add(pin[2])
    return found


def wanted(extras: tuple[str, ...]) -> list[Requirement]:
    """List what pyproject.toml asks for, extras of extras included."""
    lines = [*DEPENDENCIES]
    for extra in extras:
        for line in PROJECT["project"]["optional-dependencies"][extra]:
            own = re.fullmatch(r"tagifai\[(.*)\]", line)
            lines += [str(one) for one in wanted(tuple(own[1].split(",")))] if own else [line]
    return [Requirement(line) for line in lines]


def gradio_range() -> tuple[str, str]:
    oldest, newest = re.fullmatch(r"gradio>=([\d.]+),<=([\d.]+)", GRADIO).groups()
    return oldest, newest


def commands() -> list[str]:
    return re.findall(r"^python3 -m venv .*$", README, re.M)


def test_spaces_install_what_is_pinned():
    head = front_matter()
    assert head["sdk"] == "gradio"
    assert head["sdk_version"] == gradio_range()[1]
    assert pins("requirements.txt")["gradio"] == {head["sdk_version"]}
    assert (ROOT / head["app_file"]).is_file()
    assert (
        f'requires-python = ">={head["python_version"]}"' in (ROOT / "pyproject.toml").read_text()
    )
    assert head["hf_oauth"] == "true"
    assert head["license"] == "mit"
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")
    assert len(head["short_description"]) <= 60


def test_the_range_of_gradio_is_stated_once_and_tested_at_both_ends():
    oldest, newest = gradio_range()
    assert version("gradio") in (oldest, newest)
    range_or_pin = re.compile(rf"gradio\W*[=<>~]+\s*\d|{re.escape(oldest)}")
    kinds = (
        "*.md",
        "*.toml",
        "*.txt",
        "*.yaml",
        "Dockerfile",
        ".ci/*",
        ".github/*/*",
        "docs/**/*.md",
    )
    files = [path for kind in kinds for path in ROOT.glob(kind) if path.name != "CHANGELOG.md"]
    states = {path.name for path in files if range_or_pin.search(path.read_text("utf-8"))}
    assert states - set(LOCKS) == {"pyproject.toml"}


def test_the_packages_are_tested_locked_and_at_both_ends_of_their_ranges():
    workflow = (ROOT / ".github/workflows/ci.yml").read_text("utf-8")
    for versions in ("lowest-direct", "highest", "[locked]"):
        assert f"versions: {versions}\n" in workflow
    assert 'bash .ci/run "$VERSIONS"' in workflow
    assert '.ci/setup "$scratch/venv" "${1:-locked}"' in (ROOT / ".ci/run").read_text("utf-8")
    assert '--resolution "$versions"' in (ROOT / ".ci/setup").read_text("utf-8")


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_has_every_package_within_its_range_and_names_no_registry(name):
    locked = pins(name)
    for requirement in wanted(LOCKS[name]):
        versions = locked[canonicalize_name(requirement.name)]
        assert versions, requirement
        assert all(requirement.specifier.contains(one) for one in versions), "run `just lock`"
    text = (ROOT / name).read_text("utf-8")
    assert "://" not in text
    # Spaces add packages to `requirements.txt` in one call of pip, which no hash allows.
    hashed = text.count("--hash=sha256:") >= sum(map(len, locked.values()))
    assert hashed == (name != "requirements.txt")
    assert hashed or "--" not in text


def test_locks_agree():
    assert {path.name for path in ROOT.glob("requirements*.txt")} == set(LOCKS)
    first, *others = (pins(name) for name in LOCKS)
    assert first == others[0]
    for other in others:
        assert {name: other[name] for name in first} == first


def test_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", README)
    local = [target for target in targets if "://" not in target]
    assert "docs/pictures/inspection.png" in local
    assert [target for target in local if not (ROOT / target).exists()] == []


def test_it_is_short_and_says_what_it_is_in_two_sentences_and_a_picture():
    assert README.count("\n") < 150
    sentences, picture = README.partition("# tagifai\n\n")[2].split("\n\n")[:2]
    assert len(re.findall(r"\.(?=\s|$)", sentences)) == 2
    assert picture.startswith("![")


def test_pictures_are_small():
    sizes = {path.name: path.stat().st_size for path in (ROOT / "docs/pictures").glob("*.png")}
    assert set(sizes) >= {"data.png", "performance.png", "inference.png", "inspection.png"}
    assert {name: size for name, size in sizes.items() if size > 250_000} == {}


def test_two_commands_run_it_and_test_it():
    run, test = commands()
    assert run.endswith("pip install -r requirements.lock.txt && .venv/bin/python gradio_app.py")
    assert test.endswith(" -r requirements-dev.txt && .venv/bin/python -m pytest -n 2")


def test_ci_runs_the_same_tests():
    recipes = (ROOT / "justfile").read_text()
    assert "\ndefault: lint types test long\n" in recipes
    assert "\n    {{ python }} -m pytest -n 2 {{ ARGS }}\n" in recipes
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert script.read_text().endswith("export TAGIFAI_REQUIRE_BROWSER=1\njust\n")
