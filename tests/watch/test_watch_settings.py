"""The table [watch] of the site file."""

from datetime import time
from pathlib import Path

import pytest

import etelecom_analytics as et
from etelecom_analytics.watch_settings import WATCHED_MEASURES, WatchSettings


def test_settings_are_read_from_the_site_file(tmp_path: Path):
    file = tmp_path / "etelecom.toml"
    file.write_text(
        '[watch]\nmeasures = ["asa_s"]\nquiet_hours = ["21:00", "07:30"]\n'
        'address = "https://hooks.example/secret-token"\n'
    )

    site = et.Site.load(file)

    assert WatchSettings.from_dict(site.watch) == WatchSettings(
        measures=("asa_s",),
        quiet_hours=(time(21), time(7, 30)),
        address="https://hooks.example/secret-token",
    )
    assert "secret-token" not in repr(site) + repr(WatchSettings.from_dict(site.watch))
    assert WatchSettings.from_dict(site.watch) == WatchSettings.from_dict(site.watch)
    assert WatchSettings.from_dict(et.Site().watch).measures == WATCHED_MEASURES


@pytest.mark.parametrize(
    "address",
    [
        "http://hooks.example/secret",
        "ftp://hooks.example/secret",
        "https://user:secret@hooks.example/",
        "https:///secret",
        "https://hooks.example:99999/secret",
        "https://hooks.example/sec ret",
        "hooks.example/secret",
        "http://localhost.example/secret",
        17,
    ],
)
def test_address_has_to_be_https(address: object):
    with pytest.raises(et.errors.InputError, match=r"watch\.address must b") as caught:
        et.Site(watch={"address": address})

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8000/x", "http://[::1]/x", "https://h/x?y=z"]
)
def test_allowed_addresses(address: str):
    assert WatchSettings.from_dict(et.Site(watch={"address": address}).watch).address == address
