"""The measures on other engines: flat tables of facts, and the measures in SQL."""

from .publication import Publication
from .sql_measures import DIALECTS
from .sql_queries import measures_sql

__all__ = ["DIALECTS", "Publication", "measures_sql"]


def __dir__() -> list[str]:
    return sorted(__all__)
