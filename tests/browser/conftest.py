"""JupyterLab in headless Chromium, without the internet.

Without Chromium these tests are skipped; with REQUIRE_BROWSER=1 they fail.
ETELECOM_SCREENSHOTS may name a folder outside the project for screenshots.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import nbformat
import pytest
from playwright import sync_api
from support.browser import (
    CHROMIUM,
    FLAGS,
    ROOT,
    BrowserPage,
    Lab,
    free_port,
    wait_for,
    write_notebook,
    write_settings,
)


# Of a module only, because Playwright runs an event loop that other tests do not expect.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not CHROMIUM:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail("REQUIRE_BROWSER=1, but Chromium is missing: apt-get install chromium")
        pytest.skip("Chromium is missing: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., BrowserPage]]:
    """Opens pages, which are closed after the test."""
    pages: list[BrowserPage] = []

    def open_one(*, dark: bool = False) -> BrowserPage:
        pages.append(BrowserPage(browser, dark=dark))
        return pages[-1]

    yield open_one
    for page in pages:
        page.context.close()


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
    write_settings(home / "settings")
    port = free_port()
    folders = {
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
        f"--ServerApp.port={port}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={home / 'work'}",
        "--IdentityProvider.token=",
        "--ServerApp.disable_check_xsrf=True",
        "--ServerApp.open_browser=False",
        "--ServerApp.allow_root=True",
        "--LabApp.expose_app_in_browser=True",
    ]
    environment = os.environ | {name: str(path) for name, path in folders.items()}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], env=environment, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{url}/api/status", process, home / "log")
        yield Lab(home / "work", url)
    finally:
        process.terminate()
        process.wait(timeout=30)
