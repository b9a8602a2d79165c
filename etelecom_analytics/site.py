"""Site: the settings of an organisation, from a file that everything reads."""

import hashlib
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from itertools import chain
from pathlib import Path

from . import local_time
from .errors import InputError, SettingError, UnknownName
from .language import checked_language, tr
from .metrics.hours import HoursInput
from .metrics.options import MetricOptions
from .metrics.registry import measure
from .phone_numbers import describe, mask, printable
from .privacy import Privacy, check_own_numbers
from .site_file import read_site_file
from .watch_settings import WatchSettings

__all__ = ["PRIVACY_KEY", "SITE_FILE", "SITE_VARIABLE", "Site", "checked_site", "find_site_file"]

SITE_FILE = "etelecom.toml"
"""The name of the site file."""
SITE_VARIABLE = "ETELECOM_SITE"
"""The environment variable with the path of the site file."""
PRIVACY_KEY = "ETELECOM_PRIVACY_KEY"
"""The environment variable with the key of pseudonyms."""

_PRIVACY_FIELDS = ("numbers", "notes", "recordings")
_PLACEHOLDER = "x" * 16


@dataclass(frozen=True, kw_only=True, repr=False)
class Site:
    """The settings that an organisation sets once, usually read from a file by `Site.load`.

    The command line, panels, pages, reports and archives load the file themselves. Their explicit
    arguments win over it.

    Args:
        time_zone: the time zone of days and hours.
        ivr_numbers: target numbers of IVRs.
        queue_numbers: target numbers of queues.
        voicemail_numbers: target numbers of voicemail.
        own_numbers: phone numbers that are never masked, such as hotlines.
        agent_numbers: long numbers that belong to agents, such as mobiles.
        business_hours: the hours in which calls count as `in_hours`, as for `MetricOptions`.
        holidays: dates on which no call is in hours.
        targets: the target of measures by name; a share is between 0 and 1.
        language: the language of texts, "en" or "vi" for Vietnamese.
        watch: what `etelecom watch` does: `measures`, the watched measures; `quiet_hours`, such as
            ["21:00", "07:00"], in which alarms are held back; `address`, where they are posted.
        privacy: how new snapshots and archives of the command line, and new archives in Python,
            hide phone numbers: the arguments `numbers`, `notes` and `recordings` of `Privacy`.
            None: not at all. The key of pseudonyms is read from ETELECOM_PRIVACY_KEY.
        hotline_names: the names of hotlines by phone number. Hotlines are never masked.
        file: the file that was read; None without one.
        digest: the SHA-256 of the file.

    Raises:
        InputError: a value is not allowed.
        UnknownName: a measure or a weekday does not exist; the message lists the nearest names.

    Examples:
        >>> site = et.Site(ivr_numbers=["8000"], targets={"service_level": 0.8})
        >>> site.options()
        MetricOptions(ivr_numbers=['8000'])
    """

    time_zone: str = local_time.HOME_ZONE
    ivr_numbers: Sequence[str] = ()
    queue_numbers: Sequence[str] = ()
    voicemail_numbers: Sequence[str] = ()
    own_numbers: Sequence[str] = ()
    agent_numbers: Sequence[str] = ()
    business_hours: HoursInput | None = None
    holidays: Sequence[date | str] = ()
    targets: Mapping[str, float] = field(default_factory=dict, hash=False)
    language: str = "en"
    watch: Mapping[str, object] | None = field(default=None, hash=False, repr=False)
    privacy: Mapping[str, str] | None = field(default=None, hash=False)
    hotline_names: Mapping[str, str] = field(default_factory=dict, hash=False)
    file: Path | None = field(default=None, compare=False)
    digest: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        checked_language(self.language)
        options = self.options()  # checks and stores what the options have too
        values = {name: value for name, value in vars(options).items() if name in vars(self)}
        values["own_numbers"] = check_own_numbers(self.own_numbers)
        values["targets"] = _targets(self.targets)
        values["hotline_names"] = _texts("hotline_names", self.hotline_names)
        values["watch"] = (
            None if self.watch is None else WatchSettings.from_dict(self.watch).to_dict()
        )
        values["privacy"] = None if self.privacy is None else _privacy(self)
        for name, value in values.items():
            object.__setattr__(self, name, value)  # the dataclass is frozen

    @classmethod
    def load(cls, path: str | Path | None = None) -> "Site":
        """The settings of a site file; an empty `Site` if there is none.

        The file is the first of: the argument; the environment variable ETELECOM_SITE; and
        `etelecom.toml` in the current folder or the nearest folder above it. The search ends after
        a folder that contains `.git`, and after the home folder.

        Args:
            path: the file.

        Raises:
            InputError: the file in the argument or the variable does not exist, or a file is not
                valid; the message has the name of the setting.

        Examples:
            >>> import tempfile, pathlib
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     file = pathlib.Path(folder, "etelecom.toml")
            ...     _ = file.write_text('ivr_numbers = ["8000"]', encoding="utf-8")
            ...     et.Site.load(file).ivr_numbers
            ('8000',)
        """
        file = find_site_file(path)
        if file is None:
            return cls()
        try:
            values, content = read_site_file(file)
            digest = hashlib.sha256(content).hexdigest()
            return cls(**values, file=file.absolute(), digest=digest)  # type: ignore[arg-type]
        except InputError as error:
            place = printable(str(file))
            text = str(error)
            raise InputError(text if place in text else f"{place}: {text}") from error

    def __repr__(self) -> str:
        """The settings that differ from the defaults, with phone numbers masked."""
        values = {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if each.compare and each.repr
        }
        values["business_hours"] = self.options().to_dict().get("business_hours")
        set_values = {name: value for name, value in values.items() if value}
        for name in ("time_zone", "language"):
            if set_values[name] == getattr(Site, name):
                del set_values[name]
        arguments = ", ".join(f"{name}={mask(repr(value))}" for name, value in set_values.items())
        return f"Site({arguments})"

    def options(self) -> MetricOptions:
        """The options of all measures."""
        return MetricOptions(
            time_zone=self.time_zone,
            ivr_numbers=self.ivr_numbers,
            queue_numbers=self.queue_numbers,
            voicemail_numbers=self.voicemail_numbers,
            agent_numbers=self.agent_numbers,
            business_hours=self.business_hours,
            holidays=self.holidays,
        )

    @property
    def known_numbers(self) -> tuple[str, ...]:
        """The numbers that are never masked: `own_numbers` and hotlines."""
        return tuple(dict.fromkeys(chain(self.own_numbers, self.hotline_names)))

    @property
    def source(self) -> str:
        """The path of the file, or "no site file"."""
        return str(self.file) if self.file else tr("no site file")

    @property
    def fingerprint(self) -> str:
        """The name of the file and its SHA-256, for outputs that are passed on."""
        return f"{self.file.name}, SHA-256 {self.digest}" if self.file else self.source

    def to_privacy(self) -> Privacy | None:
        """How to hide phone numbers, with the key of pseudonyms from ETELECOM_PRIVACY_KEY.

        Raises:
            SettingError: pseudonyms need the variable, and it is not set.
        """
        if self.privacy is None:
            return None
        key = os.environ.get(PRIVACY_KEY) or None
        if self.privacy["numbers"] != "pseudonymized":
            key = None
        elif key is None:
            raise SettingError(
                f"{PRIVACY_KEY} is not set. Pseudonyms need a key, the same one at every sync."
            )
        known = (*self.known_numbers, *self.ivr_numbers, *self.queue_numbers)
        own_numbers = tuple(dict.fromkeys((*known, *self.voicemail_numbers)))
        return Privacy(**self.privacy, key=key, own_numbers=own_numbers)  # type: ignore[arg-type]


def checked_site(site: object) -> Site:
    """The argument `site`; None loads the site file.

    Raises:
        InputError: it is no `Site`, or the file is not valid.
    """
    if site is None:
        return Site.load()
    if isinstance(site, Site):
        return site
    raise InputError(
        "site is a Site, such as et.Site.load(...), or et.Site() for no settings; "
        f"got {describe(site)}."
    )


def find_site_file(path: str | Path | None = None) -> Path | None:
    """The path of the site file, as `Site.load` finds it.

    Raises:
        InputError: the file in the argument or the variable does not exist.
    """
    for value, origin in ((path, "site file"), (os.environ.get(SITE_VARIABLE), SITE_VARIABLE)):
        if value is None or value == "":
            continue
        if not isinstance(value, str | os.PathLike):
            raise InputError(f"The path of the site file is text or a Path; got {describe(value)}.")
        file = Path(value)
        if not file.is_file():
            raise InputError(
                f"There is no file {printable(str(file))} ({origin}): "
                "correct the path, or create the file with etelecom init."
            )
        return file
    try:
        home, here = Path.home(), Path.cwd()
    except (OSError, RuntimeError):  # the folder was deleted, or the user has no home
        return None
    for folder in (here, *here.parents):
        if (folder / SITE_FILE).is_file():
            return folder / SITE_FILE
        if folder == home or (folder / ".git").exists():
            break
    return None


def _targets(targets: object) -> dict[str, float]:
    if not isinstance(targets, Mapping):
        raise InputError(f'targets is a mapping, such as {{"asa_s": 20}}; got {describe(targets)}.')
    for name, value in targets.items():
        unit = measure(name).unit
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or value < 0:
            raise InputError(f"targets.{name} is a number of at least 0; got {describe(value)}.")
        if unit == "share" and value > 1:
            raise InputError(
                f"targets.{name} is a share between 0 and 1, such as 0.8; got {describe(value)}."
            )
    return {name: float(value) for name, value in targets.items()}


def _texts(name: str, values: object) -> dict[str, str]:
    if not isinstance(values, Mapping) or not all(
        isinstance(text, str) for text in chain(values, values.values())
    ):
        raise InputError(f'{name} maps numbers to names, such as {{"19000123": "Sales"}}.')
    return dict(values)


def _privacy(site: Site) -> dict[str, str]:
    """The arguments of `Privacy`, after checking them."""
    values = site.privacy
    if not isinstance(values, Mapping):
        raise InputError(
            f'privacy is a mapping, such as {{"numbers": "masked"}}; got {describe(values)}.'
        )
    for name, value in values.items():
        if name not in _PRIVACY_FIELDS:
            raise UnknownName("setting of privacy", printable(str(name)), _PRIVACY_FIELDS)
        if not isinstance(value, str):
            raise InputError(f"privacy.{name} is text; got {describe(value)}.")
    key = _PLACEHOLDER if values.get("numbers") == "pseudonymized" else None
    checked = Privacy(**values, key=key)  # type: ignore[arg-type]
    return {name: str(getattr(checked, name)) for name in _PRIVACY_FIELDS}
