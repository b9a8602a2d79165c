"""PDF files: which browser prints them, and what happens without one."""

import os
import sys
from pathlib import Path

import nbformat
import pytest

from etelecom_analytics import errors
from etelecom_analytics.cli import app
from etelecom_analytics.reports.pdf import find_browser, pdf_bytes, write_pdf

SAMPLE = str(Path(__file__).parents[2] / "data" / "sample")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the browsers of these tests are scripts")


def browser(folder: Path, *lines: str) -> str:
    """A program that takes the arguments of a browser."""
    path = folder / "chromium"
    path.write_text("\n".join([f"#!{sys.executable}", "import sys, time, os", *lines]))
    path.chmod(0o755)
    return str(path)


PRINTING = """
values = dict(each.split("=", 1) for each in sys.argv if "=" in each)
assert os.listdir(os.path.dirname(values["--user-data-dir"])) == []
assert sys.argv[-1].startswith("file:///") and "--headless" in sys.argv
open(values["--print-to-pdf"], "wb").write(b"%PDF-1.4 a page")
"""


def test_no_browser_is_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("ETELECOM_BROWSER", raising=False)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(errors.ReportError, match="apt-get install chromium"):
        find_browser()
    assert app.main(["report", SAMPLE, "--pdf"]) == 1  # before the report runs
    assert "print it to a PDF" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_browser_is_found_on_the_path_or_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = browser(tmp_path, PRINTING)
    monkeypatch.delenv("ETELECOM_BROWSER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_browser() == path
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("ETELECOM_BROWSER", path)
    assert find_browser() == path
    monkeypatch.setenv("ETELECOM_BROWSER", str(tmp_path / "none"))
    with pytest.raises(errors.ReportError, match="ETELECOM_BROWSER names no program"):
        find_browser()


def test_pdf_has_the_permissions_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ETELECOM_BROWSER", browser(tmp_path, PRINTING))
    page, output = tmp_path / "r.html", tmp_path / "r.pdf"
    page.write_text("<p>full numbers</p>")
    page.chmod(0o600)
    output.write_bytes(b"an older one")
    output.chmod(0o644)

    write_pdf(page, output)
    assert output.read_bytes() == b"%PDF-1.4 a page"
    assert output.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("sys.exit(3)", r"printed no PDF \(exit code 3\): open r.html in a browser"),
        ("time.sleep(60)", "chromium printed nothing in 1 s"),
    ],
)
def test_browser_that_prints_nothing_is_an_error(line: str, message: str, tmp_path: Path):
    with pytest.raises(errors.ReportError, match=message):
        pdf_bytes(tmp_path / "r.html", browser=browser(tmp_path, line), timeout_s=1)


@pytest.mark.slow
def test_command_writes_the_pdf_beside_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("ETELECOM_BROWSER", browser(tmp_path / "bin", PRINTING))
    monkeypatch.chdir(tmp_path)
    cell = nbformat.v4.new_code_cell('snapshot: str = ""', metadata={"tags": ["parameters"]})
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), "own.ipynb")
    arguments = ["report", SAMPLE, "--notebook", "own.ipynb", "--pdf", "-o"]

    assert app.main([*arguments, "week.html"]) == 0
    assert str(tmp_path / "week.pdf") in capsys.readouterr().out
    assert Path("week.pdf").read_bytes().startswith(b"%PDF")
    assert app.main([*arguments, "week.pdf"]) == 2
    assert "The report is an HTML file" in capsys.readouterr().err
