"""The round trip through a real Label Studio, in an environment of its own: `just fresh`.

TAGIFAI_LABEL_STUDIO may name an executable that is installed already.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from servers import free_port
from wheels import group

from tagifai.cli.parser import main
from tagifai.data import load_dataset
from tagifai.reviews import ReviewStore

pytestmark = pytest.mark.fresh
ANN = {"username": "ann@localhost.localdomain", "password": "correct horse", "token": "0" * 40}
START_SECONDS = 300


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    if named := os.environ.get("TAGIFAI_LABEL_STUDIO"):
        return Path(named)
    home = tmp_path_factory.mktemp("label-studio") / "venv"
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    pip = [home / "bin" / "python", "-m", "pip", "install", "--quiet", *group("labelstudio")]
    subprocess.run(pip, check=True)
    return home / "bin" / "label-studio"


@pytest.fixture(scope="module")
def studio(program, tmp_path_factory):
    """Run Label Studio on this machine alone; give a client that is logged in to it."""
    home, port = tmp_path_factory.mktemp("studio"), free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LABEL_STUDIO_BASE_DATA_DIR": str(home),
        "LABEL_STUDIO_HOST": url,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
    }
    words = [
        program,
        "start",
        "--no-browser",
        "--port",
        str(port),
        "--internal-host",
        "127.0.0.1",
        "--username",
        ANN["username"],
        "--password",
        ANN["password"],
        "--user-token",
        ANN["token"],
    ]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(words, cwd=home, env=environment, stdout=log, stderr=log)
    try:
        until = time.monotonic() + START_SECONDS
        while True:
            said = (home / "log").read_text("utf-8", "replace")[-2000:]
            assert process.poll() is None, said
            assert time.monotonic() < until, said
            try:
                httpx.get(f"{url}/health", timeout=5).raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.5)
        headers = {"Authorization": f"Token {ANN['token']}"}
        with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
            yield client
    finally:
        process.terminate()
        process.wait(30)


def ask(studio, method, path, **content):
    answer = studio.request(method, path, **content)
    assert answer.is_success, f"{path}: {answer.status_code} {answer.text[:500]}"
    return answer.json()


def choose(tags):
    value = {"choices": tags}
    return [{"from_name": "tags", "to_name": "text", "type": "choices", "value": value}]


def test_tasks_go_there_and_what_was_annotated_comes_back(
    studio, small_data, small_models, tmp_path, capsys
):
    data, tasks = tmp_path / "data", tmp_path / "tasks.json"
    data.mkdir()
    for name in ("projects.json", "tags.json"):
        (data / name).write_bytes((small_data / name).read_bytes())
    projects = load_dataset(data).projects
    store = ReviewStore(data / "reviews.sqlite", journal="delete")
    seen = {"version": "v0.2.0", "data_digest": "d"}
    store.submit(
        reviewer="ann",
        project=projects[0].id,
        tag="transformers",
        decision="add",
        note="ünïcode, 'quotes' and\nlines",
        **seen,
    )
    store.submit(
        reviewer="ben", project=projects[0].id, tag="transformers", decision="right", **seen
    )
    before = store.events()
    store.close()

    def run(*words):
        where = ["--data", str(data), "--models", str(small_models)]
        status = main(["reviews", *map(str, words), *where])
        told = capsys.readouterr()
        assert (status, told.err) == (0, "")
        return told.out

    run("export", "--format", "label-studio", "--ask", "2", "-o", tasks)
    written = json.loads(tasks.read_text("utf-8"))
    project = ask(
        studio, "POST", "/api/projects/", json={"title": "tagifai", "label_config": run("config")}
    )
    number = project["id"]
    brought = ask(studio, "POST", f"/api/projects/{number}/import", json=written)
    assert (brought["task_count"], brought["prediction_count"]) == (len(written), len(written))

    # Somebody annotates one task, taking a tag away and giving another, and skips a second.
    listed = ask(studio, "GET", "/api/tasks", params={"project": number, "fields": "all"})["tasks"]
    assert len(listed) == len(written) >= 3
    of_project = {task["data"]["project_id"]: task for task in listed}
    shown = of_project[projects[0].id]
    assert shown["data"]["text"] == projects[0].text
    (prediction,) = shown["predictions"]
    assert prediction["model_version"] == "v0.2.0"
    lost, *kept = projects[0].tags
    given = next(tag for tag in shown["data"]["choices"] if tag not in projects[0].tags)
    ask(
        studio,
        "POST",
        f"/api/tasks/{shown['id']}/annotations/",
        json={"result": choose([*kept, given])},
    )
    skipped = next(task for one, task in of_project.items() if one != projects[0].id)
    ask(
        studio,
        "POST",
        f"/api/tasks/{skipped['id']}/annotations/",
        json={"result": [], "was_cancelled": True},
    )

    exported = ask(
        studio,
        "GET",
        f"/api/projects/{number}/export",
        params={"exportType": "JSON", "download_all_tasks": "true"},
    )
    back = tmp_path / "back.json"
    back.write_text(json.dumps(exported), "utf-8")
    run("import", back)
    store = ReviewStore(data / "reviews.sqlite", journal="delete")
    after = store.events()
    assert [event for event in after if event in before] == list(before)
    new = {(e.project, e.tag): e for e in after if e not in before}
    assert new[projects[0].id, lost].decision == "remove"
    assert new[projects[0].id, given].decision == "add"
    asked = skipped["data"]["asked"]
    assert [new[skipped["data"]["project_id"], tag].decision for tag in asked] == ["skip"] * len(
        asked
    )
    assert {event.version for event in new.values()} == {"v0.2.0"}

    # The same file again brings nothing new.
    run("import", back)
    assert store.events() == after
    store.close()
