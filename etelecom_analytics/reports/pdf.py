"""A report as PDF, printed by a Chromium that is installed."""

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .. import storage
from ..errors import ReportError

__all__ = ["find_browser", "pdf_bytes", "write_pdf"]

BROWSER_VARIABLE = "ETELECOM_BROWSER"
"""The environment variable with the path of a browser to use."""

_NAMES = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    *("microsoft-edge", "microsoft-edge-stable", "msedge"),
)
_MAC_APPS = ("Google Chrome", "Chromium", "Microsoft Edge")
_WINDOWS_PLACES = (
    r"Google\Chrome\Application\chrome.exe",
    r"Chromium\Application\chrome.exe",
    r"Microsoft\Edge\Application\msedge.exe",
)
_MISSING = (
    "A PDF is printed by Chromium, Google Chrome or Microsoft Edge, and none was found. Install "
    "one (apt-get install chromium), set ETELECOM_BROWSER to its path, or open the HTML report in "
    "any browser and print it to a PDF."
)
_TIMEOUT_S = 120
_A4_WIDTH = 736
"""The width in pixels at which the page is as wide as on A4, so that charts are drawn to fit."""
_DRAWING_MS = 20_000
"""Time on the page's own clock to draw charts in; it passes faster than real time."""


def find_browser() -> str:
    """The path of an installed Chromium, Chrome or Edge.

    Raises:
        ReportError: there is none; the message says what to do.
    """
    if chosen := os.environ.get(BROWSER_VARIABLE):
        if program := shutil.which(chosen):
            return program
        raise ReportError(f"{BROWSER_VARIABLE} names no program: {chosen}.")
    if installed := next(filter(None, map(shutil.which, _NAMES)), None):
        return installed
    if place := next((each for each in _places() if each.is_file()), None):
        return str(place)
    raise ReportError(_MISSING)


def _places() -> Iterator[Path]:
    """Where browsers are on systems that do not have them on the search path."""
    for name in _MAC_APPS:
        yield Path("/Applications", f"{name}.app", "Contents", "MacOS", name)
    for variable in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
        if folder := os.environ.get(variable):
            yield from (Path(folder, place) for place in _WINDOWS_PLACES)


def pdf_bytes(page: Path, *, browser: str | None = None, timeout_s: float = _TIMEOUT_S) -> bytes:
    """The HTML file as printed on A4, with page numbers; without the network.

    Args:
        page: the HTML file.
        browser: the path of the browser; by default that of `find_browser`.
        timeout_s: the longest time to wait for the browser, in seconds.

    Raises:
        ReportError: there is no browser, or it printed nothing.
    """
    browser = browser or find_browser()
    # A profile of its own: a browser that runs already would print into its own window.
    with tempfile.TemporaryDirectory(prefix="etelecom-pdf-", ignore_cleanup_errors=True) as folder:
        output = Path(folder, "report.pdf")
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--no-first-run",
            "--disable-extensions",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={Path(folder, 'profile')}",
            f"--window-size={_A4_WIDTH},1000",
            f"--virtual-time-budget={_DRAWING_MS}",
            # The page has its own page numbers; the browser's header has the path of the file.
            "--no-pdf-header-footer",
            "--print-to-pdf-no-header",
            f"--print-to-pdf={output}",
            *(["--no-sandbox"] if _is_root() else []),
            page.absolute().as_uri(),
        ]
        name = Path(browser).name
        try:
            result = subprocess.run(  # noqa: S603  # the browser of this machine
                command,
                # Pipes would stay open as long as a child of the browser lives.
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ReportError(f"{name} printed nothing in {timeout_s:.0f} s.") from error
        except OSError as error:
            raise ReportError(f"{name} cannot be run: {storage.reason(error)}.") from error
        content = output.read_bytes() if output.is_file() else b""
    if not content.startswith(b"%PDF"):
        raise ReportError(
            f"{name} printed no PDF (exit code {result.returncode}): open {page.name} in a browser "
            "and print it from there."
        )
    return content


def _is_root() -> bool:
    """Whether the process runs as root, for which Chromium has no sandbox."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def write_pdf(page: Path, output: Path) -> Path:
    """The path of a new PDF file of an HTML file, with the same permissions.

    Raises:
        ReportError: there is no browser, it printed nothing, or the file cannot be written.
    """
    content = pdf_bytes(page)
    try:
        if output.is_file():  # a replaced file keeps its mode, which may be wider
            output.chmod(stat.S_IMODE(page.stat().st_mode))
        return storage.write_file(output, content)
    except OSError as error:
        raise ReportError(f"The PDF cannot be written: {storage.reason(error)}.") from error
