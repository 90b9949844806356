"""Model files of strangers: what is in them must not run, nor fill the memory."""

import io
import json
import os
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import skops.io
from security.rows import Files, Measured, Row, measured

from tagifai.errors import TagifaiError
from tagifai.services.data import DataService
from tagifai.services.versions import VersionService
from tagifai.store.cache import ContentCache, open_memory
from tagifai.store.sources import FolderSource


class Command:
    """What a stranger pickles: loading it runs a command."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.marker}",)


def packed(**members: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(name.replace("__", "/").replace("_json", ".json"), member)
    return content.getvalue()


def schema(node: object) -> bytes:
    return packed(schema_json=json.dumps(node).encode())


def bomb(good: bytes) -> bytes:
    """Return a good model, one array of which takes 550 MB when it is unpacked."""
    content = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(good)) as model,
        zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        names = model.namelist()
        grown = next(name for name in names if name.endswith(".npy"))
        for name in names:
            if name != grown:
                archive.writestr(name, model.read(name))
        with archive.open(grown, "w", force_zip64=True) as member:
            header = {"descr": "<f8", "fortran_order": False, "shape": (550 * 2**17,)}
            np.lib.format.write_array_header_1_0(member, header)
            for _ in range(550):
                member.write(bytes(2**20))
    return content.getvalue()


def node_of(value: object) -> dict[str, object]:
    """Return a value as skops writes it."""
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(value))) as archive:
        node: dict[str, object] = json.loads(archive.read("schema.json"))
    return node


def calling(command: str, loader: str) -> bytes:
    """Return a file that has a loader call `os.system`, if it trusts it."""
    return schema({
        **node_of(()), "__class__": "system", "__module__": "os", "__loader__": loader,
        "__reduce__": {"args": node_of((command,))}, "content": node_of({}),
    })  # fmt: skip


def deep() -> bytes:
    node: object = 1
    for _ in range(150):
        node = {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode",
                "content": [node]}  # fmt: skip
    return schema(node)


def hostile_files(good: bytes, marker: Path) -> dict[str, bytes]:
    run = f"touch {marker}"
    joblibbed = io.BytesIO()
    joblib.dump(Command(marker), joblibbed)
    members = io.BytesIO()
    with zipfile.ZipFile(members, "w") as archive:
        for number in range(6_000):
            archive.writestr(f"{number}", b"")
    objects = io.BytesIO()
    np.save(objects, np.array([Command(marker)], dtype=object), allow_pickle=True)
    return {
        "pickle": pickle.dumps(Command(marker)),
        "joblib": joblibbed.getvalue(),
        "bomb of 550 MB": bomb(good),
        "6,000 parts": members.getvalue(),
        "truncated": good[: len(good) // 2],
        "renamed": packed(model_json=good),
        "os.system as a function": calling(run, "FunctionNode"),
        "os.system for a loss": calling(run, "LossNode"),
        "nested deeply": deep(),
        "array of objects": packed(schema_json=b"{}", a__npy=objects.getvalue()),
        "another estimator": skops.io.dumps(np.arange(3)),
        "damaged": good[:400] + bytes(200) + good[600:],
    }


def measure_models(files: Files, full: bool) -> Measured:
    folder, models = files.copied(), files.folder / "model"
    good = (models / "v0.2.0" / "model.skops").read_bytes()
    marker = folder / "EXECUTED"
    wrong: list[str] = []
    place = folder / "model" / "v0.1.0"
    cache = ContentCache(open_memory(None))
    cases: list[tuple[str, str, bytes, bool]] = [
        (name, "model.skops", content, False)
        for name, content in hostile_files(good, marker).items()
    ]
    hostile = pickle.dumps(Command(marker))
    cases += [
        ("pickle by its name", "model.pkl", hostile, False),
        ("pickle that is trusted, its digest not recorded", "model.pkl", hostile, True),
    ]
    most = 0.0
    tracemalloc.start()
    for name, filename, content, trusted in cases:
        for old in ("model.skops", "model.pkl"):
            (place / old).unlink(missing_ok=True)
        (place / filename).write_bytes(content)
        data = DataService(folder / "data")
        desk = VersionService(FolderSource(folder / "model"), cache, data, trust_pickle=trusted)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        wrong += attempt(name, lambda desk=desk: desk.predict("v0.1.0", ["text"]), marker)  # type: ignore[misc]
        most = max(most, (tracemalloc.get_traced_memory()[1] - before) / 2**20)
    objects = io.BytesIO()
    np.savez(objects, ids=np.array([Command(marker)], dtype=object))
    (place / "predictions.parquet").unlink(missing_ok=True)
    (place / "predictions.npz").write_bytes(objects.getvalue())
    desk = VersionService(FolderSource(folder / "model"), cache, DataService(folder / "data"))
    wrong += attempt("predictions", lambda: desk.predictions("v0.1.0"), marker)
    tracemalloc.stop()
    if most > 100:
        wrong.append(f"memory rose by {most:.0f} MB")
    return measured(
        f"{len(cases) + 1} files refused, nothing executed, memory at most +{most:.0f} MB", wrong
    )


def attempt(name: str, ask: Callable[[], object], marker: Path) -> list[str]:
    wrong = []
    try:
        ask()
        wrong.append(f"{name}: taken")
    except TagifaiError:
        pass
    except Exception as error:
        wrong.append(f"{name}: {type(error).__name__}: {str(error)[:80]}")
    if marker.exists():
        marker.unlink()
        wrong.append(f"{name}: executed")
    return wrong


ROWS = [
    Row("models", "10 hostile model files (pickle, bomb, truncated, renamed)",
        "refused, nothing executed", measure_models),
]  # fmt: skip
