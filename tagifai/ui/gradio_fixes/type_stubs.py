"""Let Gradio start without writing type stubs.

What Gradio does
    Its import parses each component and rewrites the stub beside it, in the installed package.
Versions
    4.0 to 6.31.
Without it
    Each start takes 0.9 s of processor time more: 2.3 s instead of 1.4 for `import gradio`
    (`python -c "import time; import gradio; print(time.process_time())"`).
Upstream
    docs/upstream/type-stubs.md
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

WRITER = "gradio.component_meta"


def leave_as_installed() -> None:
    """Keep Gradio from parsing and rewriting the stubs beside its own files; before its import."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name == WRITER else None
        if spec and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        # For editors alone: nothing at run time reads what it writes.
        module.__dict__["create_or_modify_pyi"] = lambda *_: None
