"""Excel workbooks: values of summarize in live formulas, texts that stay texts, and masking.

openpyxl reads the files back; the XML is read where openpyxl hides what a file contains.
"""

import dataclasses
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import UTC, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

import etelecom_analytics as et
from etelecom_analytics.cli.app import main
from etelecom_analytics.errors import InputError, ReportError
from etelecom_analytics.locale.display import Display
from etelecom_analytics.metrics import MEASURES, queue_visits
from etelecom_analytics.reports.request import read_request
from etelecom_analytics.reports.workbook import write_report_workbook
from etelecom_analytics.widgets.explorer.export import write_calls
from etelecom_analytics.workbook.content import MAX_CALLS
from etelecom_analytics.workbook.summary import SUMMARY_MEASURES
from etelecom_analytics.workbook.tables import AGENT_MEASURES, GROUP_MEASURES

SAMPLE = Path(__file__).parent.parent.parent / "data" / "sample"
LOGS = et.read_snapshot(SAMPLE)
OPTIONS = et.MetricOptions(ivr_numbers=("8000",), queue_numbers=("8100",))
SITE = et.Site(targets={"service_level": 0.8, "asa_s": 20, "missed_rate": 0.2})
SOFFICE = shutil.which("soffice") or ""
SHEETS = ["Summary", "By day", "By hour", "Agents", "Queues", "To call back", "Calls"]
Rows = list[tuple[Any, ...]]


def write(logs: et.CallLogs, path: Path, **arguments: Any) -> Path:
    return et.write_workbook(logs, path, **{"options": OPTIONS, "site": SITE, **arguments})


@cache
def loaded(path: Path, *, values: bool) -> openpyxl.Workbook:
    return openpyxl.load_workbook(path, data_only=values)


def rows_of(path: Path, sheet: str, *, values: bool = True) -> Rows:
    return list(loaded(path, values=values)[sheet].iter_rows(values_only=True))


def measures_of(path: Path, *, values: bool = True) -> dict[str, tuple[Any, ...]]:
    """The cells of Summary after the title of a measure."""
    titles = {measure.title for measure in MEASURES.values()}
    rows = rows_of(path, "Summary", values=values)
    return {row[0]: row[1:] for row in rows if row[0] in titles}


def table_of(path: Path, sheet: str) -> list[dict[str, Any]]:
    header, *rows = rows_of(path, sheet)
    return [dict(zip(header, row, strict=True)) for row in rows]


def plain(value: Any) -> Any:
    """A duration as seconds."""
    return value.total_seconds() if isinstance(value, timedelta) else value


def near(value: Any) -> Any:
    """The value within 0.6 ms or one in a billion: openpyxl rounds durations to milliseconds."""
    return pytest.approx(value, rel=1e-9, abs=6e-4 if value and value > 1 else 1e-12)


def xml_of(path: Path, name: str) -> str:
    with zipfile.ZipFile(path) as file:
        return file.read(name).decode()


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(LOGS, tmp_path_factory.mktemp("book") / "week.xlsx")


@pytest.mark.slow
def test_summary_has_the_values_of_summarize(book: Path):
    inbound = LOGS.calls.filter(pl.col("direction") == "in")
    names = [*SUMMARY_MEASURES, "missed_rate"]
    row = et.summarize(inbound, (), names, options=OPTIONS, confidence=True).row(0, named=True)
    cells = measures_of(book)

    assert list(cells) == [MEASURES[name].title for name in names]
    for name in names:
        value, count, of, low, high, *_ = cells[MEASURES[name].title]
        assert plain(value) == near(row[name])
        if MEASURES[name].unit == "share":
            assert (count, of) == (row[f"{name}_num"], row[f"{name}_den"])
            assert (low, high) == pytest.approx((row[f"{name}_low"], row[f"{name}_high"]))
    assert cells["Service level"][5:7] == (0.8, "not met")
    assert cells["Average speed of answer"][6] == "met"
    assert cells["Answer rate"][5:7] == (None, None)


@pytest.mark.slow
def test_every_value_of_summary_is_a_formula(book: Path):
    cells, formulas = measures_of(book), measures_of(book, values=False)

    for title, row in formulas.items():
        assert row[0].startswith("="), title
        assert isinstance(cells[title][0], int | float | timedelta)
        for value, formula in zip(cells[title][:5], row[:5], strict=True):
            assert (value is None) == (formula is None)
    text = xml_of(book, "xl/worksheets/sheet1.xml")
    assert len(re.findall(r"<f>", text)) == len(re.findall(r"<f>[^<]*</f><v>[^<]+</v>", text))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sheet", "by", "names"),
    [
        ("By day", "day", GROUP_MEASURES),
        ("By hour", "hour", GROUP_MEASURES),
        ("Queues", "queue", GROUP_MEASURES),
        ("Agents", "target_number", AGENT_MEASURES),
    ],
)
def test_groups_have_the_values_of_summarize(
    sheet: str, by: str, names: tuple[str, ...], book: Path
):
    calls = LOGS.calls.filter(pl.col("direction") == "in")
    calls = et.metrics.inward(LOGS.calls) if by == "target_number" else calls
    table = et.summarize(calls, by, names, options=OPTIONS).drop_nulls(by)
    cells = {next(iter(row.values())): row for row in table_of(book, sheet)}

    assert table.height > 0
    for row in table.iter_rows(named=True):
        shown = row[by] if by != "day" else next(key for key in cells if key.date() == row[by])
        for name in names:
            value = plain(cells[shown][MEASURES[name].title])
            assert value == near(row[name]), (shown, name)
    extra = [row for row in cells.values() if row.get("Offered") == 0]
    assert len(cells) == table.height + len(extra)


@pytest.mark.slow
def test_hours_that_were_not_fetched_are_empty_and_not_zero(tmp_path: Path):
    start = LOGS.query.date_from.astimezone(UTC)
    gap = et.Gap(start, start + timedelta(days=1, hours=12))
    report = dataclasses.replace(LOGS.report, gaps=(gap,))
    calls = LOGS.calls.filter(pl.col("started_at") >= gap.end)
    path = write(dataclasses.replace(LOGS, calls=calls, report=report), tmp_path / "gap.xlsx")
    first, *_ = table_of(path, "By day")

    assert (first["Offered"], first["Fetched hours"]) == (None, 0)
    assert any(row[0] == "Not fetched" for row in rows_of(path, "Summary"))


def test_open_missed_calls_are_those_of_the_ledger(book: Path):
    as_of = min(LOGS.query.date_to, LOGS.report.complete_to)
    ledger = et.metrics.missed_ledger(
        LOGS.calls, options=dataclasses.replace(OPTIONS, as_of=as_of)
    ).filter(outcome="open")
    rows = table_of(book, "To call back")

    assert [row["Call id"] for row in rows] == ledger["id"].to_list() != []
    assert [row["Attempts"] for row in rows] == ledger["attempts"].to_list()
    assert [plain(row["Age, h:mm:ss"]) for row in rows] == [near(age) for age in ledger["age_s"]]


def test_calls_have_text_ids_local_times_and_durations(book: Path):
    sheet = loaded(book, values=False)["Calls"]
    columns = {cell.value: cell.column for cell in sheet[1]}
    local = LOGS.calls["started_at"].dt.convert_time_zone("Asia/Ho_Chi_Minh")

    assert sheet.max_row == LOGS.calls.height + 1
    for row, (call_id, start, duration) in enumerate(
        zip(LOGS.calls["id"], local, LOGS.calls["duration"], strict=True), start=2
    ):
        cell = sheet.cell(row, columns["Call id"])
        assert (cell.value, cell.data_type) == (call_id, "s")
        assert len(call_id) == 19
        written = sheet.cell(row, columns["Started at"])
        assert abs(written.value - start.replace(tzinfo=None)) < timedelta(milliseconds=1)
        cell = sheet.cell(row, columns["Duration"])
        assert plain(cell.value) == pytest.approx(duration, abs=1e-3)
        assert cell.number_format == "[m]:ss"
    for name in ("Caller", "Callee"):
        kinds = {cell.data_type for (cell,) in sheet.iter_rows(2, None, *[columns[name]] * 2)}
        assert kinds <= {"s", "n"}  # an empty cell is "n"
    assert sheet.freeze_panes == "B2"
    assert sheet.auto_filter.ref == f"A1:Y{sheet.max_row}"
    assert sheet.column_dimensions["A"].width > 15


def test_charts_are_native(book: Path):
    charts = {sheet.title: len(sheet._charts) for sheet in loaded(book, values=False).worksheets}

    assert list(charts) == SHEETS
    assert charts == {**dict.fromkeys(SHEETS, 0), **dict.fromkeys(SHEETS[:4], 1)}


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+84912",
        "-2+3",
        "@SUM(A1)",
        "{=1}",
        "http://a.b",
        "00123",
        "_x0041_",
        "\x01\ufffe=1",
    ],
)
def test_texts_are_never_formulas_links_or_numbers(text: str, tmp_path: Path):
    calls = LOGS.calls.head(3).with_columns(note=pl.lit(text), contact_id=pl.lit(text))
    path = write(dataclasses.replace(LOGS, calls=calls), tmp_path / "text.xlsx", show_numbers=True)
    notes = [row["Note"] for row in table_of(path, "Calls")]
    sheet = xml_of(path, "xl/worksheets/sheet7.xml")

    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert all(isinstance(cell, str) for cell in notes)
    if text.isprintable() and text != "_x0041_":
        assert set(notes) == {text}
    assert "quotePrefix" in xml_of(path, "xl/styles.xml")


def test_long_texts_are_cut_and_early_dates_are_texts(tmp_path: Path):
    calls = LOGS.calls.head(2).with_columns(
        note=pl.lit("😀" * 20_000),
        created_at=pl.lit("1899-01-01")
        .str.to_datetime(time_zone="UTC")
        .cast(pl.Datetime("us", "UTC")),
    )
    path = write(dataclasses.replace(LOGS, calls=calls), tmp_path / "long.xlsx", show_numbers=True)
    row = table_of(path, "Calls")[0]

    assert row["Note"].endswith("😀…")
    assert row["Created at"].startswith("1899-01-01")


@pytest.mark.slow
def test_phone_numbers_are_masked_everywhere(tmp_path: Path):
    private = "0912345678"
    hotline = LOGS.calls.filter(direction="in")["callee"].mode().sort()[0]
    calls = LOGS.calls.with_columns(
        caller=pl.when(direction="in").then(pl.lit(private)).otherwise("caller"),
        note=pl.lit(f"call {private} or 0987 654 321"),
        recording_urls=pl.lit(["https://records.example/1"]),
    )
    logs = dataclasses.replace(LOGS, calls=calls)
    site = et.Site(own_numbers=[hotline])
    hidden, shown = (
        write(logs, tmp_path / f"{show}.xlsx", site=site, show_numbers=show)
        for show in (False, True)
    )

    with zipfile.ZipFile(hidden) as file:
        content = " ".join(file.read(name).decode() for name in file.namelist())
    assert private not in content
    assert hotline in content
    assert "records.example" not in content
    assert private in xml_of(shown, "xl/sharedStrings.xml")
    assert "records.example" not in xml_of(shown, "xl/sharedStrings.xml")


@pytest.mark.slow
def test_same_calls_give_same_bytes(book: Path, tmp_path: Path):
    code = (
        "import sys, etelecom_analytics as et; "
        "et.write_workbook(et.read_snapshot(sys.argv[2]), sys.argv[1], "
        "options=et.MetricOptions(ivr_numbers=['8000'], queue_numbers=['8100']), "
        "site=et.Site(targets={'service_level': 0.8, 'asa_s': 20, 'missed_rate': 0.2}))"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "again.xlsx", SAMPLE], check=True)

    assert (tmp_path / "again.xlsx").read_bytes() == book.read_bytes()
    with zipfile.ZipFile(book) as file:
        assert {entry.date_time[0] for entry in file.infolist()} == {1980}


@pytest.mark.slow
def test_about_states_what_the_values_depend_on(book: Path, tmp_path: Path):
    rows = rows_of(book, "Summary")
    about = {row[0]: row[1] for row in rows}

    assert rows[0][0] == "Inbound calls, 2–8 Nov 2026"
    assert about["Complete"] == "from 2026-11-02 00:00+07:00 to 2026-11-09 00:00+07:00"
    assert "queue_numbers=('8100',)" in about["Options"]
    assert f"etelecom_analytics {et.__version__}" in about["Made with"]
    path = write(LOGS, tmp_path / "note.xlsx", options=et.MetricOptions(ivr_numbers=["8000"]))
    assert rows_of(path, "Summary")[1][0].startswith("8100 looks like a queue")


@pytest.mark.slow
@pytest.mark.parametrize("height", [0, 1])
def test_workbook_of_no_call_or_one_call(height: int, tmp_path: Path):
    few = dataclasses.replace(LOGS, calls=LOGS.calls.filter(direction="out").head(height))
    path = write(few, tmp_path / "few.xlsx")

    assert measures_of(path)["Answer rate"][:3] == ("none", 0, 0)
    assert measures_of(path)["Average speed of answer"][0] == "none"
    assert rows_of(path, "Summary")[0][0] == "Inbound calls: none"


def test_too_many_calls_are_refused_before_any_work(tmp_path: Path):
    many = dataclasses.replace(LOGS, calls=LOGS.calls.clear(MAX_CALLS + 1))

    with pytest.raises(InputError, match=r"at most 1,048,575 calls.*et\.write_snapshot"):
        et.write_workbook(many, tmp_path / "many.xlsx", site=SITE)
    with pytest.raises(InputError, match=r"at most 1,048,575 calls.*calls\.parquet"):
        write_calls(many.calls, tmp_path / "many.xlsx", Display(), workbook=lambda: b"")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_streamed_workbook_has_the_same_cells(
    book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("etelecom_analytics.workbook.writer._STREAMED", 1)
    path = write(LOGS, tmp_path / "streamed.xlsx")

    for sheet in SHEETS:
        assert rows_of(path, sheet) == rows_of(book, sheet)


def test_missing_package_and_bad_arguments_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(InputError, match=r"path must end in \.xlsx"):
        et.write_workbook(LOGS, tmp_path / "week.xls")
    with pytest.raises(InputError, match="show_numbers is True or False"):
        et.write_workbook(LOGS, tmp_path / "week.xlsx", show_numbers=1)
    monkeypatch.setattr("etelecom_analytics.workbook.content.find_spec", lambda _: None)
    with pytest.raises(ReportError, match=r'pip install "etelecom_analytics\[excel\]"'):
        et.write_workbook(LOGS, tmp_path / "week.xlsx")


@pytest.mark.slow
def test_explorer_exports_its_calls_as_a_workbook(tmp_path: Path):
    explorer = et.Explorer(LOGS, options=OPTIONS, site=SITE, debounce_s=0)
    explorer.restore({"direction": "in", "group_filters": {"weekday": 1}})
    path = explorer.export(tmp_path / "x.xlsx")
    kpis = dict(explorer.kpis.select("measure", "after").iter_rows())
    cells = measures_of(path)

    assert {row["Call id"] for row in table_of(path, "Calls")} == set(explorer.filtered["id"])
    for name in ("offered", "answer_rate", "asa_s", "wait_p90_s"):
        assert plain(cells[MEASURES[name].title][0]) == near(kpis[name])
    about = {row[0]: row[1] for row in rows_of(path, "Summary")}
    assert about["matching"] == f"{explorer.filtered.height} of {LOGS.calls.height:,} calls"
    with pytest.raises(InputError, match="already exists"):
        explorer.export(path)
    assert queue_visits(explorer.filtered, options=OPTIONS).height
    assert table_of(path, "Queues")[0]["Queue"] == "8100"


def test_workbook_of_a_report_has_its_days_direction_and_numbers(tmp_path: Path):
    with read_request(
        SAMPLE,
        tmp_path / "report.html",
        notebook="weekly",
        parameters={
            "date_from": "2026-11-03",
            "date_to": "2026-11-05",
            "direction": "out",
            "show_numbers": True,
            "options": {"ivr_numbers": ["8000"], "queue_numbers": ["8100"]},
        },
        png_folder=None,
        site=SITE,
    ) as request:
        path = write_report_workbook(request, tmp_path / "days.xlsx")
        calls, logs = request.calls, request.logs
    outbound = calls.filter(direction="out")
    value, *_ = et.summarize(outbound, (), "answer_rate", options=OPTIONS).row(0)
    rows = table_of(path, "Calls")

    assert 0 < len(rows) == calls.height < logs.calls.height
    assert set(calls["caller"]) == {row["Caller"] for row in rows}
    assert measures_of(path)["Answer rate"][0] == near(value)
    assert rows_of(path, "Summary")[0][0] == "Calls, direction out, 3–4 Nov 2026"
    assert [row["Day"].day for row in table_of(path, "By day")] == [3, 4]


def test_command_refuses_a_workbook_before_it_runs_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    output = tmp_path / "report.html"
    command = ["report", str(SAMPLE), "--no-site", "-o", str(output), "--xlsx"]

    assert main([*command, str(tmp_path / "week.xls")]) == 2
    assert "--xlsx must end in .xlsx" in capsys.readouterr().err
    monkeypatch.setattr("etelecom_analytics.workbook.content.find_spec", lambda _: None)
    assert main([*command, str(tmp_path / "week.xlsx")]) == 1
    assert "etelecom_analytics[excel]" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_command_writes_a_workbook_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "week.xlsx"
    command = ["report", str(SAMPLE), "--no-site", "-o", str(tmp_path / "report.html"), "--quiet"]

    assert main([*command, "--xlsx", str(path), "--from", "2026-11-03", "--title", "Week 45"]) == 0
    assert str(path) in capsys.readouterr().out
    assert rows_of(path, "Summary")[0][0] == "Week 45"
    assert "<h1>Week 45</h1>" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.office
@pytest.mark.slow
def test_libreoffice_recalculates_the_same_values_and_corrects_a_wrong_one(
    book: Path, tmp_path: Path
):
    assert SOFFICE, "install it: apt-get install --no-install-recommends libreoffice-calc-nogui"
    planted = tmp_path / "planted.xlsx"
    sheet_name = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(book) as source, zipfile.ZipFile(planted, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == sheet_name:
                content, count = re.subn(rb"(</f><v>)[0-9.e-]+(</v>)", rb"\g<1>987654\2", content)
                assert count > 20
            target.writestr(name, content)
    assert plain(measures_of(planted)["Offered"][0]) == 987654
    settings = tmp_path / "profile" / "user"
    settings.mkdir(parents=True)
    (settings / "registrymodifications.xcu").write_text(
        '<?xml version="1.0"?><oor:items xmlns:oor="http://openoffice.org/2001/registry">'
        '<item oor:path="/org.openoffice.Office.Calc/Formula/Load">'
        '<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item></oor:items>'
    )
    subprocess.run(
        [
            SOFFICE,
            f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}",
            *("--headless", "--convert-to", "xlsx", "--outdir", tmp_path / "out", planted),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    calculated, stored = measures_of(tmp_path / "out" / "planted.xlsx"), measures_of(book)

    assert list(calculated) == list(stored)
    for title, row in stored.items():
        for left, right in zip(calculated[title][:7], row[:7], strict=True):
            if isinstance(right, str) or right is None:
                assert left == right, title
            else:
                assert plain(left) == near(plain(right)), title
