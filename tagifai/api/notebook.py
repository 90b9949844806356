"""Where the page is shown: in a notebook's cell, in a browser, or nowhere."""

import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from types import ModuleType
from urllib.parse import urlsplit

HEIGHT = 900
# What shows notebooks: Jupyter on this machine, VS Code, Colab.
FRAMES = (
    "http://localhost:* http://127.0.0.1:* https://localhost:* https://127.0.0.1:* "
    "vscode-webview: https://*.vscode-cdn.net https://*.googleusercontent.com "
    "https://colab.research.google.com"
)


def in_notebook(modules: Mapping[str, ModuleType] | None = None) -> bool:
    """Check whether this program is a notebook's kernel."""
    ipython = (sys.modules if modules is None else modules).get("IPython")
    get_ipython = getattr(ipython, "get_ipython", None)
    shell = get_ipython() if callable(get_ipython) else None
    return getattr(shell, "kernel", None) is not None


def proxy_path(port: int, environment: Mapping[str, str] | None = None) -> str:
    """Return the path under which JupyterHub passes requests on to a port; "" elsewhere.

    >>> proxy_path(80, {})
    ''
    """
    environment = os.environ if environment is None else environment
    prefix = environment.get("JUPYTERHUB_SERVICE_PREFIX", "")
    if not prefix or find_spec("jupyter_server_proxy") is None:
        return ""
    return f"{prefix.rstrip('/')}/proxy/{port}"


def show_in_cell(url: str, port: int, height: int) -> None:
    """Show the page in the cell that runs."""
    if "google.colab" in sys.modules:
        from google.colab import output

        output.serve_kernel_port_as_iframe(port, path=urlsplit(url).path, height=str(height))
        return
    from IPython.display import IFrame, display

    display(IFrame(url, width="100%", height=height))


def open_browser(url: str) -> bool:
    """Open the page in a browser that has windows, and return whether there is one."""
    import webbrowser

    if not has_windows(os.environ, sys.platform):
        return False
    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False


def has_windows(environment: Mapping[str, str], platform: str) -> bool:
    """Check whether a browser can open a window; one in the terminal would take it over.

    >>> has_windows({}, "linux"), has_windows({"DISPLAY": ":0"}, "linux"), has_windows({}, "win32")
    (False, True, True)
    """
    if environment.get("BROWSER"):
        return True
    windows = ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME")
    remote = bool(environment.get("SSH_CONNECTION"))
    if platform == "darwin" or platform.startswith("win"):
        return not remote
    return any(environment.get(name) for name in windows)
