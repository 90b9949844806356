"""One page for all tests of its handlers: to lay it out takes far longer than to ask it."""

from collections.abc import Callable
from typing import Any

import gradio as gr
import pytest

from tagifai.services.app import Services
from tagifai.settings import Settings
from tagifai.ui.app import build_app


class Reopened(Services):
    """Services that start again, with other settings, under a page that stands already."""

    def reopen(self, **settings: Any) -> None:
        self.__dict__.clear()
        super().__init__(Settings(**{"no_cache": True, "no_token": True, **settings}))


@pytest.fixture(scope="session")
def laid_out() -> tuple[Reopened, gr.Blocks]:
    bench = Reopened(Settings())
    return bench, build_app(bench)


@pytest.fixture
def open_bench(laid_out: tuple[Reopened, gr.Blocks]) -> Callable[..., tuple[Services, gr.Blocks]]:
    """Return new services of these settings, and the page over them."""

    def opened(**settings: Any) -> tuple[Services, gr.Blocks]:
        bench, page = laid_out
        bench.reopen(**settings)
        return bench, page

    return opened
