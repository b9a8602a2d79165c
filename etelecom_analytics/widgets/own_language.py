"""The language of a panel: it is built and changed in it, whatever the language of the caller."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from ..language import checked_language, speaking
from ..site import checked_site

__all__ = ["builds_in_language", "in_own_language"]

Panel = TypeVar("Panel")
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def builds_in_language(
    init: Callable[Concatenate[Panel, Arguments], None],
) -> Callable[Concatenate[Panel, Arguments], None]:
    """The `__init__` of a panel, run in the panel's language: that of its settings.

    `init` receives the settings of its argument `site`, or of the site file, with the language of
    its argument `language`, if any.
    """

    @wraps(init)
    def wrapper(self: Any, /, *args: Any, **kwargs: Any) -> None:
        site = checked_site(kwargs.get("site"))
        if (language := kwargs.get("language")) is not None:
            site = replace(site, language=checked_language(language))
        self._language = site.language
        with speaking(site.language):
            init(self, *args, **{**kwargs, "site": site})

    return wrapper


def in_own_language(
    method: Callable[Concatenate[Panel, Arguments], Result],
) -> Callable[Concatenate[Panel, Arguments], Result]:
    """A method of a panel, run in the panel's language: callers and threads may have another."""

    @wraps(method)
    def wrapper(self: Any, /, *args: Any, **kwargs: Any) -> Result:
        with speaking(self._language):
            return method(self, *args, **kwargs)

    return wrapper
