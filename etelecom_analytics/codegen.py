"""Python code that creates an object, ready to paste into a notebook."""

from collections.abc import Mapping

__all__ = ["constructor_code", "literal"]

_MAX_LINE = 110


def constructor_code(constructor: str, arguments: Mapping[str, object], *, name: str) -> str:
    """The import and the statement `name = et.constructor(...)`, split over lines if it is long."""
    assignments = [f"{argument}={literal(value)}" for argument, value in arguments.items()]
    code = f"{name} = et.{constructor}({', '.join(assignments)})"
    if len(code) > _MAX_LINE:
        lines = [f"    {assignment}," for assignment in assignments]
        code = "\n".join([f"{name} = et.{constructor}(", *lines, ")"])
    return f"import etelecom_analytics as et\n\n{code}\n"


def literal(value: object) -> str:
    """The literal of a value, with double quotes where `repr` uses single quotes."""
    if isinstance(value, str):
        text = repr(value)
        return text if '"' in value or "'" in value else f'"{text[1:-1]}"'
    if isinstance(value, list):
        return f"[{', '.join(literal(item) for item in value)}]"
    if isinstance(value, tuple):
        return f"({', '.join(literal(item) for item in value)}{',' * (len(value) == 1)})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{literal(key)}: {literal(item)}' for key, item in value.items())}}}"
    return repr(value)
