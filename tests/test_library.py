"""The shipped content loads; broken content is refused with every problem named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from content.library import ContentError, load, read
from content.reading import DATA, Layers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped content, to be broken."""
    return Path(shutil.copytree(DATA, tmp_path / "data"))


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")


def problems(folder: Path) -> str:
    with pytest.raises(ContentError) as caught:
        read(Layers(folder))
    return str(caught.value)


def test_the_shipped_content_is_read_once() -> None:
    assert load() is load()


def test_every_rule_names_sources_that_are_listed() -> None:
    library = load()
    named = {source for rule in library.rules.values() for source in rule.sources}
    assert named <= library.sources.keys()


def test_the_version_changes_with_a_word_and_not_with_a_second_reading(folder: Path) -> None:
    before = read(Layers(folder)).version
    assert read(Layers(folder)).version == before
    change(folder / "texts/en/steps.toml", "Are you coming", "Will you come")
    assert read(Layers(folder)).version != before


def test_a_wrong_value_is_named_by_file_rule_and_field(folder: Path) -> None:
    change(folder / "rules.toml", "from_hours = 4\n", 'from_hours = "four"\n')
    assert "rules.toml: water.from_hours" in problems(folder)


def test_all_problems_of_a_file_are_named_at_once(folder: Path) -> None:
    change(folder / "rules.toml", "from_hours = 4\n", "from_hours = -4\n")
    change(folder / "rules.toml", 'sure = "H"', 'sure = "certain"')
    found = problems(folder)
    assert "water.from_hours" in found
    assert "moisturiser.sure" in found


def test_an_unknown_field_is_refused(folder: Path) -> None:
    change(folder / "steps.toml", 'topic = "sleep"', 'topic = "sleep"\nsubject = "sleep"')
    assert "steps.toml: first_evening.subject" in problems(folder)


def test_an_entry_that_is_no_table_is_refused(folder: Path) -> None:
    file = folder / "rules.toml"
    file.write_text("tea = 72\n" + file.read_text("utf-8"), "utf-8")
    assert "rules.toml: tea: expected a table" in problems(folder)


def test_a_file_that_is_no_toml_is_refused_by_name(folder: Path) -> None:
    (folder / "steps.toml").write_text("[first_hours\n", "utf-8")
    assert "steps.toml" in problems(folder)


def test_the_problems_of_all_files_are_named_together(folder: Path) -> None:
    change(folder / "rules.toml", "from_hours = 4\n", "from_hours = -4\n")
    change(folder / "steps.toml", 'kind = "safety"', 'kind = "danger"')
    found = problems(folder)
    assert "rules.toml: water.from_hours" in found
    assert "steps.toml: first_hours.kind" in found
    assert "is not in rules.toml" not in found


def test_texts_that_are_no_toml_are_refused_by_name(folder: Path) -> None:
    (folder / "texts/en/common.toml").write_bytes(b'when_closed = "\xff"')
    assert "common.toml" in problems(folder)


def test_a_text_with_a_broken_placeholder_is_refused_by_name(folder: Path) -> None:
    change(folder / "texts/en/steps.toml", "coming on {visit}?", "coming on {visit?")
    assert "texts/en/steps.toml: coming.text: " in problems(folder)


def test_a_source_that_is_not_listed_is_named(folder: Path) -> None:
    change(folder / "rules.toml", '"DERMAPEN-DOWN"', '"HEARSAY"')
    assert "rules.toml: water.sources: HEARSAY is not in sources.toml" in problems(folder)


@pytest.mark.parametrize("field", ["not_before", "allows", "apart"])
def test_a_step_that_names_an_unknown_rule_is_refused(folder: Path, field: str) -> None:
    value = '"tea"' if field == "not_before" else '["tea"]'
    change(folder / "steps.toml", 'at_night = "send"', f'at_night = "send"\n{field} = {value}')
    assert "steps.toml: first_hours: tea is not in rules.toml" in problems(folder)


def test_a_step_without_its_words_is_refused(folder: Path) -> None:
    for language in ("en", "es"):
        change(folder / f"texts/{language}/steps.toml", "[day5]", "[day6]")
    assert "texts/en/steps.toml: day5.text is missing" in problems(folder)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("lasts_hours = 24\n", "", "give either until or lasts_hours"),
        ("hours = 1 }", "hours = 1, days = 1 }", "give either hours, or days and at"),
        ("hours = 1 }", "days = 1 }", "give either hours, or days and at"),
        (
            'until = { anchor = "session", hours = 4',
            'until = { anchor = "visit", hours = 4',
            "until",
        ),
    ],
)
def test_a_step_without_one_clear_time_is_refused(
    folder: Path, old: str, new: str, said: str
) -> None:
    change(folder / "steps.toml", old, new)
    assert said in problems(folder)


def test_a_step_is_found_by_its_key_or_not_at_all() -> None:
    assert load().step("day7").topic == "actives"
    with pytest.raises(KeyError):
        load().step("day6")
