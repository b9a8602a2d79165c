"""Pages in headless Chromium, and a running JupyterLab."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe

__all__ = [
    "CHROMIUM",
    "FLAGS",
    "ROOT",
    "THEMES",
    "WIDE",
    "BrowserPage",
    "Lab",
    "assert_no_errors",
    "barriers",
    "free_port",
    "wait_for",
    "write_notebook",
    "write_settings",
]

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


THEMES = ("JupyterLab Light", "JupyterLab Dark")


class BrowserPage:
    """A page, with the errors and warnings of its console and the URLs that it requested."""

    def __init__(self, browser: Any, *, dark: bool = False) -> None:
        self.context = browser.new_context(viewport=WIDE, color_scheme="dark" if dark else "light")
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.errors: list[str] = []
        self.warnings: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", self._receive)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def _receive(self, message: Any) -> None:
        kinds = {"error": self.errors, "warning": self.warnings}
        kinds.get(message.type, []).append(message.text)

    def screenshot(self, name: str) -> None:
        """Save a screenshot of the page, if there is a folder for them."""
        if folder := os.environ.get("ETELECOM_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(Path(folder) / f"{name}.png"))

    def screenshot_of(self, locator: Any, name: str) -> None:
        """Save a screenshot of one element."""
        if folder := os.environ.get("ETELECOM_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            locator.screenshot(path=str(Path(folder) / f"{name}.png"))


_PROMPTS = (
    "[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]"
    ".map(each => each.textContent.trim())"
)


def write_notebook(path: Path, cells: list[Any]) -> None:
    """Write a notebook of these cells without their outputs, so that all outputs are new."""
    for cell in cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)


class Lab:
    """A running JupyterLab over a folder with copies of the notebooks and the sample."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url

    def run(self, browser_page: BrowserPage, name: str, *, theme: str = "JupyterLab Light") -> Any:
        """The page with this notebook after all of its cells ran."""
        page = self.start(browser_page, name, theme=theme)
        page.wait_for_function(
            f"() => {_PROMPTS}.length > 0 && {_PROMPTS}.every(text => /^\\[\\d+\\]:$/.test(text))"
        )
        return page

    def start(
        self, browser_page: BrowserPage, name: str, *, theme: str = "JupyterLab Light"
    ) -> Any:
        """The page with this notebook, whose cells have begun to run."""
        page = browser_page.page
        page.goto(f"{self.url}/lab/tree/notebooks/{name}?reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        self.change_theme(page, theme)
        # Without a kernel, running the notebook would open a dialog.
        page.wait_for_function(
            "() => document.getElementById('jp-main-statusbar')?.innerText.includes('| Idle')"
        )
        page.evaluate("() => void jupyterapp.commands.execute('notebook:run-all-cells')")
        return page

    def change_theme(self, page: Any, theme: str) -> None:
        """Switch the page to this theme, and the browser to its colours."""
        page.emulate_media(color_scheme="dark" if "Dark" in theme else "light")
        # Not awaited, because the promises of some commands never resolve.
        page.evaluate(
            "theme => void jupyterapp.commands.execute('apputils:change-theme', { theme })", theme
        )
        page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=theme)

    def add(self, name: str, *sources: str) -> None:
        """Add a notebook of these code cells."""
        write_notebook(
            self.folder / "notebooks" / name,
            [nbformat.v4.new_code_cell(source) for source in sources],
        )

    def end_kernels(self) -> None:
        """End all kernels, so that the next test starts without any."""
        for session in json.loads(_request(f"{self.url}/api/sessions")):
            _request(f"{self.url}/api/sessions/{session['id']}", method="DELETE")


def _request(url: str, method: str = "GET") -> bytes:
    request = urllib.request.Request(url, method=method)  # only to this JupyterLab  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
        return bytes(response.read())


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def write_settings(folder: Path) -> None:
    """Settings: no news from the internet, and all cells on the page, not only visible ones."""
    settings = {
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        "notebook-extension/tracker": {"windowingMode": "none"},
    }
    for name, values in settings.items():
        path = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))


def wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(300):
        try:
            _request(url)
            return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-3000:]}")


def assert_no_errors(browser_page: Any, lab: Any) -> None:
    """No error in the console or on stderr, and requests only to JupyterLab."""
    page = browser_page.page
    assert (
        page.locator(
            "[data-mime-type='application/vnd.jupyter.stderr'], "
            "[data-mime-type='application/vnd.jupyter.error']"
        ).count()
        == 0
    )
    assert browser_page.errors == []
    urls = [url for url in browser_page.requests if url.startswith(("http", "ws"))]
    assert {url.split("/")[2] for url in urls} == {lab.url.split("/")[2]}


def barriers(page: Any, context: str = "html") -> list[str]:
    """The serious findings of axe in this element: the rule, the element and the reason."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    violations = page.evaluate(
        "context => axe.run(context, { resultTypes: ['violations'] }).then(all => all.violations)",
        context,
    )
    return [
        f"{violation['id']}: {node['html']} {node['failureSummary']}"
        for violation in violations
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
