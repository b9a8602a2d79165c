"""Try charts and panels in JupyterLab, Notebook 7, Voila and marimo, in Chromium without internet.

    pip install -e ".[test]" notebook voila marimo
    python tests/benchmarks/hosts.py [HOST ...] [--pictures FOLDER]

Each host runs the same cells: a chart, a FilterPanel with a ChartView, an Explorer, a FetchPanel,
and all charts of the gallery. The script uses the controls as a user does, and prints a line per
check. It ends with status 1 if a check failed. Look at the pictures too.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from playwright import sync_api

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.browser import CHROMIUM, FLAGS, free_port, wait_for, write_notebook, write_settings

import etelecom_analytics as et

CELLS = (
    "import etelecom_analytics as et\n"
    "et.charts.use_offline_renderer()\n"
    "logs = et.sample_logs()\n"
    "et.charts.answer_rate(logs.calls)",
    "panel = et.FilterPanel(logs.calls, debounce_s=0.05)\npanel",
    "et.ChartView(panel, et.charts.answer_rate)",
    "explorer = et.Explorer(logs, debounce_s=0.05)\nexplorer",
    "server = et.simulator.serve(logs.calls)\n"
    "fetch = et.fetcher(et.Client(server.base_url, server.api_key))\n"
    'fetch_panel = et.FetchPanel(fetch=fetch, as_of="2026-11-08")\nfetch_panel',
    "et.charts.gallery(logs.calls)",
)
CHARTS = 17
"""One, that of the ChartView, that of the Explorer, and 14 of the gallery."""
ERRORS = ("is not a function", "Javascript Error", "Error displaying widget", "not supported")
SHARED = {"server": "HOME", "config": "JUPYTER_CONFIG_DIR", "data": "JUPYTER_DATA_DIR"}
TIMEOUT_S = 60


def write_cells(folder: Path) -> None:
    """The cells as a notebook of Jupyter and as one of marimo."""
    write_notebook(folder / "panels.ipynb", [nbformat.v4.new_code_cell(cell) for cell in CELLS])
    body = "".join(
        "\n\n@app.cell\ndef _({}):\n{}\n".format(
            "" if number == 0 else "et, logs, panel" if number == 2 else "et, logs",
            "".join(f"    {line}\n" for line in cell.splitlines() if "renderer" not in line)
            + f"    return {('et, logs', 'panel,', '', '', '', '')[number]}",
        )
        for number, cell in enumerate(CELLS)
    )
    (folder / "panels.py").write_text(f"import marimo\n\napp = marimo.App()\n{body}")


def jupyter(module: str, trait: str) -> Callable[[int, Path], list[str]]:
    """The command of a Jupyter server without a token."""

    def command(port: int, folder: Path) -> list[str]:
        options = {
            "ServerApp.port": port,
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.root_dir": folder,
            "IdentityProvider.token": "",
            "ServerApp.disable_check_xsrf": True,
            "ServerApp.open_browser": False,
            "ServerApp.allow_root": True,
            f"{trait}.expose_app_in_browser": True,
        }
        return ["-m", module, *(f"--{name}={value}" for name, value in options.items())]

    return command


def voila(port: int, folder: Path) -> list[str]:
    return ["-m", "voila", str(folder / "panels.ipynb"), "--no-browser", f"--port={port}"]


def marimo(port: int, folder: Path) -> list[str]:
    path = str(folder / "panels.py")
    return ["-m", "marimo", "run", path, "--headless", "--no-token", f"--port={port}"]


HOSTS: dict[str, tuple[Callable[[int, Path], list[str]], str]] = {
    "JupyterLab": (jupyter("jupyterlab", "LabApp"), "/lab/tree/panels.ipynb?reset"),
    "Notebook": (jupyter("notebook", "JupyterNotebookApp"), "/notebooks/panels.ipynb"),
    "Voila": (voila, "/"),
    "marimo": (marimo, "/"),
}


@contextmanager
def running(host: str, folder: Path) -> Iterator[str]:
    """The address of this host, which serves the folder."""
    port, log = free_port(), folder / f"{host}.log"
    folders = {name: str(folder / part) for part, name in SHARED.items()}
    folders["JUPYTERLAB_SETTINGS_DIR"] = str(folder / "settings")
    command, path = HOSTS[host]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, *command(port, folder)],
            env=os.environ | folders,
            stdout=file,
            stderr=file,
        )
    try:
        root = f"http://127.0.0.1:{port}"
        wait_for(root, process, log)
        yield root + path
    finally:
        process.terminate()
        process.wait(timeout=30)


class Trial:
    """The page of one host, and what was checked on it."""

    def __init__(self, host: str, page: Any, pictures: Path | None) -> None:
        self.host, self.page, self.pictures, self.failures = host, page, pictures, 0

    def check(self, name: str, action: Callable[[], object]) -> None:
        """Print whether the action ends without an error."""
        try:
            action()
            result = "ok"
        except (AssertionError, sync_api.Error) as error:
            result = "FAILED: " + str(error).splitlines()[0]
            self.failures += 1
        print(f"{self.host:10} {name:40} {result}", flush=True)

    def wait_for_charts(self) -> None:
        """Wait until all charts are drawn: as SVG, or by marimo on a canvas."""
        count = CHARTS if self.host != "marimo" else CHARTS - 1  # without the Explorer
        self.page.locator("svg.marks, canvas").nth(count - 1).wait_for(state="attached")

    def filter_the_view(self) -> None:
        """The chart follows the panel."""
        panel = self.page.locator(".etelecom-panel").first
        panel.get_by_label("Direction", exact=True).select_option("out")
        panel.get_by_text("outbound direction").first.wait_for()
        outbound = et.sample_logs().calls.filter(et.CallQuery(direction="out").to_expr())
        offered = et.summarize(outbound, measures="offered").item()
        self.page.locator("svg.marks text", has_text=f"{offered} offered calls").first.wait_for()

    def click_in_the_explorer(self) -> None:
        """A click on a bar selects its calls, and Undo returns."""
        panel = self.page.locator(".etelecom-panel").nth(1)
        panel.locator(".groups_marks path").first.click()
        panel.get_by_text("59 matching calls").first.wait_for()
        panel.get_by_role("button", name="Undo", exact=True).click()
        panel.get_by_text("284 matching calls").first.wait_for()

    def fetch(self) -> None:
        """A fetch ends, and the panel shows its result."""
        panel = self.page.locator(".etelecom-panel").nth(2)
        panel.get_by_role("button", name="Apply", exact=True).click()
        panel.get_by_text("400").first.wait_for()

    def read_the_sentences(self) -> None:
        """Each panel says in a sentence where its controls work."""
        for name in ("FilterPanel", "Explorer", "FetchPanel"):
            self.page.get_by_text(f"{name}: marimo does not show its controls").wait_for()

    def find_no_errors(self) -> None:
        """No message of an error is on the page."""
        text = self.page.inner_text("body")
        errors = [error for error in ERRORS if error in text]
        assert not errors, errors

    def take_picture(self) -> None:
        """A picture of the whole page."""
        if self.pictures:
            height = self.page.evaluate(
                "() => Math.max(...[...document.querySelectorAll('*')].map(e => e.scrollHeight))"
            )
            self.page.set_viewport_size({"width": 1280, "height": min(height + 200, 9000)})
            self.page.screenshot(path=str(self.pictures / f"{self.host}.png"))


def run_all_cells(page: Any) -> None:
    """Run the notebook in JupyterLab or Notebook, once its kernel is there."""
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.wait_for_function(
        "() => jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
    )
    page.evaluate("() => void jupyterapp.commands.execute('notebook:run-all-cells')")


def try_host(host: str, browser: Any, pictures: Path | None) -> int:
    """The number of checks that failed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_cells(folder)
        write_settings(folder / "settings")
        with running(host, folder) as address:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(TIMEOUT_S * 1000)
            page.goto(address, wait_until="commit")
            if host in ("JupyterLab", "Notebook"):
                run_all_cells(page)
            trial = Trial(host, page, pictures)
            trial.check("all charts are drawn", trial.wait_for_charts)
            trial.take_picture()
            if host == "marimo":
                trial.check("panels say where they work", trial.read_the_sentences)
            else:
                trial.check("a chart follows the FilterPanel", trial.filter_the_view)
                trial.check("a click in the Explorer, and Undo", trial.click_in_the_explorer)
                trial.check("a fetch", trial.fetch)
            trial.check("no message of an error", trial.find_no_errors)
            page.close()
    return trial.failures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hosts", nargs="*", help=f"of {', '.join(HOSTS)}; all by default")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of the pages")
    arguments = parser.parse_args()
    if unknown := set(arguments.hosts) - set(HOSTS):
        parser.error(f"unknown host: {', '.join(sorted(unknown))}")
    if arguments.pictures:
        arguments.pictures.mkdir(parents=True, exist_ok=True)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        failures = sum(
            try_host(host, browser, arguments.pictures) for host in arguments.hosts or HOSTS
        )
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
