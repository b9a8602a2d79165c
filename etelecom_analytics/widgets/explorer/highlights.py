"""What makes a chart's specification interactive: highlighted groups, a brush, and its handles.

The page sets the parameters, so a click needs no new specification. Without chosen groups all are
drawn as in a static chart.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...charts.group_bars import HIT
from ...charts.theme import ANSWERED, THEME
from ..event_chart import ACTIVE, CHOSEN, SPAN

__all__ = ["CELL", "KEY", "POSITION", "MarkId", "add_brush", "add_highlights", "limit_bars"]

_DIMMED = 0.3
_GREY, _GREY_IN_DARK = "#4a5560", "#b4bfcb"
"""Text on a dimmed cell: readable on every shade of it."""
_SHORT_LABEL = r"replace(datum.label, regexp('[0-9]{12,}([0-9]{4})', 'g'), '…$1')"
"""An axis label with its ids shortened, as `short_ids` does: bold digits would not fit."""
_MAX_BAR = 160
"""The widest bar in pixels: that of one day would fill the whole chart."""
_LEFT_PADDING, _PADDING = 24, 8
"""The room at the left is for labels that become bold."""
_HANDLE_WIDTH, _HANDLE_HEIGHT = 7, 30


class MarkId(NamedTuple):
    """What identifies a group among the marks of a chart.

    Attributes:
        field: a field that only the marks of groups have.
        expression: the identity of a mark as a Vega expression.
        label: the identity of an axis label as a Vega expression; "" if labels are of no group.
    """

    field: str
    expression: str
    label: str = ""


KEY = MarkId("key", "datum.key", "datum.value")
POSITION = MarkId("middle", "datum.middle", "time(datum.value)")
CELL = MarkId("weekday_key", "datum.weekday * 24 + datum.hour")


def add_highlights(spec: dict[str, Any], mark_id: MarkId) -> None:
    """Highlight chosen groups: others are dimmed, texts bold; outlines show the active group."""
    spec["params"] = [
        *spec.get("params", []),
        {"name": CHOSEN, "value": []},
        {"name": ACTIVE, "value": None},
    ]
    chosen = f"indexof({CHOSEN}, {mark_id.expression}) >= 0"
    for layer in spec["layer"]:
        rows = spec["datasets"].get(layer.get("data", spec.get("data", {})).get("name"), [])
        if not rows or mark_id.field not in rows[0]:
            continue
        if mark_id is CELL and rows[0]["value"] is None:  # cells that were not fetched
            continue
        if layer.get("name") == HIT:
            active = f"{ACTIVE} === {mark_id.expression}"
            _outline(layer, active, active)
        else:
            _highlight(layer, chosen, mark_id)
    if mark_id.label:
        bold = {
            "condition": {
                "test": f"indexof({CHOSEN}, {mark_id.label}) >= 0",
                "value": "bold",
            },
            "value": "normal",
        }
        for layer in spec["layer"]:
            for channel in ("x", "y"):
                axis = layer.get("encoding", {}).get(channel, {}).get("axis")
                if axis and layer["encoding"][channel].get("field") != "value":
                    axis["labelFontWeight"] = bold
                    if mark_id is KEY:
                        axis.setdefault("labelExpr", _SHORT_LABEL)
                    if channel == "y":
                        others = dict.fromkeys(("top", "right", "bottom"), _PADDING)
                        spec["padding"] = {"left": _LEFT_PADDING, **others}


def limit_bars(spec: dict[str, Any], spans: Sequence[tuple[int, int]]) -> None:
    """Draw bars of few days, weeks or months no wider than 160 pixels, in their middle.

    `spans` are where they begin and end on the axis.
    """
    (begin, first_end), (_, end) = spans[0], spans[-1]
    count = (end - begin) / (first_end - begin)
    gap = f"(width / {count} - {_MAX_BAR}) / 2"
    for layer in spec["layer"]:
        mark = layer["mark"]
        if isinstance(mark, Mapping) and "x2Offset" in mark:
            offset = f"max({mark['xOffset']}, {gap})"
            layer["mark"] = {
                **mark,
                "xOffset": {"expr": offset},
                "x2Offset": {"expr": f"-{offset}"},
            }


def add_brush(spec: dict[str, Any]) -> None:
    """Draw the selected span with a handle at each end; the marks of groups stay on top."""
    spec["params"].append({"name": SPAN, "value": None})
    place = next(at for at, layer in enumerate(spec["layer"]) if layer.get("name") == HIT)
    visible = {"value": {"expr": f"{SPAN} ? 1 : 0"}}
    bottom = {"value": "height"}
    band = {
        "data": {"values": [{}]},
        "name": "brush",
        "mark": {
            "type": "rect",
            "fill": ANSWERED,
            "fillOpacity": 0.12,
            "stroke": ANSWERED,
            "aria": False,
        },
        "encoding": {
            "x": _edge(0),
            "x2": _edge(1),
            "y": {"value": 0},
            "y2": bottom,
            "opacity": visible,
        },
    }
    middle = f"height / 2 {{}} {_HANDLE_HEIGHT / 2}"
    half = _HANDLE_WIDTH / 2
    handles = [
        {
            "data": {"values": [{}]},
            "name": f"handle_{end}",
            "mark": {
                "type": "rect",
                "fill": "white",
                "stroke": ANSWERED,
                "strokeWidth": 1.5,
                "cornerRadius": 3,
                "aria": False,
            },
            "encoding": {
                "x": _edge(end, -half),
                "x2": _edge(end, half),
                "y": {"value": {"expr": middle.format("-")}},
                "y2": {"value": {"expr": middle.format("+")}},
                "opacity": visible,
            },
        }
        for end in (0, 1)
    ]
    spec["layer"][place:place] = [band, *handles]


def _edge(end: int, offset: float = 0) -> dict[str, Any]:
    """The position of an end of the span in pixels."""
    return {"value": {"expr": f"({SPAN} ? scale('x', {SPAN}[{end}]) : 0) + ({offset})"}}


def _highlight(layer: dict[str, Any], chosen: str, mark_id: MarkId) -> None:
    mark, encoding = layer["mark"], layer["encoding"]
    kind = mark["type"] if isinstance(mark, Mapping) else mark
    dimmed = f"length({CHOSEN}) && !({chosen})"
    if kind == "text":
        layer["mark"] = {**mark, "fontWeight": {"expr": f"{chosen} ? 'bold' : 'normal'"}}
        if mark_id is CELL and "color" in encoding:
            colour = encoding["color"]
            greys = [
                {"test": f"({dimmed}) && {THEME} === 'dark'", "value": _GREY_IN_DARK},
                {"test": dimmed, "value": _GREY},
            ]
            encoding["color"] = {**colour, "condition": [*greys, *colour["condition"]]}
        return
    if kind == "line":  # it joins all groups
        return
    opacity = mark.get("opacity", 1)
    dim = {"test": dimmed, "value": _DIMMED * opacity}
    encoding["opacity"] = {"condition": dim, "value": opacity}
    if mark_id is CELL:
        active = f"{ACTIVE} === {mark_id.expression}"
        encoding["opacity"]["condition"] = [{"test": active, "value": opacity}, dim]
        _outline(layer, f"{active} || {chosen}", active)


def _outline(layer: dict[str, Any], test: str, dashed: str) -> None:
    """Outline the marks for which a test holds, in the colour of the page's text.

    A dashed outline is that of the active group.
    """
    mark = layer["mark"]
    stroke, width = mark.get("stroke", "transparent"), mark.get("strokeWidth", 1)
    layer["encoding"]["stroke"] = {
        "condition": [
            {"test": f"({test}) && {THEME} === 'dark'", "value": "#ffffff"},
            {"test": test, "value": "#000000"},
        ],
        "value": stroke,
    }
    layer["encoding"]["strokeDash"] = {"condition": {"test": dashed, "value": [5, 3]}, "value": []}
    layer["encoding"]["strokeWidth"] = {"condition": {"test": test, "value": 2}, "value": width}
