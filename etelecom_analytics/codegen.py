"""Python that makes a value anew, ready to paste into a notebook."""

from collections.abc import Mapping

__all__ = ["literal", "constructor_code"]

_LONGEST_LINE = 110


def constructor_code(constructor: str, arguments: Mapping[str, object], *, name: str) -> str:
    """Two statements: the import, and `name = et.constructor(...)`; one line if it is short, else a line for each argument."""
    told = [f"{argument}={literal(value)}" for argument, value in arguments.items()]
    line = f"{name} = et.{constructor}({', '.join(told)})"
    if len(line) > _LONGEST_LINE:
        line = "\n".join(
            [f"{name} = et.{constructor}(", *(f"    {argument}," for argument in told), ")"]
        )
    return f"import etelecom_analytics as et\n\n{line}\n"


def literal(value: object) -> str:
    """A literal as people write it, with double quotes where repr would use single ones."""
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
