"""Markdown of the bundled notebooks, by paragraphs, so that the catalogues have their texts."""

import re

from ..language import tr

__all__ = ["markdown_paragraphs", "translated_markdown"]

_HEADING = re.compile(r"(#{1,6} )?(.*)", re.DOTALL)


def markdown_paragraphs(source: str) -> list[tuple[str, str]]:
    """The paragraphs of a cell: the sign of a heading, or nothing, and the text."""
    paragraphs = []
    for paragraph in source.split("\n\n"):
        heading = _HEADING.fullmatch(paragraph)
        paragraphs.append((heading[1] or "", heading[2]) if heading else ("", paragraph))
    return paragraphs


def translated_markdown(source: str) -> str:
    """The cell in the current language.

    A paragraph that is in no bundled notebook stays as it is: your own texts have your language.
    """
    return "\n\n".join(f"{sign}{tr(text)}" for sign, text in markdown_paragraphs(source))
