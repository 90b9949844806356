# What CI runs, in its order: `just`. Another environment: VIRTUAL_ENV=… just.

venv := env("VIRTUAL_ENV", ".venv")
python := venv / "bin" / "python"

default: lint types test long

# List the recipes
help:
    @just --list --unsorted

# Make .venv with all that the app, the tests and the checks need
install:
    .ci/setup {{ venv }}

# Lock the packages of pyproject.toml anew, as in `just lock --upgrade`
lock *ARGS:
    PATH="{{ venv / "bin" }}:$PATH" .ci/lock {{ ARGS }}

# Build the wheel and the source archive into `dist`
build:
    {{ venv / "bin" / "uv" }} build

# Start the dashboard, as in `just run --port 7861`
run *ARGS:
    {{ python }} gradio_app.py {{ ARGS }}

# Run the tests, as in `just test tests/test_cli.py`
test *ARGS:
    {{ python }} -m pytest -n 2 {{ ARGS }}

# Run the tests that take many seconds each: attacks on a running app, real data, a Space, axe
long *ARGS:
    {{ python }} -m pytest -n 2 --long -m long {{ ARGS }}

# Create environments as a Space and the Dockerfile do, and time the first page: minutes
fresh *ARGS:
    {{ python }} -m pytest --fresh -m fresh -s {{ ARGS }}

# Attack the app as strangers would, and put the table into docs/attacks.md: ten minutes
security *ARGS:
    {{ python }} -m pytest tests/security --long --full-security --security-table docs/attacks.md {{ ARGS }}

# Take each defence away in turn: its attack must succeed then
security-proof *ARGS:
    {{ python }} tests/security/remove_defences.py {{ ARGS }}

# Check style, formatting, and that layers import downwards only
lint:
    {{ python }} -m ruff check .
    {{ python }} -m ruff format --check .
    {{ venv / "bin" / "lint-imports" }} --no-logo

# Check types
types:
    {{ python }} -m mypy

# Format, and mend what can be mended without a decision
format:
    {{ python }} -m ruff format .
    {{ python }} -m ruff check --fix .

# Train the demonstration's releases and workspace into an empty `model/`
demo-versions *ARGS:
    {{ python }} -m tagifai demo-versions {{ ARGS }}

# Measure how fast all is, against its peers: under 15 minutes; `--quick`: under 2; `--check`
bench *ARGS:
    {{ python }} -m benchmarks {{ ARGS }}

# Measure how the code is built, beside its targets
house:
    {{ python }} -m benchmarks.house

# Simulate what the statistics claim: under ten minutes; ends with 3 if a claim does not hold
statistics *ARGS:
    {{ python }} -m benchmarks.statistics {{ ARGS }}

# Build the documentation into `build/docs`; warnings are errors
docs *ARGS:
    {{ python }} -m sphinx -W --keep-going -a {{ ARGS }} docs build/docs

# Write what comes from the program into README and docs: `--tables`, `--data DIR`, `--check`
docs-tables *ARGS:
    {{ python }} docs/tables.py {{ ARGS }}

# Take the documentation's picture of each tab
pictures *ARGS:
    {{ python }} docs/take_pictures.py {{ ARGS }}
