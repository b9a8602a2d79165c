"""The texts of the source and the entries of the catalogues.

    PYTHONPATH=tests python -m support.translations

brings the catalogues up to date: it adds the texts of the source without a translation, removes
entries that nothing uses, prints both, and sorts. Run it also after a merge; it accepts a file with
conflict markers and entries that occur twice.
"""

import ast
import re
import string
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jinja2
from babel.messages.pofile import escape, read_po

import etelecom_analytics as et
from etelecom_analytics.metrics import MEASURES, sip_code
from etelecom_analytics.metrics.funnels import FUNNEL
from etelecom_analytics.metrics.quality_checks import CHECKS
from etelecom_analytics.metrics.service_level_variants import SERVICE_LEVELS
from etelecom_analytics.metrics.trunks import SIP_CLASSES, SIP_CODES
from etelecom_analytics.reports.markdown_text import markdown_paragraphs
from etelecom_analytics.reports.notebook import read_notebook

PACKAGE = Path(et.__file__).parent
CATALOGUES = [PACKAGE / "locale" / "vi.po"]
_FUNCTIONS = {"mark": 1, "ntr": 2, "tr": 1}
"""The functions with texts, and how many texts their first arguments are."""
_VARIABLE = (ast.Name, ast.Attribute, ast.Subscript, ast.Call)


class Key(NamedTuple):
    """What identifies an entry. `gettext` identifies it by text and context; one plural fits."""

    text: str
    context: str
    plural: str


class Source(NamedTuple):
    """The texts of the source, and the calls that are wrong, as "file:line: reason"."""

    keys: set[Key]
    errors: list[str]


def source_texts() -> Source:
    """All texts of modules, templates, notebooks and the registry."""
    source = Source(set(_registry_texts()), [])
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            function = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
            if function in _FUNCTIONS:
                _add(source, node, function, f"{name}:{node.lineno}")
    for path in sorted((*PACKAGE.rglob("*.html"), *PACKAGE.rglob("*.j2"))):
        tree = jinja2.Environment(autoescape=True).parse(path.read_text(encoding="utf-8"))
        for call in tree.find_all(jinja2.nodes.Call):
            if isinstance(call.node, jinja2.nodes.Name) and call.node.name in _FUNCTIONS:
                texts = [each.value for each in call.args if isinstance(each, jinja2.nodes.Const)]
                contexts = [each.value.as_const() for each in call.kwargs if each.key == "context"]
                source.keys.add(_key(texts[: _FUNCTIONS[call.node.name]], *contexts))
    for path in sorted(PACKAGE.rglob("*.ipynb")):
        for cell in read_notebook(path, path.name).cells:
            paragraphs = markdown_paragraphs(cell.source) if cell.cell_type == "markdown" else ()
            source.keys.update(_key([text]) for _, text in paragraphs)
    return source


def _registry_texts() -> Iterator[Key]:
    """The texts of measures: the registry is the one place that has them."""
    for measure in MEASURES.values():
        texts = [measure.title, measure.population]
        variants = SERVICE_LEVELS if measure.name == "service_level" else [None]
        texts += [
            measure.formula(et.MetricOptions(variant=variant) if variant else et.MetricOptions())
            for variant in variants
        ]
        yield from (_key([text]) for text in texts)
    tables = [
        (each.source for each in SERVICE_LEVELS.values()),
        (meaning for _, meaning in FUNNEL.values()),
        (code.meaning for code in (*SIP_CODES.values(), *SIP_CLASSES.values())),
        (sip_code(None).meaning, sip_code(99_999).meaning),
        CHECKS.values(),
    ]
    yield from (_key([text]) for table in tables for text in table)
    yield from (_key([check], "check") for check in CHECKS)


def _add(source: Source, node: ast.Call, function: str, place: str) -> None:
    choices: list[list[str]] = [[]]
    for argument in node.args[: _FUNCTIONS[function]]:
        texts = list(_literals(argument))
        if function == "tr" and not texts and isinstance(argument, _VARIABLE):
            return  # a constant that was marked where it is defined
        choices = [[*choice, text] for choice in choices for text in texts]
    contexts = [each.value for each in node.keywords if each.arg == "context"]
    context = ast.literal_eval(contexts[0]) if contexts else ""
    if not choices:
        source.errors.append(
            f"{place}: {function} needs literal text, not text that is put together"
        )
    for texts in choices:
        names = {name for text in texts for name in placeholders(text)}
        if any(name and not name.isidentifier() for name in names):
            source.errors.append(f"{place}: braces contain a name only; format the value before")
        source.keys.add(_key(texts, context))


def _literals(node: ast.expr) -> Iterator[str]:
    """The texts of a literal, or of both branches of `a if condition else b`."""
    if isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def _key(texts: list[str], context: str = "") -> Key:
    return Key(texts[0], context, texts[1] if len(texts) > 1 else "")


def placeholders(text: str) -> list[str]:
    """The names in braces, with their format."""
    return sorted(
        f"{name}{'!' + conversion if conversion else ''}{':' + spec if spec else ''}"
        for _, name, spec, conversion in string.Formatter().parse(text)
        if name is not None
    )


def read_catalogue(path: Path) -> dict[Key, tuple[str, ...]]:
    """The entries of a catalogue: translations by key."""
    text = re.sub(
        r"^(<<<<<<<|=======|>>>>>>>|\|\|\|\|\|\|\|).*\n", "", path.read_text("utf-8"), flags=re.M
    )
    text = re.sub(r'^((msgctxt|msgid) .*\n)+msgstr ""\n(?!")', "", text, flags=re.M)  # none yet
    entries = {}
    for message in read_po(text.encode("utf-8").splitlines(keepends=True), locale=path.stem):
        if message.id:
            texts = [message.id] if isinstance(message.id, str) else list(message.id)
            forms = [message.string] if isinstance(message.string, str) else list(message.string)
            if message.fuzzy:
                forms = [""]
            entries[_key(texts, message.context or "")] = tuple(forms)
    return entries


def catalogue_text(entries: dict[Key, tuple[str, ...]], language: str) -> str:
    """The entries as a PO file, sorted by text, each text on one line."""
    blocks = [
        'msgid ""\nmsgstr ""\n'
        f'"Language: {language}\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n'
        '"Plural-Forms: nplurals=1; plural=0;\\n"\n'
    ]
    for key in sorted(entries):
        lines = [f"msgctxt {escape(key.context)}"] if key.context else []
        lines.append(f"msgid {escape(key.text)}")
        forms = entries[key] or ("",)
        if key.plural:
            lines.append(f"msgid_plural {escape(key.plural)}")
            lines += [f"msgstr[{place}] {escape(form)}" for place, form in enumerate(forms)]
        else:
            lines.append(f"msgstr {escape(forms[0])}")
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def main() -> None:
    """Bring the catalogues up to date, and print what changed."""
    source = source_texts()
    lines = list(source.errors)
    for path in CATALOGUES:
        entries = read_catalogue(path)
        unused = sorted(entries.keys() - source.keys)
        lines += [f"removed: {key.text!r}, {entries[key]}" for key in unused]
        updated = {key: entries.get(key, ("",)) for key in source.keys}
        path.write_text(catalogue_text(updated, path.stem), encoding="utf-8")
        missing = sorted(key.text for key, forms in updated.items() if not all(forms))
        lines += [f"to translate: {text!r}" for text in missing]
        lines.append(f"{path.name}: {len(updated):,} entries, {len(missing):,} to translate")
    sys.stdout.write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    main()
