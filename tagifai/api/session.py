"""A dashboard that runs in a thread of this program, until it is closed."""

import atexit
import contextlib
import os
import secrets
import shutil
import sys
import tempfile
import threading
import warnings
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from tagifai.api import live
from tagifai.errors import TagifaiError
from tagifai.models.predictor_spec import PredictorSpec
from tagifai.settings import Settings
from tagifai.spaces import stay_offline

if TYPE_CHECKING:
    import pandas as pd

    from tagifai.reviews import Review
    from tagifai.services.app import Services

# What Gradio's packages say of a notebook without widgets, which nobody here needs.
_NO_WIDGETS = "IProgress not found"
# Seconds between two looks at whether the session was closed meanwhile.
_TURN = 0.2


class Session:
    """A dashboard that is running; `tagifai.show` makes it.

    It is a context manager too: what follows the block finds it closed.

    Attributes
    ----------
    url : str
        Where the page is.

    Examples
    --------
    >>> import tagifai
    >>> with tagifai.show(["a cat", "a dog"], [["cats"], []], [[0.9], [0.2]], tags=["cats"],
    ...                   open_browser=False) as session:
    ...     session.url.startswith("http://127.0.0.1:")
    True
    >>> session.closed
    True
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        *,
        framed_by: str = "",
        proxied: bool = False,
        predictor: PredictorSpec | None = None,
    ) -> None:
        _prepare_gradio()
        self._folder = folder
        self._predictor = predictor
        self._selected = ""
        self._closing = threading.Lock()
        self._open = contextlib.ExitStack()
        self._decided: tuple[Review, ...] = ()
        self.closed = False
        try:
            self._services = self._start(settings, framed_by, proxied)
        except BaseException:
            self._open.close()
            raise
        atexit.register(self.close)

    def selection(self) -> "pd.DataFrame":
        """Return what is selected on the page: the projects that the tab in view lists.

        All pages of the list, in its order. Of several people who look at the page, the last who
        chose something counts.

        Returns
        -------
        DataFrame
            Its index, `row`, is each project's place in what was shown. Columns: `id`, `text`,
            `y_true` and `y_pred` (lists of tags), `probability` (of `tag`), `split`, `tab`
            ("data", "performance", "inference", "tags", "label-errors" or "slices"), `version`,
            `tag`, and `outcome` ("tp", "fp", "fn"; "fixed", "broke", "both wrong" in a
            comparison; "missing" or "wrong" of suspected labels). Its ``attrs`` are the choices
            themselves by name, which hold where nothing is listed too; empty before the page was
            opened.

        Raises
        ------
        TagifaiError
            The session is closed.
        """
        from tagifai.api.selection import tabulate

        self._check_open()
        return tabulate(self._services, self._selected)

    def reviews(self) -> "pd.DataFrame":
        """Return the decisions on labels that were made on the page, in the order of time.

        Returns
        -------
        DataFrame
            One row for each decision that still holds: `at`, `reviewer`, `id`, `tag`, `decision`
            ("add", "remove", "right" or "skip"), `note`, `version`. It is there as soon as the
            page says that the decision was kept, and still after `close`.
        """
        import pandas as pd

        from tagifai.reviews import in_force

        with self._closing:
            events = self._decided if self.closed else self._services.reviews.events()
        columns = ["at", "reviewer", "id", "tag", "decision", "note", "version"]
        rows = [
            (one.at, one.reviewer, one.project, one.tag, one.decision, one.note, one.version)
            for one in in_force(events)
            if one.tag
        ]
        return pd.DataFrame(rows, columns=columns)

    def wait(self) -> None:
        """Wait until the session is closed, or the person presses Ctrl-C; for scripts."""
        with contextlib.suppress(KeyboardInterrupt):
            while not self.closed:
                threading.Event().wait(_TURN)
        self.close()

    def close(self) -> None:
        """End the server and remove the folder; more often than once does no harm."""
        with self._closing:
            if self.closed:
                return
            self._open.close()
            self.closed = True
            atexit.unregister(self.close)
            if self._predictor is not None:
                live.forget(self._predictor)
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<tagifai at {self.url}{', closed' if self.closed else ''}>"

    def _check_open(self) -> None:
        if self.closed:
            raise TagifaiError("the session is closed: tagifai.show(…) opens another")

    def _start(self, settings: Settings, framed_by: str, proxied: bool) -> "Services":
        """Build the page over the folder, and answer from a thread."""
        from tagifai.services.app import Services
        from tagifai.ui.app import appearance, build_app
        from tagifai.ui.gradio_fixes.queues import bound_queue
        from tagifai.ui.server.hosts import ServedHosts
        from tagifai.ui.server.owner import Owner
        from tagifai.ui.server.serving import (
            Server,
            address_of,
            build_server_app,
            open_port,
        )
        from tagifai.ui.server.share_link import end_link, make_link

        opened = open_port(settings.host, settings.port)
        self._open.callback(opened.close)
        settings = replace(settings, port=opened.getsockname()[1])
        if proxied:
            from tagifai.api.notebook import proxy_path

            settings = replace(settings, root_path=proxy_path(settings.port))
        self.port = settings.port
        # Whoever knows the page's path is its owner: in a notebook's cell it is given no cookies.
        token = secrets.token_urlsafe(24)
        owner = None if settings.share else Owner(token, self.port, by_path=True)
        services = Services(replace(settings, root_path=""))
        self._open.callback(self._end, services)
        demo = bound_queue(build_app(services, selected=self._select), settings.max_waiting)
        demo.GRADIO_CACHE = str(self._folder / "gradio")
        hosts = ServedHosts.of(settings)
        app = build_server_app(
            demo, settings, appearance(), framed_by=framed_by, owner=owner, hosts=hosts
        )
        self._open.enter_context(Server(app, settings, opened).in_background())
        link = make_link(settings) if settings.share else None
        if link:
            hosts.add(urlsplit(link).netloc)
            self._open.callback(end_link, settings)
        services.warm_up.start()
        url = (link or settings.root_path or address_of(settings)).rstrip("/")
        self.url = f"{url}{owner.path if owner else ''}/"
        return services

    def _end(self, services: "Services") -> None:
        """Close what the server used, once it has ended; decisions outlive the folder."""
        with contextlib.suppress(TagifaiError):
            self._decided = services.reviews.events()
        services.close()

    def _select(self, query: str) -> None:
        self._selected = query


def _prepare_gradio() -> None:
    """Import Gradio as the app does: offline, without writing stubs, and silently."""
    stay_offline(os.environ)
    if "gradio" not in sys.modules and "GRADIO_TEMP_DIR" not in os.environ:
        # Gradio reads it once, when it is imported, and makes folders there.
        folder = tempfile.mkdtemp(prefix="tagifai-gradio-")
        os.environ["GRADIO_TEMP_DIR"] = folder
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    from tagifai.ui.gradio_fixes.type_stubs import leave_as_installed

    leave_as_installed()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=_NO_WIDGETS)
        import_module("tagifai.ui.app")
