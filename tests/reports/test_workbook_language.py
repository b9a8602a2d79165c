"""Workbooks in Vietnamese, and no text of them outside of the catalogues."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from support.pseudo import untranslated

import etelecom_analytics as et
from etelecom_analytics import language

OPTIONS = et.MetricOptions(ivr_numbers=("8000",), queue_numbers=("8100",))
SITE = et.Site(targets={"service_level": 0.8, "asa_s": 20})
NAMES = ["Asia/Ho_Chi_Minh", "Altair", "Polars", "SHA-256", "calls.parquet", "etelecom_analytics"]


def cells_of(path: Path) -> Iterator[Any]:
    for sheet in openpyxl.load_workbook(path, data_only=True):
        for row in sheet.iter_rows():
            yield from (cell for cell in row if cell.value is not None)


@pytest.fixture(scope="module")
def workbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("workbook") / "tuan.xlsx"
    return et.write_workbook(et.sample_logs(), path, options=OPTIONS, site=SITE, language="vi")


@pytest.mark.slow
def test_workbook_in_vietnamese(workbook: Path):
    book = openpyxl.load_workbook(workbook)
    values = openpyxl.load_workbook(workbook, data_only=True)

    assert book.sheetnames == [
        *("Tổng quan", "Theo ngày", "Theo giờ", "Tổng đài viên", "Hàng đợi"),
        *("Cần gọi lại", "Cuộc gọi"),
    ]
    summary = book["Tổng quan"]
    assert summary["A1"].value == "Cuộc gọi đến, 02/11/2026 – 08/11/2026"
    assert summary["A4"].value == "Cuộc gọi cần trả lời"
    assert summary["B4"].value.startswith("=SUM('Cuộc gọi'!$")
    assert book["Theo ngày"]["A2"].number_format == "dd/mm/yyyy"
    assert book["Cuộc gọi"]["A2"].number_format == "dd/mm/yyyy hh:mm:ss"
    assert {cell.value for cell in book["Cuộc gọi"]["B"][1:]} <= {
        *("gọi đến", "gọi đi", "nội bộ", "nội bộ, đến", "nội bộ, đi", "không rõ")
    }
    assert [cell.value for cell in values["Tổng quan"]["H"] if cell.value] == [
        *("Đạt mục tiêu", "không đạt", "đạt")
    ]


@pytest.mark.slow
def test_workbook_has_the_values_of_the_english_one(workbook: Path, tmp_path: Path):
    english = et.write_workbook(
        et.sample_logs(), tmp_path / "week.xlsx", options=OPTIONS, site=SITE
    )
    again = et.write_workbook(
        et.sample_logs(), tmp_path / "again.xlsx", options=OPTIONS, site=SITE, language="vi"
    )

    def numbers(path: Path) -> list[Any]:
        return [cell.value for cell in cells_of(path) if not isinstance(cell.value, str)]

    assert numbers(workbook) == numbers(english)
    assert again.read_bytes() == workbook.read_bytes()


@pytest.mark.slow
def test_workbook_has_no_text_outside_of_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(language, "LANGUAGES", ("en", "vi", "pseudo"))
    logs = et.sample_logs()
    path = et.write_workbook(
        logs, tmp_path / "week.xlsx", options=OPTIONS, site=SITE, language="pseudo"
    )
    cells = [cell for cell in cells_of(path) if isinstance(cell.value, str)]
    options = next(cell.value for cell in cells if "ivr_numbers=" in cell.value)
    # The ids, notes and codes of calls are data; their direction and state are words.
    texts = [
        cell.value
        for cell in cells
        if cell.parent.title != "Calls" or cell.row == 1 or cell.column_letter in "BE"
    ]
    with zipfile.ZipFile(path) as file:
        drawings = [
            file.read(name).decode()
            for name in file.namelist()
            if re.match(r"xl/(charts|drawings)/\w+\.xml", name)
        ]
    titles = [
        text for each in drawings for text in re.findall(r'<a:t>([^<]+)|descr="([^"]+)"', each)
    ]

    names = [*NAMES, options, SITE.fingerprint]
    text = re.sub(r"\b[0-9a-f]{64}\b", "", " ".join(texts))
    assert untranslated(text, names) == []
    assert len(titles) > len(drawings) > 4
    assert all("".join(text).startswith("[") for text in titles)
