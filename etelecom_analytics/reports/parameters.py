"""The parameters of a notebook: read from its cell tagged `parameters`, and given values only of their own names and types."""

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InputError, UnknownName
from ..phone_numbers import printable

__all__ = ["Parameter", "checked", "parameters_of", "read_text"]

_TYPES: Mapping[str, type] = {
    "bool": bool,
    "dict": dict,
    "float": float,
    "int": int,
    "list": list,
    "str": str,
}
_WORDS = {
    bool: "true or false",
    dict: "a mapping",
    float: "a number",
    int: "a whole number",
    list: "a list",
    str: "text",
}
_TAG = "parameters"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter as its notebook declares it.

    Attributes:
        name: what it is called.
        kinds: the types that it takes, by its annotation, or else that of its default; empty: any.
        default: its value where none is given.
    """

    name: str
    kinds: tuple[type, ...]
    default: Any


def parameters_of(notebook: Any, name: str) -> dict[str, Parameter]:
    """The parameters of this notebook, by their names.

    Read from the syntax itself: papermill's own inspection goes by lines, and sees no default that
    holds "=" or "#".

    Raises:
        InputError: no cell is tagged `parameters`, or the one that is holds anything but names with
            plain values.
    """
    cell = next(
        (
            cell
            for cell in notebook.cells
            if cell.cell_type == "code" and _TAG in cell.metadata.get("tags", ())
        ),
        None,
    )
    if cell is None:
        raise InputError(
            f"{name} has no cell tagged {_TAG!r}, so it is no report: tag the cell that sets `snapshot`."
        )
    try:
        statements = ast.parse(cell.source).body
    except SyntaxError as error:
        raise InputError(
            f"The cell tagged {_TAG!r} of {name} is no Python: {error.msg}, line {error.lineno}."
        ) from error
    found = [
        _declared(each, name)
        for each in statements
        if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
    ]
    return {parameter.name: parameter for parameter in found}


def checked(given: Mapping[str, object], known: Mapping[str, Parameter]) -> dict[str, Any]:
    """The values as JSON has them, if each is of a parameter's name and type.

    Raises:
        UnknownName: the notebook has no such parameter; the message lists the nearest.
        InputError: a value is of another type.
    """
    for name in given:
        if name not in known:
            raise UnknownName("parameter", name, known)
    return {name: _fitting(value, known[name]) for name, value in given.items()}


def read_text(name: str, text: str, known: Mapping[str, Parameter]) -> Any:
    """The value that a text of the command line stands for: text as it is where that is taken, else JSON.

    Raises:
        UnknownName: the notebook has no such parameter.
        InputError: it is not of the parameter's type.
    """
    if name not in known:
        raise UnknownName("parameter", name, known)
    parameter = known[name]
    if str in parameter.kinds and not (text == "null" and type(None) in parameter.kinds):
        return text
    if bool in parameter.kinds and text in ("True", "False"):
        return text == "True"
    try:
        value = json.loads(text)
    except ValueError:
        if parameter.kinds:
            raise _misfit(parameter, text) from None
        return text
    return _fitting(value, parameter)


def _declared(statement: ast.stmt, notebook: str) -> Parameter:
    """What one line of the cell declares: `name: type = value` or `name = value`."""
    kinds: tuple[type, ...] | None = None
    match statement:
        case ast.AnnAssign(
            target=ast.Name(id=name), annotation=annotation, value=ast.expr() as value
        ):
            kinds = _kinds(annotation)
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            pass
        case _:
            raise InputError(
                f"The cell tagged {_TAG!r} of {notebook} holds more than names with plain values (line {statement.lineno}): "
                'write each as `name: type = value`, such as `direction: str = "in"`.'
            )
    try:
        default: Any = ast.literal_eval(value)
    except ValueError:
        raise InputError(
            f"The parameter {name!r} of {notebook} has no plain value: write text, a number, a list or a mapping."
        ) from None
    default = list(default) if isinstance(default, tuple) else default
    if kinds is None:
        kinds = () if default is None else (type(default),)
    return Parameter(name=name, kinds=kinds, default=default)


def _kinds(annotation: ast.expr) -> tuple[type, ...]:
    """The types that an annotation names, as far as JSON has them; none where it names another."""
    match annotation:
        case ast.Constant(value=None):
            return (type(None),)
        case ast.Name(id=name) if name in _TYPES:
            return (_TYPES[name],)
        case ast.Subscript(value=ast.Name(id=name)) if name in _TYPES:
            return (_TYPES[name],)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            both = (_kinds(left), _kinds(right))
            return (*both[0], *both[1]) if all(both) else ()
    return ()


def _fitting(value: object, parameter: Parameter) -> Any:
    plain = _plain(value, parameter)
    if not parameter.kinds:
        return plain
    if (
        isinstance(plain, int)
        and not isinstance(plain, bool)
        and float in parameter.kinds
        and int not in parameter.kinds
    ):
        return float(plain)
    if type(plain) not in parameter.kinds:
        raise _misfit(parameter, plain)
    return plain


def _plain(value: object, parameter: Parameter) -> Any:
    """The value in the types of JSON, in which it is handed to another process."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case list() | tuple():
            return [_plain(each, parameter) for each in value]
        case Mapping() if all(isinstance(key, str) for key in value):
            return {key: _plain(each, parameter) for key, each in value.items()}
    raise InputError(
        f"The parameter {parameter.name!r} takes text, numbers, true, false, lists and mappings of them; got {type(value).__name__}."
    )


def _misfit(parameter: Parameter, value: object) -> InputError:
    wanted = " or ".join(_WORDS.get(kind, "null") for kind in parameter.kinds)
    got = printable(value if isinstance(value, str) else json.dumps(value))
    return InputError(f"The parameter {parameter.name!r} is {wanted}; got {got}.")
