"""The catalogues have a translation for each text of the source, and nothing else."""

import unicodedata
from pathlib import Path

import pytest
from support.translations import (
    CATALOGUES,
    Key,
    Source,
    catalogue_text,
    placeholders,
    read_catalogue,
    source_texts,
)


@pytest.fixture(scope="module")
def source() -> Source:
    """Read once, and not by processes that run other tests."""
    return source_texts()


@pytest.fixture(params=CATALOGUES, ids=lambda path: path.stem)
def catalogue(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_texts_are_literals(source: Source):
    assert not source.errors


def test_every_text_has_a_translation_and_every_translation_is_used(
    catalogue: Path, source: Source
):
    entries = read_catalogue(catalogue)

    assert source.keys - {key for key, forms in entries.items() if all(forms)} == set()
    assert entries.keys() - source.keys == set()


def test_translations_have_the_placeholders_of_the_text(catalogue: Path):
    for key, forms in read_catalogue(catalogue).items():
        for form in forms:
            assert placeholders(form) == placeholders(key.plural or key.text), key.text


def test_translations_are_composed_unicode_with_the_same_space_at_both_ends(catalogue: Path):
    for key, forms in read_catalogue(catalogue).items():
        for form in forms:
            assert form == unicodedata.normalize("NFC", form), key.text
            for end in (0, -1):
                assert form[end].isspace() == key.text[end].isspace(), key.text


def test_catalogues_are_sorted_and_have_one_line_per_text(catalogue: Path):
    text = catalogue_text(read_catalogue(catalogue), catalogue.stem)

    assert catalogue.read_text(encoding="utf-8") == text, (
        "Run: PYTHONPATH=tests python -m support.translations"
    )


def test_a_merge_with_conflicts_is_read_and_empty_entries_lose(tmp_path: Path):
    path = tmp_path / "vi.po"
    path.write_text(
        'msgid "b"\nmsgstr ""\n\n<<<<<<< main\nmsgid "a"\nmsgstr "A"\n=======\nmsgid "b"\n'
        'msgstr "B"\n>>>>>>> other\nmsgid "{n} c"\nmsgid_plural "{n} cs"\nmsgstr[0] "{n} C"\n',
        encoding="utf-8",
    )

    entries = read_catalogue(path)

    assert entries == {
        Key("a", "", ""): ("A",),
        Key("b", "", ""): ("B",),
        Key("{n} c", "", "{n} cs"): ("{n} C",),
    }
