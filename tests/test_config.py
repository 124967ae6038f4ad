"""Settings: read once, every problem said at once, no secret repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.config import CLINIC, SettingsError, read_settings

NEEDED = ("telegram_token", *CLINIC)
WHOLE = {
    "TELEGRAM_TOKEN": "123:abc-DEF",
    "CLINIC_PHONE": "1",
    "CLINIC_EMERGENCY_NUMBER": "112",
    "CLINIC_TIMEZONE": "Europe/London",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in WHOLE.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_a_whole_environment_is_read(environment: pytest.MonkeyPatch) -> None:
    settings = read_settings(*NEEDED)
    assert settings.clinic().timezone == "Europe/London"
    assert settings.telegram_api_url == "https://api.telegram.org"
    assert settings.database_url == "sqlite:///aftercare.db"
    assert settings.messages_per_second == 25


def test_a_file_is_read_and_the_environment_wins(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("CLINIC_NAME=From the file\nCLINIC_PHONE=2\n")
    settings = read_settings()
    assert (settings.clinic_name, settings.clinic_phone) == ("From the file", "1")


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(*NEEDED)
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        name.upper() for name in NEEDED
    ]


def test_all_that_is_malformed_or_missing_is_named_at_once(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("TELEGRAM_TOKEN", "secret-but-wrong")
    environment.setenv("CLINIC_TIMEZONE", "Mars/Base")
    environment.setenv("MESSAGES_PER_SECOND", "0")
    environment.setenv("LOG_FORMAT", "xml")
    environment.delenv("CLINIC_PHONE")
    with pytest.raises(SettingsError) as caught:
        read_settings(*NEEDED)
    said = "\n".join(caught.value.problems)
    for name in (
        "TELEGRAM_TOKEN", "CLINIC_TIMEZONE", "MESSAGES_PER_SECOND", "LOG_FORMAT", "CLINIC_PHONE",
    ):  # fmt: skip
        assert said.count(f"{name}:") == 1, name
    assert "secret-but-wrong" not in said


def test_an_empty_setting_is_not_set(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CLINIC_PHONE", "")
    with pytest.raises(SettingsError, match="CLINIC_PHONE"):
        read_settings(*NEEDED)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("DATABASE_URL", "postgres://u@h/d", "PostgreSQL is not supported yet"),
        ("DATABASE_URL", "aftercare.db", "sqlite:///"),
        ("DATABASE_URL", "sqlite:////no/such/folder/x.db", "no folder"),
        ("CLINIC_EMERGENCY_NUMBER", "abc", "can be called"),
        ("CLINIC_PHONE", "call us", "can be called"),
        ("TELEGRAM_API_URL", "api.telegram.org", "https://"),
        ("CLINIC_LANGUAGE", "xx", "en"),
        ("LOG_LEVEL", "loud", "info"),
    ],
)
def test_a_malformed_value_says_what_would_be_right(
    environment: pytest.MonkeyPatch, name: str, value: str, complaint: str
) -> None:
    environment.setenv(name, value)
    with pytest.raises(SettingsError, match=complaint):
        read_settings()


def test_names_and_levels_may_be_written_in_any_case(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("LOG_LEVEL", "INFO")
    environment.setenv("TELEGRAM_API_URL", "http://127.0.0.1:1/")
    settings = read_settings()
    assert settings.log_level == "info"
    assert settings.telegram_api_url == "http://127.0.0.1:1"


def test_the_token_is_not_in_what_settings_print(environment: pytest.MonkeyPatch) -> None:
    assert "abc-DEF" not in repr(read_settings())
