"""No step contradicts a rule: the shipped content does not, and each planted fault is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from content.consistency import contradictions, kinds
from content.library import Library, load, read
from content.reading import Layers


def own(folder: Path, **files: str) -> Library:
    """The shipped content with a clinic's own files over it."""
    for name, said in files.items():
        file = folder / f"{name.replace('__', '/')}.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(said, "utf-8")
    return read(Layers(own=folder))


def test_the_shipped_content_does_not_contradict_itself() -> None:
    assert contradictions(load()) == []


def test_every_profile_is_looked_at() -> None:
    library = load()
    seen = {key for session in kinds(library) for key in library.profiles_of(session)}
    assert seen == library.profiles.keys()


@pytest.mark.parametrize(
    ("language", "text", "word"),
    [
        ("en", "You can wear make-up now.", "make up"),
        ("en", "Retinol is fine again.", "retinol"),
        ("en", "<b>Sauna</b> is fine.", "sauna"),
        ("es", "Ya puede usar maquillaje.", "maquillaje"),
        ("es", "Ya puede ir a la piscina.", "piscina"),
    ],
)
def test_a_step_that_permits_in_its_own_words_is_found(
    tmp_path: Path, language: str, text: str, word: str
) -> None:
    said = f'day2.text = "{{sunscreen}} {text}"\n'
    found = contradictions(own(tmp_path, **{f"texts__{language}__steps": said}))
    assert len(found) == 1
    assert found[0].startswith(f"texts/{language}/steps.toml: day2.text: says “{word}”")


def test_a_variant_of_a_text_is_looked_at_too(tmp_path: Path) -> None:
    shipped = load().texts.variant("en")["steps.day2.text"].words
    assert "make-up" not in shipped
    found = contradictions(
        own(tmp_path, texts__en__steps='day2.text = "{sunscreen} No make-up today."\n')
    )
    assert any("make up" in problem for problem in found)


def test_what_is_declared_is_held_against_the_rule(tmp_path: Path) -> None:
    text = 'day2.text = "{sunscreen} You can wear make-up now."\n'
    files = {"texts__en__steps": text, "steps": 'day2.permits = ["makeup"]\n'}
    found = contradictions(own(tmp_path, **files))
    assert found
    assert found[0].startswith("steps.toml: day2: its text permits makeup, which is not allowed at")
    files["rules"] = "makeup.from_hours = 24\n"
    assert contradictions(own(tmp_path, **files)) == []


def test_what_a_text_forbids_must_be_forbidden_as_long_as_it_may_be_sent(tmp_path: Path) -> None:
    text = 'check_72.text = "No sauna yet. {fine} {still_no}"\n'
    files = {"texts__en__steps": text, "steps": 'check_72.forbids = ["heat"]\n'}
    assert contradictions(own(tmp_path, **files)) == []
    files["rules"] = "heat.from_hours = 90\n"
    found = contradictions(own(tmp_path, **files))
    assert found[0].startswith("steps.toml: check_72: its text forbids heat, which is allowed at")


def test_a_rule_before_what_it_needs_is_found(tmp_path: Path) -> None:
    found = contradictions(own(tmp_path, rules="water.from_hours = 30\n"))
    assert found == [
        "rules.toml: cleansing: allowed from 24 h, but it needs water, which is from 30 h"
        " (face, needling, 0.3 mm)"
    ]
