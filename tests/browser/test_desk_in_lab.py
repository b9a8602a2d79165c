"""Desk in JupyterLab in Chromium: fetch, explore and save by mouse, and the site file."""

import re
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from support.browser import Lab, assert_no_errors, barriers

import etelecom_analytics as et

pytestmark = pytest.mark.browser

CELL = """import etelecom_analytics as et

server = et.simulator.serve(et.sample_logs().calls)
client = et.Client(server.base_url, server.api_key)
query = et.CallQuery(date_from="2026-11-02", date_to="2026-11-09")
desk = et.Desk(fetch=et.fetcher(client), query=query)
desk"""


def test_fetch_explore_and_save(lab: Lab, open_page: Callable[..., Any]):
    lab.add("desk.ipynb", CELL)
    browser_page = open_page()
    page = lab.run(browser_page, "desk.ipynb")
    panel = page.locator(".etelecom-panel").first

    panel.get_by_role("button", name="Apply", exact=True).click()
    panel.locator("svg.marks").first.wait_for()
    panel.get_by_text("400 calls were fetched: all calls of this query.", exact=True).wait_for()
    panel.get_by_text("284 of 400 calls").first.wait_for()
    browser_page.screenshot("desk-explore")
    panel.get_by_label("8000 is an IVR").uncheck()
    panel.get_by_role("button", name="Write site file").click()
    panel.get_by_text(re.compile("^Settings written to")).wait_for()
    site = et.Site.load(lab.folder / "notebooks" / "etelecom.toml")
    assert (site.ivr_numbers, site.queue_numbers) == ((), ("8100",))

    panel.get_by_role("button", name="3 Save").click()
    panel.get_by_role("button", name="Save snapshot").click()
    panel.get_by_text(re.compile("^400 calls saved: ")).wait_for()
    snapshot = lab.folder / "notebooks" / "snapshots" / "2026-11-02-to-2026-11-08"
    assert et.read_snapshot(snapshot).calls["id"].equals(et.sample_logs().calls["id"])
    panel.get_by_role("button", name="Sync archive").click()
    panel.get_by_text(re.compile("^7 days fetched, 400 calls")).wait_for()
    archive = et.Archive(lab.folder / "notebooks" / "archive", site=site)
    assert archive.scan().select(pl.len()).collect().item() == 400
    assert barriers(page, ".etelecom-panel") == []
    panel.get_by_role("button", name="4 Report").click()
    panel.get_by_label("Report file").wait_for()
    assert barriers(page, ".etelecom-panel") == []
    assert_no_errors(browser_page, lab)
