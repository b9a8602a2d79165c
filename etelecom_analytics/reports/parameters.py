"""Parameters of a notebook: declared in its cell tagged `parameters`, and checked by type."""

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InputError, UnknownName
from ..phone_numbers import describe, printable

__all__ = ["PARAMETERS_TAG", "Parameter", "check_values", "parse_value", "read_parameters"]

PARAMETERS_TAG = "parameters"
"""The tag of the cell that declares them, as papermill defines it."""

_TYPES: Mapping[str, type] = {
    "bool": bool,
    "dict": dict,
    "float": float,
    "int": int,
    "list": list,
    "str": str,
}
_TYPE_TEXTS = {
    bool: "true or false",
    dict: "a mapping",
    float: "a number",
    int: "a whole number",
    list: "a list",
    str: "text",
}


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter as the notebook declares it.

    Attributes:
        name: its name.
        types: the types that it accepts, from its annotation or else from its default; empty for
            any type.
        default: its default value.
    """

    name: str
    types: tuple[type, ...]
    default: Any


def read_parameters(notebook: Any, name: str) -> dict[str, Parameter]:
    """The parameters of a notebook, by name.

    They are read from the syntax tree. papermill's own inspection reads line by line and misses
    defaults that contain "=" or "#".

    Raises:
        InputError: no cell is tagged `parameters`, or the tagged cell contains anything else than
            names with literal values.
    """
    cell = next(
        (
            cell
            for cell in notebook.cells
            if cell.cell_type == "code" and PARAMETERS_TAG in cell.metadata.get("tags", ())
        ),
        None,
    )
    if cell is None:
        raise InputError(
            f"{name} has no cell tagged {PARAMETERS_TAG!r}: tag the cell that sets `snapshot`."
        )
    try:
        statements = ast.parse(cell.source).body
    except SyntaxError as error:
        raise InputError(
            f"The cell tagged {PARAMETERS_TAG!r} of {name} is not valid Python: "
            f"{error.msg}, line {error.lineno}."
        ) from error
    parameters = [
        _parameter(statement, name)
        for statement in statements
        # A docstring or a lone literal declares nothing.
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
    ]
    return {parameter.name: parameter for parameter in parameters}


def check_values(
    values: Mapping[str, object], parameters: Mapping[str, Parameter]
) -> dict[str, Any]:
    """The values as JSON types, after checking names and types.

    Raises:
        UnknownName: the notebook has no such parameter; the message lists similar names.
        InputError: a value has another type, or there is no mapping of values.
    """
    if not isinstance(values, Mapping):
        raise InputError(
            'parameters must be a mapping, such as {"date_from": "2026-11-02"}; '
            f"got {describe(values)}."
        )
    for name in values:
        if name not in parameters:
            raise UnknownName("parameter", printable(str(name)), parameters)
    return {name: _checked(value, parameters[name]) for name, value in values.items()}


def parse_value(name: str, text: str, parameters: Mapping[str, Parameter]) -> Any:
    """The value of a command-line argument: `text` itself for a text parameter, else JSON.

    Raises:
        UnknownName: the notebook has no such parameter.
        InputError: the value has another type.
    """
    if name not in parameters:
        raise UnknownName("parameter", printable(name), parameters)
    parameter = parameters[name]
    if str in parameter.types and not (text == "null" and type(None) in parameter.types):
        return text
    if bool in parameter.types and text in ("True", "False"):
        return text == "True"
    try:
        value = json.loads(text)
    except ValueError:
        if parameter.types:
            raise _type_error(parameter, text) from None
        return text
    return _checked(value, parameter)


def _parameter(statement: ast.stmt, notebook: str) -> Parameter:
    """The parameter of one statement: `name: type = value` or `name = value`."""
    types: tuple[type, ...] | None = None
    match statement:
        case ast.AnnAssign(
            target=ast.Name(id=name), annotation=annotation, value=ast.expr() as value
        ):
            types = _types(annotation)
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            pass
        case _:
            raise InputError(
                f"The cell tagged {PARAMETERS_TAG!r} of {notebook} contains more than names with "
                f"literal values (line {statement.lineno}): "
                'write each as `name: type = value`, such as `direction: str = "in"`.'
            )
    try:
        default: Any = ast.literal_eval(value)
    except ValueError:
        raise InputError(
            f"The parameter {name!r} of {notebook} has no literal value: "
            "write text, a number, a list or a mapping."
        ) from None
    default = list(default) if isinstance(default, tuple) else default
    if types is None:
        types = () if default is None else (type(default),)
    return Parameter(name=name, types=types, default=default)


def _types(annotation: ast.expr) -> tuple[type, ...]:
    """The JSON types in an annotation; empty if it contains any other type."""
    match annotation:
        case ast.Constant(value=None):
            return (type(None),)
        case ast.Name(id=name) | ast.Subscript(value=ast.Name(id=name)) if name in _TYPES:
            return (_TYPES[name],)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            left_types, right_types = _types(left), _types(right)
            return (*left_types, *right_types) if left_types and right_types else ()
    return ()


def _checked(value: object, parameter: Parameter) -> Any:
    result = _as_json(value, parameter)
    if not parameter.types:
        return result
    if type(result) is int and float in parameter.types and int not in parameter.types:
        return float(result)
    if type(result) not in parameter.types:
        raise _type_error(parameter, result)
    return result


def _as_json(value: object, parameter: Parameter) -> Any:
    """The value in JSON types, because another process receives it."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case list() | tuple():
            return [_as_json(item, parameter) for item in value]
        case Mapping() if all(isinstance(key, str) for key in value):
            return {key: _as_json(item, parameter) for key, item in value.items()}
    raise InputError(
        f"The parameter {parameter.name!r} takes text, numbers, true, false, and lists and "
        f"mappings of them; got {type(value).__name__}."
    )


def _type_error(parameter: Parameter, value: object) -> InputError:
    expected = " or ".join(_TYPE_TEXTS.get(kind, "null") for kind in parameter.types)
    text = printable(value if isinstance(value, str) else json.dumps(value))
    return InputError(f"The parameter {parameter.name!r} must be {expected}; got {text}.")
