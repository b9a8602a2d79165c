"""The shared controls: what they say as one CallQuery, and a CallQuery put into them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

import ipywidgets as ui
import polars as pl

from .. import schema
from ..errors import EtelecomError, QueryError
from ..names import labels
from ..query import CallQuery
from .choice import CUSTOM, EVERYTHING, PanelState, choice_of
from .dates import Dates
from .fields import Duration, Extensions, Field, Group, Ids, OneOf, Text, Word

__all__ = ["Controls", "api_fields", "logs_fields", "table_fields"]

_GRID = {
    "grid_template_columns": "repeat(auto-fill, minmax(310px, 1fr))",
    "grid_gap": "2px 12px",
    "width": "100%",
}


def table_fields(extensions: Iterable[tuple[str, int]], names: Mapping[str, str]) -> list[Field]:
    """The fields that a table of calls can answer; `extensions` are those that occur, with their calls, and `names` how they are told."""
    return [*_shared(), Extensions(extensions, names)]


def logs_fields(calls: pl.DataFrame) -> list[Field]:
    """The fields that a table of calls can answer, with those of users, and of hotlines and departments where the calls carry names."""

    def counted(column: str) -> list[tuple[str, int]]:
        return list(calls[column].value_counts().iter_rows())

    named = [
        Group(column, label, counted(column), {})
        for column, label in (("hotline", "Hotline"), ("department_id", "Department"))
        if column in calls.columns
    ]
    users = [(user, count) for user, count in counted("user_id") if user is not None]
    extensions = [
        (extension, count) for extension, count in counted("extension_id") if extension is not None
    ]
    return [
        *_shared(),
        Extensions(extensions, labels(calls, "extension_id")),
        OneOf("user_id", "User", users, labels(calls, "user_id")),
        *named,
    ]


def api_fields() -> list[Field]:
    """The fields that the API can answer."""
    return [
        *_shared(),
        Ids("extension_ids", "Extensions", "any ids, commas between them"),
        Ids("hotline_ids", "Hotlines", "any ids, commas between them"),
        Text("user_id", "User", "any id"),
        Text("department_id", "Department", "any id"),
    ]


def _shared() -> list[Field]:
    return [
        Word("direction", "Direction", schema.DIRECTIONS),
        Word("call_state", "Call state", schema.CALL_STATES),
        Text("call_number", "Number", "any; a whole number"),
        Duration(),
    ]


class Controls:
    """Dates, and these fields. What a query asks beside them is carried along unseen, and shows in its words.

    Attributes:
        box: all controls, in a grid that fits its width.
        wrong: whether they say what cannot be asked.
    """

    def __init__(
        self,
        fields: Sequence[Field],
        *,
        time_zone: str,
        today: Callable[[], date | None],
        beside: Sequence[str] = (),
    ) -> None:
        self._beside, self._carried_beside = beside, dict[str, object]()
        self._dates = Dates(time_zone=time_zone, today=today)
        self._fields, self._time_zone, self._today = fields, time_zone, today
        self._groups: list[Dates | Field] = [self._dates, *fields]
        self._carried: dict[str, object] = {}
        self._showing = False
        self.wrong = False
        self.box = ui.GridBox(
            [cell for group in self._groups for cell in group.cells()], layout=_GRID
        )

    def read(self) -> PanelState:
        """What they say; `QueryError` if it cannot be asked."""
        dates, date_from, date_to = self._dates.read()
        given = {
            field.name: value
            for field in self._fields
            if not isinstance(field, Group) and (value := field.read())
        }
        beside = {
            **self._carried_beside,
            **{
                name: value
                for field in self._groups_of_fields()
                for name, value in field.value().items()
            },
        }
        told = {
            **self._carried,
            **given,
            "date_from": date_from,
            "date_to": date_to,
            "time_zone": self._time_zone,
        }
        return PanelState(
            dates,
            CallQuery.from_dict(told),
            tuple((name, beside[name]) for name in self._beside if name in beside),
        )

    def show(self, choice: PanelState) -> None:
        """Set them to what is chosen; nobody is told."""
        self._showing = True
        try:
            self._dates.show(choice)
            for field in self._fields:
                if isinstance(field, Group):
                    field.show_value(
                        dict(choice.beside).get(field.name), asked=field.name in dict(choice.beside)
                    )
                else:
                    field.show(choice.query)
        finally:
            self._showing = False
        seen = {"date_from", "date_to", "time_zone", *(field.name for field in self._fields)}
        self._carried = {
            name: value for name, value in choice.query.to_dict().items() if name not in seen
        }
        of_groups = [field.name for field in self._groups_of_fields()]
        self._carried_beside = {
            name: value for name, value in choice.beside if name not in of_groups
        }

    def _groups_of_fields(self) -> list[Group]:
        return [field for field in self._fields if isinstance(field, Group)]

    def chosen(self, state: Mapping[str, object]) -> PanelState:
        """The choice that a state tells, for these controls; an error that says what is allowed if it does not fit."""
        return choice_of(state, time_zone=self._time_zone, today=self._today, beside=self._beside)

    def chosen_by(self, query: CallQuery | None, *, default: str = EVERYTHING) -> PanelState:
        """The choice that is this query; a range with a name for none."""
        if query is None:
            return self.chosen({"dates": default})
        if query.time_zone != self._time_zone:
            raise QueryError(
                f"The query speaks of days in {query.time_zone}, the panel in {self._time_zone}: give both the same time_zone.",
                "time_zone",
            )
        return PanelState(CUSTOM if query.date_from or query.date_to else EVERYTHING, query)

    def observe(self, changed: Callable[[], object]) -> None:
        """Call `changed` whenever somebody changes one of them."""
        for group in self._groups:
            group.observe(lambda: None if self._showing else changed())

    def say(self, error: EtelecomError | None) -> str:
        """Show the error beside its control, or none; what is left to say elsewhere comes back."""
        self.wrong = error is not None
        named = error.field if isinstance(error, QueryError) else ""
        left = "" if error is None else str(error)
        for group in self._groups:
            group.said.say(left if named in group.names else "")
            left = "" if named in group.names else left
        return left
