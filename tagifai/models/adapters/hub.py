"""Folders of transformer models: local, or from the Hub without anything that runs."""

import os
from fnmatch import fnmatch
from pathlib import Path

from tagifai.errors import TagifaiError, shorten
from tagifai.models.adapters.loading import LoadContext
from tagifai.models.predictor_spec import PredictorSpec, is_hub_name

# What is fetched: no pickles, no programs.
PATTERNS = ("*.json", "*.safetensors", "*.txt", "*.model", "*.skops", "*.tiktoken")
PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.joblib", "*.ckpt", "*.h5", "*.msgpack")


def is_of_model(path: str) -> bool:
    """Check whether a file is one that is fetched of a model's folder.

    The head of a SetFit model is a pickle too, which is not loaded unless the person allows it.

    >>> is_of_model("1_Pooling/config.json"), is_of_model("pytorch_model.bin")
    (True, False)
    """
    return any(fnmatch(path, pattern) for pattern in (*PATTERNS, "model_head.pkl"))


def folder_of(spec: PredictorSpec, context: LoadContext) -> Path:
    """Return a model's folder, fetched from the Hub where the source is a name there.

    The Hub is asked only for what the person named; a version's file alone gets what lies in
    the local cache. Its token comes from the environment (HF_TOKEN).

    Raises
    ------
    TagifaiError
        No such folder or name, not allowed to be asked for, or no weights in safetensors.
    """
    where = f"predictor {spec}"
    local = (context.folder or Path()) / spec.source
    if spec.revision or (is_hub_name(spec.source) and not local.exists()):
        folder = _fetch(spec, where, ask=context.is_typed or context.allowed.permits(spec))
    else:
        folder = context.path_of(spec)
    if not (folder / "config.json").is_file() and not (folder / "modules.json").is_file():
        raise TagifaiError(f"{where}: {folder}: no config.json, so no folder of a model")
    if not any(folder.rglob("*.safetensors")):
        others = [one.name for pattern in PICKLES for one in folder.rglob(pattern)]
        found = f" (found {shorten(', '.join(sorted(others)))})" if others else ""
        raise TagifaiError(
            f"{where}: no weights in safetensors{found}; other formats can run any program when "
            "they are loaded: save the model again with save_pretrained"
        )
    return folder


def _fetch(spec: PredictorSpec, where: str, ask: bool) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        return Path(
            snapshot_download(
                spec.source,
                revision=spec.revision or None,
                allow_patterns=list(PATTERNS),
                local_files_only=not ask,
                endpoint=os.environ.get("HF_ENDPOINT") or None,
                cache_dir=os.environ.get("HF_HUB_CACHE") or None,
                token=os.environ.get("HF_TOKEN") or None,
            )
        )
    except GatedRepoError:
        raise TagifaiError(
            f"{where}: is gated: accept its terms on the Hub, and set HF_TOKEN"
        ) from None
    except RepositoryNotFoundError:
        raise TagifaiError(
            f"{where}: no such model on the Hub, or a private one: set HF_TOKEN"
        ) from None
    except RevisionNotFoundError:
        raise TagifaiError(f"{where}: no such revision on the Hub") from None
    except LocalEntryNotFoundError:
        if ask:
            raise TagifaiError(
                f"{where}: neither a folder nor in the local cache, and the Hub cannot be reached"
            ) from None
        raise TagifaiError(
            f"{where}: not in the local cache, and the Hub is only asked for what the person who "
            f"starts the app allows: --allow-predictor '{spec}'"
        ) from None
    except (HfHubHTTPError, HFValidationError, OSError, ValueError) as error:
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise TagifaiError(f"{where}: {shorten(first[0], 200)}") from None
