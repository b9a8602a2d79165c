"""Paths that a user types."""

from pathlib import Path

import ipywidgets as ui

from ..errors import InputError
from ..language import tr
from ..phone_numbers import describe
from ..storage import reason

__all__ = ["PathField", "new_file", "new_path"]

_STYLE = {"description_width": "initial"}


class PathField(ui.Text):  # type: ignore[misc]
    """A text field for the path of a file or a folder."""

    def __init__(self, label: str, path: str) -> None:
        super().__init__(
            value=path, description=label, style=_STYLE, layout={"width": "360px", "margin": "2px"}
        )
        self._proposed = path

    @property
    def path(self) -> Path:
        """The path; `InputError` if the field is empty."""
        text = str(self.value).strip()
        if not text:
            raise InputError(tr("{field}: enter a path.", field=self.description))
        try:
            return Path(text).expanduser()
        except RuntimeError as error:  # "~name" of no user
            raise InputError(
                tr("{path} is no path of this machine.", path=describe(text))
            ) from error

    def propose(self, path: str) -> None:
        """Set the path, unless the user has set another one."""
        if str(self.value) == self._proposed:
            self.set_trait("value", path)
        self._proposed = path


def new_path(path: Path) -> Path:
    """The path of a file or folder that does not exist yet.

    Raises:
        InputError: it exists.
    """
    try:
        exists = path.exists() or path.is_symlink()
    except OSError as error:  # a folder that may not be read, or a name that is too long
        name = describe(str(path), max_length=160)
        raise InputError(
            tr("{name} cannot be used: {reason}.", name=name, reason=reason(error))
        ) from error
    if exists:
        name = describe(path.name)
        raise InputError(tr("{name} already exists: choose another name.", name=name))
    return path


def new_file(path: Path) -> Path:
    """The path of a file that does not exist yet, in a folder that exists.

    Raises:
        InputError: it exists, or its folder does not.
    """
    new_path(path)
    if not path.parent.is_dir():
        raise InputError(
            tr(
                "The folder {folder} does not exist.",
                folder=describe(str(path.parent), max_length=160),
            )
        )
    return path
