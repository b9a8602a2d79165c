"""JupyterLab in headless Chromium, without the internet.

Without Chromium these tests are skipped, unless REQUIRE_BROWSER=1 asks them to fail.
ETELECOM_SCREENSHOTS may name a folder, outside of the project, that keeps what was seen.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright import sync_api

ROOT = Path(__file__).parent.parent.parent
CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
FLAGS = [
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no internet
]
WIDE = {"width": 1280, "height": 1000}


@pytest.fixture(
    scope="module"
)  # while Playwright is there an event loop runs, which no other test expects
def browser() -> Iterator[Any]:
    if not CHROMIUM:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail("REQUIRE_BROWSER=1, and there is no Chromium: apt-get install chromium")
        pytest.skip("there is no Chromium: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Watched:
    """A page, with what its console said and what it asked for."""

    def __init__(self, browser: Any, *, dark: bool = False) -> None:
        self.context = browser.new_context(viewport=WIDE, color_scheme="dark" if dark else "light")
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.errors: list[str] = []
        self.asked: list[str] = []
        self.page.on(
            "console",
            lambda message: self.errors.append(message.text) if message.type == "error" else None,
        )
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def picture(self, name: str) -> None:
        """Keep what is seen, if somebody wants to look at it."""
        if folder := os.environ.get("ETELECOM_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(Path(folder) / f"{name}.png"))

    def picture_of(self, locator: Any, name: str) -> None:
        """Keep what one element looks like."""
        if folder := os.environ.get("ETELECOM_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            locator.screenshot(path=str(Path(folder) / f"{name}.png"))


@pytest.fixture
def watched(browser: Any) -> Iterator[Callable[..., Watched]]:
    """Makes pages that are closed when the test is over."""
    opened: list[Watched] = []

    def open_page(*, dark: bool = False) -> Watched:
        opened.append(Watched(browser, dark=dark))
        return opened[-1]

    yield open_page
    for each in opened:
        each.context.close()


_PROMPTS = "[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(each => each.textContent.trim())"


def write_notebook(path: Path, cells: list[Any]) -> None:
    """Leave these cells there without their outputs: what is seen later was made by running them."""
    for cell in cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)


class Lab:
    """A running JupyterLab over a folder that holds copies of the notebooks and the sample."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url

    def run(self, watched: Watched, name: str, *, theme: str = "JupyterLab Light") -> Any:
        """The page with this notebook, after all of its cells ran."""
        page = watched.page
        page.goto(f"{self.url}/lab/tree/notebooks/{name}?reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        self.change_theme(page, theme)
        # A notebook run before its kernel is there asks for one in a dialog.
        page.wait_for_function(
            "() => document.getElementById('jp-main-statusbar')?.innerText.includes('| Idle')"
        )
        page.evaluate("() => void jupyterapp.commands.execute('notebook:run-all-cells')")
        page.wait_for_function(
            f"() => {_PROMPTS}.length > 0 && {_PROMPTS}.every(text => /^\\[\\d+\\]:$/.test(text))"
        )
        return page

    def change_theme(self, page: Any, theme: str) -> None:
        """Turn the page light or dark."""
        # Not awaited: some commands' promises never end, and the page itself shows when they are
        # done.
        page.evaluate(
            "theme => void jupyterapp.commands.execute('apputils:change-theme', { theme })", theme
        )
        page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=theme)

    def add(self, name: str, *sources: str) -> None:
        """Put a notebook of these code cells beside the others."""
        write_notebook(
            self.folder / "notebooks" / name,
            [nbformat.v4.new_code_cell(source) for source in sources],
        )

    def end_kernels(self) -> None:
        """End what a test left running, so that the next one begins anew."""
        for session in json.loads(_answer(f"{self.url}/api/sessions")):
            _answer(f"{self.url}/api/sessions/{session['id']}", method="DELETE")


def _answer(url: str, method: str = "GET") -> bytes:
    request = urllib.request.Request(url, method=method)  # our own server  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
        return bytes(response.read())


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _settings(folder: Path) -> None:
    """No news from the internet, and every cell on the page, not only those in view."""
    wanted = {
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        "notebook-extension/tracker": {"windowingMode": "none"},
    }
    for name, values in wanted.items():
        path = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))


@pytest.fixture
def lab(running_lab: Lab) -> Iterator[Lab]:
    yield running_lab
    running_lab.end_kernels()


@pytest.fixture(scope="module")
def running_lab(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "data", home / "work" / "data")
    (home / "work" / "notebooks").mkdir()
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        write_notebook(
            home / "work" / "notebooks" / path.name, nbformat.read(path, as_version=4).cells
        )
    _settings(home / "settings")
    port = _free_port()
    places = {
        "HOME": home / "home",
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": home / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        "IPYTHONDIR": home / "ipython",
    }
    (home / "home").mkdir()
    options = [
        f"--ServerApp.port={port}", "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={home / 'work'}",
        "--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True",
        "--ServerApp.open_browser=False", "--ServerApp.allow_root=True", "--LabApp.expose_app_in_browser=True",
    ]  # fmt: skip
    environment = os.environ | {name: str(path) for name, path in places.items()}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], env=environment, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{url}/api/status", process, home / "log")
        yield Lab(home / "work", url)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(300):
        try:
            _answer(url)
            return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-3000:]}")
