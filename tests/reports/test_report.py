"""Reports: reproducible bytes, invalid input rejected before a run, and no partial files."""

import base64
import dataclasses
import hashlib
import html
import json
import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import polars as pl
import pytest

import etelecom_analytics as et
from etelecom_analytics import errors
from etelecom_analytics.manifest import Manifest
from etelecom_analytics.phone_numbers import masked
from etelecom_analytics.reports import BUNDLED, completeness
from etelecom_analytics.reports.request import notebook_parameters

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent
SAMPLE = ROOT / "data" / "sample"
IVR = {"ivr_numbers": ["8000", "8100"]}
OPTIONS = et.MetricOptions(ivr_numbers=("8000", "8100"))
PARAMETERS = """snapshot: str = ""
limit: int = 3
words: list[str] = ["a = b # c"]
rate: float = 0.5
note: str | None = None"""
CHARTS = {"daily": 5, "weekly": 7, "extensions": 3}
"""Of each notebook; the monthly report is the weekly one with other dates."""

BundledReport = Callable[[str], Path]


def notebook(folder: Path, *sources: str, parameters: str = PARAMETERS) -> Path:
    """A new notebook with these code cells below its parameters."""
    cells = [
        nbformat.v4.new_markdown_cell("# Our own <b>report</b>"),
        nbformat.v4.new_code_cell(parameters),
    ]
    cells[1].metadata["tags"] = ["parameters"]
    path = folder / "own.ipynb"
    nbformat.write(
        nbformat.v4.new_notebook(cells=[*cells, *map(nbformat.v4.new_code_cell, sources)]), path
    )
    return path


def text_of(page: str) -> str:
    body = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)))


def specs_of(page: str) -> dict[str, Any]:
    return dict(json.loads(re.search(r"const charts = (.*?);\n", page)[1]))  # type: ignore[index]


@pytest.fixture(scope="module")
def logs() -> et.CallLogs:
    return et.read_snapshot(SAMPLE)


@pytest.fixture(scope="module")
def bundled_report(tmp_path_factory: pytest.TempPathFactory) -> BundledReport:
    """Writes each bundled report of the sample once."""
    paths: dict[str, Path] = {}

    def write(name: str) -> Path:
        if name not in paths:
            folder = tmp_path_factory.mktemp(name)
            paths[name] = et.write_report(
                SAMPLE,
                folder / "deeper" / "report.html",
                notebook=name,
                parameters={"options": IVR},
                png_folder=folder / "png",
            )
        return paths[name]

    return write


@pytest.mark.parametrize("name", CHARTS)
def test_bundled_report_lists_what_it_depends_on(
    name: str, bundled_report: BundledReport, logs: et.CallLogs
):
    page = bundled_report(name).read_text(encoding="utf-8")
    text, manifest = text_of(page), json.loads((SAMPLE / "manifest.json").read_text())

    assert manifest["files"]["calls.parquet"]["sha256"] in text
    for fact in (
        str(logs.query), "from 2026-11-02 00:00+07:00 to 2026-11-09 00:00+07:00", f"{name}.ipynb",
        "show_numbers=false", "as_of='2026-11-09T00:00:00+07:00'", "ivr_numbers=('8000', '8100')",
        f"etelecom_analytics {et.__version__}", f"Polars {pl.__version__}",
    ):  # fmt: skip
        assert fact in text
    assert str(SAMPLE) not in page
    assert len(specs_of(page)) == CHARTS[name]
    assert (
        len(re.findall(r'<div id="chart-\d+" role="img" aria-label="[^"]{20,}">', page))
        == CHARTS[name]
    )


def test_weekly_kpis_are_those_of_inbound_calls(bundled_report: BundledReport, logs: et.CallLogs):
    text = text_of(bundled_report("weekly").read_text(encoding="utf-8"))
    inbound = logs.calls.filter(pl.col("direction") == "in")
    row = et.summarize(
        inbound,
        measures=["offered", "answer_rate", "service_level"],
        options=OPTIONS,
        confidence=True,
    ).row(0, named=True)

    assert f"Offered calls {row['offered']:,}" in text
    assert f"Offered {row['offered']:,} answered or missed calls" in text
    for name, title in (("answer_rate", "Answer rate"), ("service_level", "Service level")):
        counts = f"{row[f'{name}_num']:,} of {row[f'{name}_den']:,}"
        low = f"95 %: {row[f'{name}_low'] * 100:.1f} %"
        assert f"{row[name] * 100:.1f} % {counts}" in text  # on the card
        assert f"{title} {row[name] * 100:.1f} % {counts}; {low}" in text


def test_weekly_report_of_some_days_shows_changes_from_the_previous_period(
    logs: et.CallLogs, tmp_path: Path
):
    days = {"date_from": "2026-11-05", "date_to": "2026-11-07"}
    path = et.write_report(
        SAMPLE, tmp_path / "days.html", notebook="weekly", parameters={"options": IVR, **days}
    )
    queries = [
        et.CallQuery(direction="in", date_from=first, date_to=after)
        for first, after in (("2026-11-03", "2026-11-05"), days.values())
    ]
    (row,) = et.metrics.compare(
        *(logs.calls.filter(query.to_expr()) for query in queries),
        ["answer_rate"],
        options=OPTIONS,
    ).rows(named=True)

    text = text_of(path.read_text(encoding="utf-8"))
    assert "Changes are against the previous period: 3–4 Nov 2026." in text
    assert f"{row['difference'] * 100:+.1f} points against {row['before'] * 100:.1f} %" in text


def test_same_snapshot_and_parameters_give_same_bytes(
    bundled_report: BundledReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Also for a copy of the snapshot, another folder, other threads and another hash seed."""
    copy = et.write_snapshot(et.read_snapshot(SAMPLE), tmp_path / "elsewhere" / "copy")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONHASHSEED", "12345")
    monkeypatch.setenv("POLARS_MAX_THREADS", "1")
    again = et.write_report(
        copy, "again.html", notebook="extensions", parameters={"options": IVR}, png_folder="png"
    )

    first = bundled_report("extensions")
    assert again.read_bytes() == first.read_bytes()
    pictures = sorted((first.parent.parent / "png").iterdir())
    assert [path.name for path in pictures] == [
        "01-answer-rate-of-offers-that-the-agent-could-take.png",
        "02-how-long-offers-rang.png",
        "03-hunt-paths.png",
    ]
    assert [path.read_bytes() for path in pictures] == [
        (tmp_path / "png" / path.name).read_bytes() for path in pictures
    ]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


@pytest.mark.parametrize("name", CHARTS)
def test_report_has_no_traces_of_its_run(name: str, bundled_report: BundledReport):
    page = re.sub(
        r"<script>.*?</script>",
        "",
        bundled_report(name).read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )

    for trace in (
        "papermill",
        "execution",
        "ipykernel",
        "widget",
        "/tmp/",  # noqa: S108  # a text to search for, not a file
        "import etelecom_analytics",
    ):
        assert trace not in page
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page)


def test_policy_allows_only_the_two_scripts_of_the_report(bundled_report: BundledReport):
    page = bundled_report("weekly").read_text(encoding="utf-8")

    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    hashes = [
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts
    ]
    assert re.findall(r"'sha256-([^']+)'", policy[1]) == hashes
    assert len(scripts) == 2
    assert "unsafe-inline" not in policy[1].split("script-src")[1].split(";")[0]


@pytest.mark.parametrize("name", CHARTS)
def test_report_has_no_external_numbers_and_no_links_to_recordings(
    name: str, bundled_report: BundledReport, logs: et.CallLogs
):
    page = bundled_report(name).read_text(encoding="utf-8")

    numbers = {
        number
        for column in ("caller", "callee")
        for number in logs.calls[column].drop_nulls()
        if len(number) > 5
    }
    assert len(numbers) > 100
    assert not [number for number in numbers if number in page]
    assert "recordings.example" not in page


def test_show_numbers_shows_external_numbers(tmp_path: Path, logs: et.CallLogs):
    page = et.write_report(
        SAMPLE, tmp_path / "r.html", parameters={"show_numbers": True, "options": IVR}
    ).read_text(encoding="utf-8")

    still_open = et.metrics.missed_ledger(
        logs.calls, options=dataclasses.replace(OPTIONS, as_of=logs.report.complete_to)
    ).filter(outcome="open")
    text = text_of(page)
    assert still_open.height > 10
    for caller in still_open["caller"].head(10):
        assert caller in text
    assert "external phone numbers are masked" not in text
    assert "recordings.example" not in page


def test_period_that_was_not_fetched_is_stated_below_the_title(tmp_path: Path, logs: et.CallLogs):
    days = {"date_from": "2027-01-01", "date_to": "2027-01-08"}
    text = text_of(
        et.write_report(SAMPLE, tmp_path / "r.html", parameters=days).read_text(encoding="utf-8")
    )

    assert (
        "Calls: 1–7 Jan 2027 (Asia/Ho_Chi_Minh), from a snapshot of calls of 2–8 Nov 2026" in text
    )
    assert "Not fetched: Fri 1 Jan 2027 00:00 to Fri 8 Jan 2027 00:00." in text
    assert "This period was not fetched, so its measures are unknown." in text
    only_out = dataclasses.replace(logs, query=dataclasses.replace(logs.query, direction="out"))
    assert completeness(only_out, et.CallQuery()).endswith(
        "Only calls of outbound direction were fetched."
    )
    assert (
        completeness(logs, et.CallQuery())
        == "Complete from Mon 2 Nov 2026 00:00 through Mon 9 Nov 2026 00:00."
    )


def test_notebook_without_options_may_use_date_from_for_other_text(tmp_path: Path):
    parameters = (
        'snapshot: str = ""\ndate_from: str = "when we moved"\nown_numbers: list | None = None'
    )
    own = notebook(tmp_path, "print(date_from)", parameters=parameters)
    text = text_of(
        et.write_report(SAMPLE, tmp_path / "r.html", notebook=own).read_text(encoding="utf-8")
    )

    assert "when we moved" in text
    assert "Snapshot of calls of 2–8 Nov 2026" in text


def test_own_numbers_are_not_masked(tmp_path: Path, logs: et.CallLogs):
    ledger = et.metrics.missed_ledger(
        logs.calls, options=dataclasses.replace(OPTIONS, as_of=logs.report.complete_to)
    )
    own, *others = ledger.filter(outcome="open")["caller"].unique(maintain_order=True).head(5)
    parameters = {"own_numbers": [own], "options": IVR}
    text = text_of(
        et.write_report(SAMPLE, tmp_path / "r.html", parameters=parameters).read_text(
            encoding="utf-8"
        )
    )

    assert text.count(own) > 1  # in the tables, and among the parameters
    assert not any(other in text for other in others)
    with pytest.raises(errors.InputError, match="own_numbers must be a list"):
        et.write_report(SAMPLE, tmp_path / "r.html", parameters={"own_numbers": [19001]})


NOTEBOOK_WITHOUT_MASKING = [
    """import altair as alt, polars as pl, etelecom_analytics as et
from IPython.display import HTML, Markdown, display

logs = et.read_snapshot(snapshot)
et.charts.use_offline_renderer()
pl.Config.set_fmt_str_lengths(200).set_tbl_rows(20).set_tbl_width_chars(600)
is_recorded = pl.col("recording_urls").list.len() > 0
rows = logs.calls.filter(is_recorded, pl.col("caller").str.contains("^0[0-9]{9}$")).head(8)
links = [link for links in rows["recording_urls"] for link in links]""",
    'rows.select("caller", "recording_urls", "duration")',
    """for number in rows["caller"]:
    print(number, "+84" + number[1:], f"({number[:4]}) {number[4:7]}-{number[7:]}", number, 120)
print(rows, links)""",
    """display(Markdown(f"- {rows['caller'][0]} [listen]({links[0]})"))
display(HTML(f"<a href={links[1]}>{links[1]}</a>"))""",
    """chart = alt.Chart(rows.select("caller", "duration"), title=rows["caller"][1]).mark_bar()
chart.encode(y="caller:N", x="duration:Q")""",
]


def test_numbers_and_links_are_removed_from_any_output(tmp_path: Path, logs: et.CallLogs):
    """In text, tables and charts, and in every notation of the numbers."""
    own = notebook(tmp_path, *NOTEBOOK_WITHOUT_MASKING)
    page = et.write_report(SAMPLE, tmp_path / "r.html", notebook=own).read_text(encoding="utf-8")
    rows = logs.calls.filter(
        pl.col("recording_urls").list.len() > 0, pl.col("caller").str.contains("^0[0-9]{9}$")
    ).head(8)

    without_separators = re.sub(r"[ ()+-]", "", text_of(page)) + page
    assert rows.height == 8
    for number in rows["caller"]:
        assert number not in without_separators
        assert number[1:] not in without_separators
    assert "recordings.example" not in page
    assert f"{rows['caller'][0][:3]}*****{rows['caller'][0][-2:]}" in page
    (spec,) = specs_of(page).values()
    callers = {row["caller"] for data in spec["datasets"].values() for row in data}
    # Callers with equal masks are still distinct.
    assert len(callers) == rows["caller"].n_unique()


EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


def test_external_text_is_escaped(tmp_path: Path, logs: et.CallLogs):
    legs = pl.element().struct.with_fields(target_number=pl.lit(EVIL), trunk_name=pl.lit(EVIL))
    calls = logs.calls.with_columns(
        note=pl.lit(EVIL),
        caller=pl.lit(EVIL),
        callee=pl.lit(EVIL),
        call_targets=pl.col("call_targets").list.eval(legs),
    ).cast(logs.calls.schema)
    folder = et.write_snapshot(dataclasses.replace(logs, calls=calls), tmp_path / "evil")
    own = notebook(
        tmp_path,
        "import etelecom_analytics as et\nfrom IPython.display import HTML, Markdown, display\n"
        "logs = et.read_snapshot(snapshot)\net.charts.use_offline_renderer()\n"
        "note = logs.calls['note'][0]\nlogs.calls.select('note', 'caller').head(2)",
        "et.reports.table(logs.calls.select('note', 'caller').rename({'note': note}).head(2))",
        "display(HTML(note), Markdown(note)); print(note)",
        "et.charts.answer_rate(logs.calls, by='caller')",
        "et.charts.extension_performance(logs.calls).properties(title=note)",
    )
    page = et.write_report(folder, tmp_path / "r.html", notebook=own).read_text(encoding="utf-8")

    assert page.count("<script>") == page.count("</script>") == 2
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "<h1>Our own &lt;b&gt;report&lt;/b&gt;</h1>" in page


def test_outputs_of_each_kind(tmp_path: Path):
    own = notebook(
        tmp_path,
        "print(limit, words, rate, note)",
        "import sys, warnings; print('to stderr', file=sys.stderr); warnings.warn('a warning')",
        "import ipywidgets; ipywidgets.IntSlider(description='a slider')",
        "from IPython.display import SVG, Image, display\n"
        'display(SVG(\'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script>'
        '<circle r="9"/></svg>\'))',
        "from pathlib import Path; Path('own.ipynb').exists()",
    )
    page = et.write_report(
        SAMPLE, tmp_path / "r.html", notebook=own, parameters={"limit": 7, "rate": 2, "note": "<i>"}
    ).read_text(encoding="utf-8")

    assert "<pre>7 [&#x27;a = b # c&#x27;] 2.0 &lt;i&gt;\n</pre>" in page
    assert "to stderr" not in page
    assert "a warning" not in page
    assert "slider" not in page.lower()
    assert '<img alt="' in page
    assert "data:image/svg+xml;base64," in page
    assert "<pre>True</pre>" in page  # the notebook runs in its own folder
    assert "<script>" not in page  # only charts need scripts
    assert "script-src 'none'" in page
    assert 'limit=7, words=["a = b # c"], rate=2.0, note="<i>"' in html.unescape(page)


INVALID_PARAMETERS = [
    ({"limits": 3}, errors.UnknownName, "There is no parameter 'limits'. Did you mean limit?"),
    ({"limit": "3"}, errors.InputError, "The parameter 'limit' must be a whole number; got 3."),
    ({"limit": True}, errors.InputError, "'limit' must be a whole number; got true"),
    ({"limit": 3.5}, errors.InputError, "'limit' must be a whole number; got 3.5"),
    ({"words": "a"}, errors.InputError, "'words' must be a list; got a"),
    ({"note": 3}, errors.InputError, "'note' must be text or null; got 3"),
    (
        {"note": object()},
        errors.InputError,
        "'note' takes text, numbers, true, false, and lists and mappings of them; got object",
    ),
    ({"snapshot": "x"}, errors.InputError, "The snapshot is the report's first argument"),
]


@pytest.mark.parametrize(
    ("parameters", "kind", "message"),
    INVALID_PARAMETERS,
    ids=[str(list(each[0])) for each in INVALID_PARAMETERS],
)
def test_invalid_parameters_are_rejected_before_the_run(
    parameters: Any, kind: type, message: str, tmp_path: Path
):
    own = notebook(tmp_path, "from pathlib import Path; Path('ran').touch()")

    with pytest.raises(kind, match=re.escape(message)):
        et.write_report(SAMPLE, tmp_path / "r.html", notebook=own, parameters=parameters)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own.ipynb"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"snapshot": et.sample_logs()}, "snapshot must be a path, as text or Path; got CallLogs."),
        ({"output": 912345678}, "output must be a path, as text or Path; got 91…."),
        ({"output": ""}, "output must be a path, as text or Path; got ''."),
        ({"png_folder": ["0912345678"]}, "png_folder must be a path, as text or Path; got list"),
        ({"notebook": None}, "notebook must be a path, as text or Path; got None."),
        ({"notebook": "0912345678"}, "There is no bundled report '09…'."),
        ({"parameters": ["0912345678"]}, "parameters must be a mapping"),
        ({"parameters": {"0912345678": 1}}, "There is no parameter '09…'."),
        ({"parameters": {912345678: 1}}, "There is no parameter '91…'."),
        ({"parameters": {"date_from": 912345678}}, "must be text; got 91…."),
        ({"parameters": {"own_numbers": [912345678]}}, "own_numbers must be a list"),
        ({"parameters": {"options": {"0912345678": 1}}}, "There is no option '09…'."),
        ({"parameters": {"options": {"time_zone": "0912345678"}}}, "The options are for '09…'"),
    ],
    ids=[
        "snapshot", "output", "empty output", "png_folder", "notebook", "unknown notebook",
        "parameters", "unknown parameter", "integer parameter", "wrong type", "own_numbers",
        "options", "time_zone",
    ],
)  # fmt: skip
def test_invalid_arguments_are_named_without_phone_numbers(
    arguments: dict[str, Any], message: str, tmp_path: Path
):
    call = {"snapshot": SAMPLE, "output": tmp_path / "r.html"} | arguments
    with pytest.raises(errors.InputError, match=re.escape(message)) as caught:
        et.write_report(call.pop("snapshot"), call.pop("output"), **call)
    assert "912345" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_report_states_the_hash_of_the_file(tmp_path: Path, logs: et.CallLogs):
    """Also if another version of Polars wrote other bytes for the same calls."""
    snapshot = et.write_snapshot(logs, tmp_path / "week")
    written = Manifest.read((snapshot / "manifest.json").read_bytes(), snapshot)
    logs.calls.write_parquet(snapshot / "calls.parquet", compression="lz4")
    digest = hashlib.sha256((snapshot / "calls.parquet").read_bytes()).hexdigest()
    assert digest != written.hashes["calls.parquet"]
    changed = dataclasses.replace(written, hashes=written.hashes | {"calls.parquet": digest})
    (snapshot / "manifest.json").write_bytes(changed.to_bytes())

    path = et.write_report(snapshot, tmp_path / "r.html", notebook=notebook(tmp_path))
    assert digest in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"options": {"threshold": 3}},
            "There is no option 'threshold'. Did you mean threshold_s?",
        ),
        ({"options": {"variant": "abandoned"}}, "There is no service level variant 'abandoned'"),
        (
            {"options": {"time_zone": "UTC"}},
            "The options are for 'UTC', but the snapshot is in Asia/Ho_Chi_Minh",
        ),
        ({"date_to": "tomorrow"}, "date_to must be a date"),
        ({"date_to": "31/02/2026"}, "month 02 of 2026 has no day 31 (the day comes first)"),
        ({"date_from": "2027-01-01"}, "date_from must be before the end of the snapshot, 2026"),
        ({"date_to": "01/11/2026"}, "date_to must be after the begin of the snapshot, 2026-11-02"),
        ({"date_from": "2026-11-05", "date_to": "2026-11-05"}, "date_to is the day after"),
        ({"options": []}, "The parameter 'options' must be a mapping; got []."),
    ],
)
def test_invalid_options_and_dates_are_rejected(parameters: Any, message: str, tmp_path: Path):
    with pytest.raises(errors.InputError, match=re.escape(message)):
        et.write_report(SAMPLE, tmp_path / "r.html", parameters=parameters)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ("limit: int = 3", "has no parameter 'snapshot'"),
        ("snapshot = open('x')", "'snapshot' of own.ipynb has no literal value"),
        ("snapshot = ''\nimport os", "contains more than names with literal values (line 2)"),
        ("snapshot = ", "is not valid Python: invalid syntax, line 1"),
    ],
)
def test_notebook_that_is_not_a_report_is_rejected(parameters: str, message: str, tmp_path: Path):
    with pytest.raises(errors.InputError, match=re.escape(message)):
        et.write_report(
            SAMPLE, tmp_path / "r.html", notebook=notebook(tmp_path, parameters=parameters)
        )


def test_untagged_non_python_invalid_and_missing_notebooks_are_rejected(tmp_path: Path):
    untagged, julia, text, old, odd = (
        tmp_path / f"{name}.ipynb" for name in ("untagged", "julia", "text", "old", "odd")
    )
    old.write_text('{"nbformat": 3, "worksheets": []}')
    odd.write_text('{"nbformat": 4, "cells": [{"cell_type": "code", "source": 1}]}')
    nbformat.write(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("snapshot = ''")]), untagged
    )
    nbformat.write(
        nbformat.v4.new_notebook(
            metadata={"kernelspec": {"name": "j", "display_name": "J", "language": "julia"}}
        ),
        julia,
    )
    text.write_text("no notebook")

    for path, kind, message in (
        (untagged, errors.InputError, "untagged.ipynb has no cell tagged 'parameters'"),
        (julia, errors.ReportError, "julia.ipynb is a notebook in julia"),
        (text, errors.ReportError, "text.ipynb is not a valid notebook"),
        (old, errors.ReportError, "old.ipynb has format 3 of notebooks: open and save it"),
        (odd, errors.ReportError, "odd.ipynb is not a valid notebook"),
        (tmp_path / "none.ipynb", errors.ReportError, "There is no notebook"),
        ("weakly", errors.UnknownName, "There is no bundled report 'weakly'. Did you mean weekly"),
    ):
        with pytest.raises(kind, match=re.escape(message)):
            et.write_report(SAMPLE, tmp_path / "r.html", notebook=path)


def test_failing_cell_raises_its_error_and_changes_no_file(tmp_path: Path):
    own = notebook(
        tmp_path,
        "1 + 1",
        "raise ValueError(f'{limit} calls of 0900000017 are too few')",
        "open('ran', 'w')",
    )
    (tmp_path / "r.html").write_text("previous report")

    with pytest.raises(errors.ReportError) as caught:
        et.write_report(SAMPLE, tmp_path / "r.html", notebook=own, png_folder=tmp_path / "png")
    assert (
        str(caught.value) == "Cell 4 of own.ipynb failed, so no report was written. "
        "ValueError: 3 calls of 09… are too few"
    )
    assert (caught.value.cell, caught.value.kind, caught.value.message) == (
        4,
        "ValueError",
        "3 calls of 09… are too few",
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own.ipynb", "r.html"]
    assert (tmp_path / "r.html").read_text() == "previous report"


def test_chart_that_needs_the_internet_is_rejected(tmp_path: Path):
    own = notebook(
        tmp_path,
        "import altair as alt, polars as pl\nalt.Chart(pl.DataFrame({'a': [1]})).mark_bar()",
    )

    with pytest.raises(
        errors.ReportError,
        match=re.escape("The chart of cell 3 of own.ipynb is drawn by a script from the internet"),
    ):
        et.write_report(SAMPLE, tmp_path / "r.html", notebook=own)
    assert not (tmp_path / "r.html").exists()


def test_unwritable_output_is_rejected_before_the_run(tmp_path: Path):
    own = notebook(tmp_path, "from pathlib import Path; Path('ran').touch()")
    (tmp_path / "file").write_text("")

    for output, pngs, message in (
        (tmp_path, None, "is a folder: give a file name"),
        (tmp_path / "file" / "r.html", None, "No file can be written in"),
        (tmp_path / "r.html", tmp_path / "file", "is a file: give a folder for the PNG files"),
    ):
        with pytest.raises(errors.ReportError, match=re.escape(message)):
            et.write_report(SAMPLE, output, notebook=own, png_folder=pngs)
    with pytest.raises(errors.SnapshotError, match="there is no folder"):
        et.write_report(tmp_path / "nothing", tmp_path / "r.html", notebook=own)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "own.ipynb"]


def test_snapshot_replaced_during_the_run_is_an_error(tmp_path: Path, logs: et.CallLogs):
    folder = et.write_snapshot(logs, tmp_path / "snapshot")
    own = notebook(
        tmp_path,
        "import dataclasses, etelecom_analytics as et\nlogs = et.read_snapshot(snapshot)\n"
        "few = dataclasses.replace(logs, calls=logs.calls.head(5))\n"
        "et.write_snapshot(few, snapshot, replace=True);",
    )

    with pytest.raises(errors.SnapshotError, match="was replaced while the report was made"):
        et.write_report(folder, tmp_path / "r.html", notebook=own)
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize("missing", ["IPython", "bleach", "mistune"])
def test_missing_packages_are_named_in_the_error(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, missing, None)

    with pytest.raises(
        errors.ReportError, match=re.escape('pip install "etelecom_analytics[report]"')
    ):
        et.write_report(SAMPLE, tmp_path / "r.html")


def test_a_chosen_title_is_escaped_and_masked(tmp_path: Path, logs: et.CallLogs):
    number = logs.calls.filter(direction="in")["caller"].drop_nulls()[0]
    title = f"Week 45 <b>of</b>\n{number}"
    hidden = pl.select(masked(pl.lit(number))).item()
    expected = f"Week 45 &lt;b&gt;of&lt;/b&gt; {hidden}"
    own = notebook(tmp_path, "print(1)")
    path = et.write_report(SAMPLE, tmp_path / "r.html", notebook=own, title=title)
    assert f"<h1>{expected}</h1>" in path.read_text(encoding="utf-8")
    page = et.write_page(logs, tmp_path / "page.html", title=title).read_text(encoding="utf-8")
    assert f"<h1>{expected}</h1>" in page
    book = et.write_workbook(logs, tmp_path / "week.xlsx", title=title)
    strings = zipfile.ZipFile(book).read("xl/sharedStrings.xml").decode("utf-8")
    assert expected in strings
    with pytest.raises(errors.InputError, match="The title is a text"):
        et.write_page(logs, tmp_path / "page.html", title="x" * 201)


def test_dates_with_the_day_first_give_the_same_bytes(tmp_path: Path):
    own = notebook(
        tmp_path,
        "print(date_from, date_to)",
        parameters='snapshot: str = ""\ndate_from: str = ""\ndate_to: str = ""\noptions: dict = {}',
    )
    pages = [
        et.write_report(
            SAMPLE,
            tmp_path / f"{begin.replace('/', '-')}.html",
            notebook=own,
            parameters={"date_from": begin, "date_to": end},
        ).read_text(encoding="utf-8")
        for begin, end in (("2026-11-03", "2026-11-05T08:30"), ("03/11/2026", "5/11/2026 8:30"))
    ]

    assert pages[0] == pages[1]
    assert "<pre>2026-11-03 2026-11-05T08:30:00+07:00\n</pre>" in pages[0]


def test_as_of_is_the_end_of_the_selected_period(tmp_path: Path):
    own = notebook(
        tmp_path,
        "print(options)",
        parameters='snapshot: str = ""\ndate_to: str = ""\noptions: dict = {}',
    )

    for parameters, as_of in (
        ({"date_to": "2026-11-05"}, "2026-11-05T00:00:00+07:00"),
        (
            {"options": {"as_of": "2026-11-04T08:00", "holidays": ["2026-11-03"]}},
            "2026-11-04T08:00:00+07:00",
        ),
    ):
        page = et.write_report(
            SAMPLE, tmp_path / "r.html", notebook=own, parameters=parameters
        ).read_text(encoding="utf-8")
        assert f"'as_of': '{as_of}'" in html.unescape(page)
        assert ("holidays=['2026-11-03']" in html.unescape(page)) is ("options" in parameters)


@pytest.mark.parametrize("name", ["calls", "extensions"])
def test_bundled_notebook_has_no_outputs_and_no_functions(name: str):
    path = Path(et.reports.__file__).parent / "notebooks" / f"{name}.ipynb"
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]

    assert all(not cell.outputs and cell.execution_count is None for cell in cells)
    for cell in cells:
        assert not re.search(r"^\s*(def|class|for|while)\b", cell.source, re.MULTILINE)


@pytest.mark.parametrize(("name", "height"), [("weekly", 0), ("extensions", 1)])
def test_report_of_no_call_or_one_call(name: str, height: int, tmp_path: Path, logs: et.CallLogs):
    few = dataclasses.replace(
        logs, calls=logs.calls.filter(pl.col("direction") == "in").tail(height)
    )

    page = et.write_report(
        et.write_snapshot(few, tmp_path / "few"), tmp_path / "r.html", notebook=name
    ).read_text(encoding="utf-8")
    assert ("no calls" in text_of(page)) is (height == 0)


def test_daily_weekly_and_monthly_are_one_notebook():
    declared = [notebook_parameters(name) for name in ("daily", "weekly", "monthly")]

    assert BUNDLED == ("daily", "weekly", "monthly", "extensions")
    assert declared[0] == declared[1] == declared[2]
    assert {"period", "direction", "targets"} <= set(declared[0])


def test_report_with_full_numbers_is_for_its_owner_only(tmp_path: Path):
    parameters = 'snapshot: str = ""\nshow_numbers: bool = False'
    own = notebook(tmp_path, "print(1)", parameters=parameters)
    output = tmp_path / "r.html"
    output.write_text("an older report")
    output.chmod(0o644)

    et.write_report(SAMPLE, output, notebook=own)
    assert output.stat().st_mode & 0o777 == 0o644  # a replaced file keeps its mode
    et.write_report(SAMPLE, output, notebook=own, parameters={"show_numbers": True})
    assert output.stat().st_mode & 0o777 == 0o600


def test_first_page_of_another_notebook_is_escaped(tmp_path: Path):
    """Its data are text, whoever made them; its markup in another type is not used."""
    own = notebook(
        tmp_path,
        "import etelecom_analytics as et\nfrom IPython.display import display\n"
        "logs = et.read_snapshot(snapshot)\n"
        "page = et.reports.first_page(logs, et.CallQuery())\n"
        f"page.data['headline'] = page.data['cards'][0]['title'] = {EVIL!r}\n"
        f"page.data['cards'][0]['spark']['lines'] = [{EVIL!r} + '\"/>']\n"
        f"page._markup = {EVIL!r}\npage",
    )
    page = et.write_report(SAMPLE, tmp_path / "r.html", notebook=own).read_text(encoding="utf-8")

    assert "<script>" not in page
    assert "<img src=x" not in page
    assert page.count(html.escape(EVIL)) >= 2
    assert page.count('class="banner"') == 1


def test_wide_tables_can_be_scrolled_with_the_keyboard(bundled_report: BundledReport):
    page = bundled_report("weekly").read_text(encoding="utf-8")
    tables = re.findall(r'<div class="output">(.*?<table>)', page)

    assert len(tables) >= 3
    assert all('tabindex="0"' in each for each in tables)
    # On paper, only a long table is split between pages: that of callers.
    assert [each for each in tables if "wide long" in each] == [tables[1]]
