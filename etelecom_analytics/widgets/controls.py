"""Controls: the filters of a panel, read as one state and set from one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import cached_property

import ipywidgets as ui
import polars as pl

from .. import schema
from ..errors import EtelecomError, InputError, QueryError
from ..language import tr
from ..names import labels
from ..phone_numbers import describe
from ..query import CallQuery
from ..query_text import filter_texts
from .dates import Dates
from .fields import (
    CountedField,
    DurationField,
    ExtensionsField,
    Field,
    GroupField,
    IdField,
    IdsField,
    NumberField,
    OptionField,
    TextField,
)
from .panel_state import ALL_DATES, CUSTOM, PanelState

__all__ = ["Controls", "api_fields", "logs_fields", "table_fields"]

_GRID = {
    "grid_template_columns": "repeat(auto-fill, minmax(310px, 1fr))",
    "grid_gap": "2px 12px",
    "width": "100%",
}


def table_fields(calls: pl.DataFrame) -> list[Field]:
    """The fields for any table of calls."""
    return [
        *_shared_fields(),
        ExtensionsField(_counts(calls, "extension_id"), labels(calls, "extension_id")),
    ]


def logs_fields(calls: pl.DataFrame, queues: pl.Series | None = None) -> list[Field]:
    """The fields for `logs.calls`: also agents, and hotlines and departments if they have names.

    `queues` has the queue of each call, if any is known.
    """
    columns: dict[str, pl.Series] = {} if queues is None else {"queue": queues}
    columns |= {name: calls[name] for name in ("hotline", "department_id") if name in calls.columns}
    groups = [
        GroupField(name, label, columns[name].value_counts().iter_rows())
        for name, label in (
            ("queue", tr("Queue")),
            ("hotline", tr("Hotline")),
            ("department_id", tr("Department")),
        )
        if name in columns
    ]
    agents = IdField("user_id", tr("Agent"), _counts(calls, "user_id"), labels(calls, "user_id"))
    return [*table_fields(calls), agents, *groups]


def api_fields() -> list[Field]:
    """The fields that the API can filter by."""
    return [
        *_shared_fields(),
        IdsField("extension_ids", tr("Extensions"), tr("any ids, separated by commas")),
        IdsField("hotline_ids", tr("Hotlines"), tr("any ids, separated by commas")),
        TextField("user_id", tr("User"), tr("any id")),
        TextField("department_id", tr("Department"), tr("any id")),
    ]


def _shared_fields() -> list[Field]:
    return [
        OptionField("direction", tr("Direction", context="control"), schema.DIRECTIONS),
        OptionField("call_state", tr("Call state"), schema.CALL_STATES),
        NumberField("call_number", tr("Number"), tr("any; a whole number")),
        DurationField(),
    ]


def _counts(calls: pl.DataFrame, column: str) -> Iterable[tuple[str, int]]:
    """The values of the column, each with its number of calls."""
    return calls[column].drop_nulls().value_counts().iter_rows()


class Controls:
    """Dates and fields. Filters without a control are kept, and shown in the panel's text.

    Attributes:
        parts: the dates and the fields, in their order.
        invalid: whether the values make no valid query.
    """

    def __init__(
        self,
        fields: Sequence[Field],
        *,
        time_zone: str,
        today: Callable[[], date | None],
        group_dimensions: Sequence[str] = (),
        offer_dimensions: Sequence[str] = (),
    ) -> None:
        self._fields = [field for field in fields if not isinstance(field, GroupField)]
        self._group_fields = [field for field in fields if isinstance(field, GroupField)]
        self._time_zone, self._today = time_zone, today
        self._group_dimensions, self._offer_dimensions = group_dimensions, offer_dimensions
        self._dates = Dates(time_zone=time_zone, today=today)
        self.parts: list[Dates | Field] = [self._dates, *fields]
        self._other_filters = dict[str, object]()
        self._other_groups = dict[str, object]()
        self._offer_filters: tuple[tuple[str, object], ...] = ()
        self._updating = False
        self.invalid = False

    @cached_property
    def box(self) -> ui.GridBox:
        """All controls, in a grid that fits its width."""
        return ui.GridBox([cell for part in self.parts for cell in part.cells()], layout=_GRID)

    def recount(self, fields: Iterable[Field]) -> None:
        """Offer the values of these fields, with their numbers of calls, from now on."""
        new = {field.name: field for field in fields if isinstance(field, CountedField)}
        for part in self.parts:
            if isinstance(part, CountedField):
                part.recount(new[part.name])

    def shown_groups(self, state: PanelState) -> frozenset[str]:
        """The dimensions of group filters whose value a control shows."""
        return frozenset(field.name for field in self._group_fields if field.text(state))

    def other_texts(self) -> list[str]:
        """The texts of filters that have no control."""
        query = {**self._other_filters, "time_zone": self._time_zone}
        return list(filter_texts(CallQuery.from_dict(query)))

    def read(self) -> PanelState:
        """The state of the controls; `QueryError` if it is not valid."""
        dates, date_from, date_to = self._dates.read()
        for field in self._group_fields:
            if field.group():  # one value of the control replaces several of a chart
                self._other_groups.pop(field.name, None)
        groups = dict(self._other_groups)
        for field in self._group_fields:
            groups |= field.group()
        query = {
            **self._other_filters,
            **{field.name: value for field in self._fields if (value := field.read())},
            "date_from": date_from,
            "date_to": date_to,
            "time_zone": self._time_zone,
        }
        ordered = tuple((name, groups[name]) for name in self._group_dimensions if name in groups)
        return PanelState(dates, CallQuery.from_dict(query), ordered, self._offer_filters)

    def show(self, state: PanelState) -> None:
        """Set the controls; observers are not called."""
        several = {name: value for name, value in state.group_filters if isinstance(value, tuple)}
        groups = {name: value for name, value in state.group_filters if name not in several}
        self._updating = True
        try:
            self._dates.show(state)
            for field in self._fields:
                field.show(state.query)
            for group_field in self._group_fields:
                group_field.show_group(groups)
        finally:
            self._updating = False
        names = {"time_zone", *(name for part in self.parts for name in part.names)}
        self._other_filters = {
            name: value for name, value in state.query.to_dict().items() if name not in names
        }
        for group_field in self._group_fields:
            groups.pop(group_field.name, None)
        self._other_groups, self._offer_filters = {**groups, **several}, state.offer_filters

    def parse(self, state: Mapping[str, object]) -> PanelState:
        """The state of a dictionary; an error lists what is allowed."""
        return PanelState.from_dict(
            state,
            time_zone=self._time_zone,
            today=self._today,
            group_dimensions=self._group_dimensions,
            offer_dimensions=self._offer_dimensions,
        )

    def state_of(self, query: CallQuery | None, *, default: str = ALL_DATES) -> PanelState:
        """The state of a query; without one, that of the named range `default`.

        Raises:
            InputError: it is no CallQuery, or has another time zone.
        """
        if query is None:
            return self.parse({"dates": default})
        if not isinstance(query, CallQuery):
            raise InputError(
                'query is a CallQuery, such as et.CallQuery(direction="in"); '
                f"got {describe(query)}."
            )
        if query.time_zone != self._time_zone:
            raise QueryError(
                f"The time zone of the query is {query.time_zone}, that of the panel "
                f"{self._time_zone}: use the same time_zone for both.",
                "time_zone",
            )
        return PanelState(CUSTOM if query.date_from or query.date_to else ALL_DATES, query)

    def observe(self, callback: Callable[[], object]) -> None:
        """Call `callback` whenever the user changes a control."""
        for part in self.parts:
            part.observe(lambda: None if self._updating else callback())

    def show_error(self, error: EtelecomError | None) -> str:
        """Show the error below its control; without one, clear all messages.

        Returns the message if it belongs to no control, else an empty text.
        """
        self.invalid = error is not None
        field = error.field if isinstance(error, QueryError) else ""
        rest = "" if error is None else str(error)
        for part in self.parts:
            part.message.show(rest if field in part.names else "")
            rest = "" if field in part.names else rest
        return rest
