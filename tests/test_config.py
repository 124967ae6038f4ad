"""Settings: read once, every problem said at once, no secret repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.config import CLINIC, NOT_YET, WEB, Settings, SettingsError, read_settings

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
        ("DATABASE_URL", "aftercare.db", "sqlite:///"),
        ("DATABASE_URL", "sqlite:////no/such/folder/x.db", "no folder"),
        ("CLINIC_EMERGENCY_NUMBER", "abc", "can be called"),
        ("CLINIC_PHONE", "call us", "can be called"),
        ("TELEGRAM_API_URL", "api.telegram.org", "https://"),
        ("TELEGRAM_API_URL", "https://", "like https://api"),
        ("TELEGRAM_API_URL", "http://[::1", "like https://api"),
        ("TELEGRAM_API_URL", "http://127.0.0.1:port", "like https://api"),
        ("TELEGRAM_API_URL", "https://api telegram.org", "like https://api"),
        ("MESSAGES_PER_SECOND", "nan", "finite number"),
        ("MESSAGES_PER_SECOND", "inf", "finite number"),
        ("CLINIC_NAME", "Fr\udcfchling", "UTF-8"),
        ("CONTENT_DIR", "/tmp/caf\udce9", "UTF-8"),
        ("CLINIC_LANGUAGE", "English", "should match"),
        ("LOG_LEVEL", "loud", "info"),
        ("PORT", "0", "PORT"),
        ("PORT", "http", "PORT"),
        ("HEALTH_PORT", "65536", "HEALTH_PORT"),
        ("METRICS_TOKEN", "with a space", "without spaces"),
        ("METRICS_TOKEN", "naïve", "plain letters"),
        ("WEBHOOK_SECRET", "a" * 257, "1 to 256"),
        ("WEBHOOK_SECRET", "no spaces", "A-Z a-z 0-9"),
    ],
)
def test_a_malformed_value_says_what_would_be_right(
    environment: pytest.MonkeyPatch, name: str, value: str, complaint: str
) -> None:
    environment.setenv(name, value)
    with pytest.raises(SettingsError, match=complaint):
        read_settings()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("CLINIC_NAME=Frühling".encode("latin-1"), "^.env: is not text in UTF-8"),
        (b'CLINIC_NAME="Spring\x00"', "^CLINIC_NAME: is not text in UTF-8"),
    ],
)
def test_a_file_of_other_letters_than_utf8_is_said_plainly(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(SettingsError, match=complaint) as caught:
        read_settings()
    assert len(caught.value.problems) == 1


def test_names_and_levels_may_be_written_in_any_case(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("LOG_LEVEL", "INFO")
    environment.setenv("TELEGRAM_API_URL", "http://127.0.0.1:1/")
    settings = read_settings()
    assert settings.log_level == "info"
    assert settings.telegram_api_url == "http://127.0.0.1:1"


def test_no_secret_is_in_what_settings_print(environment: pytest.MonkeyPatch) -> None:
    secrets = {
        "WEBHOOK_SECRET": "hook-secret",
        "METRICS_TOKEN": "metrics-secret",
        "DATABASE_URL": "postgresql://clinic:pg-secret@db/clinic",
    }
    for name, value in secrets.items():
        environment.setenv(name, value)
    settings = read_settings(*NEEDED)
    assert settings.metrics_token == "metrics-secret"
    assert not [word for word in ("abc-DEF", "-secret") if word in repr(settings)]


@pytest.mark.parametrize("name", ["WEBHOOK_SECRET", "METRICS_TOKEN", "TELEGRAM_TOKEN"])
def test_a_malformed_secret_is_not_repeated(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.setenv(name, "very secret é")
    with pytest.raises(SettingsError, match=name) as caught:
        read_settings()
    assert "very" not in str(caught.value)
    with pytest.raises(ValueError, match=name.lower()) as raw:
        Settings()
    assert "very" not in str(raw.value)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("postgres://u:p@db.host/clinic", "postgresql://u:p@db.host/clinic"),
        ("postgresql://u:p%2F%23@db:6543/c", "postgresql://u:p%2F%23@db:6543/c"),
        ("postgres://u@db/c?sslmode=require", "postgresql://u@db/c?sslmode=require"),
        ("postgresql:///clinic?host=/run/postgresql", "postgresql:///clinic?host=/run/postgresql"),
        ("postgresql://u:p@[::1]:5432/c", "postgresql://u:p@[::1]:5432/c"),
        ("postgresql://u@here:p@db/c", "postgresql://u@here:p@db/c"),
        ("postgresql://u:p%40q@db/c", "postgresql://u:p%40q@db/c"),
    ],
)
def test_postgresql_is_taken_as_hosts_hand_it_out(
    environment: pytest.MonkeyPatch, given: str, kept: str
) -> None:
    environment.setenv("DATABASE_URL", given)
    settings = read_settings(*NEEDED, on_postgres_for="web")
    assert settings.database_url == kept
    assert settings.on_postgres


def test_sqlite_is_not_postgresql(environment: pytest.MonkeyPatch) -> None:
    assert not read_settings(*NEEDED).on_postgres


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:hush@db",
        "postgresql://u:hush@db/",
        "postgres://u:hush/more@db/clinic",
        "postgresql://u:hush#more@db/clinic",
        "postgresql://u:hush@more@db/clinic",
        "postgresql://u:hush?more@db/clinic",
        "postgresql://u:hush@db:port/clinic",
        "postgresql://u:[hush@db/clinic",
        "postgresql://u:hush@db/cli nic",
    ],
)
def test_a_malformed_postgresql_address_is_said_without_its_password(
    environment: pytest.MonkeyPatch, address: str
) -> None:
    environment.setenv("DATABASE_URL", address)
    with pytest.raises(SettingsError, match="DATABASE_URL: must look like") as caught:
        read_settings(*NEEDED, on_postgres_for="web")
    assert "hush" not in str(caught.value)
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("https://bot.example.com/telegram", "/telegram"),
        ("https://bot.example.com:8443/a/b_c-9~.x/", "/a/b_c-9~.x/"),
        ("http://127.0.0.1:8080/hook", "/hook"),
    ],
)
def test_the_path_of_the_webhook_is_where_updates_are_awaited(
    environment: pytest.MonkeyPatch, address: str, path: str
) -> None:
    environment.setenv("WEBHOOK_URL", address)
    settings = read_settings()
    assert (settings.webhook_url, settings.webhook_path) == (address, path)


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("bot.example.com/telegram", "https://"),
        ("ftp://bot.example.com/telegram", "https://"),
        ("https:///telegram", "https://"),
        ("https://bot.example.com:x/telegram", "https://"),
        ("https://bot.example.com/telegram#top", "https://"),
        ("https://me:pw@bot.example.com/telegram", "https://"),
        ("https://bot example.com/telegram", "https://"),
        ("https://bot.example.com", "a path"),
        ("https://bot.example.com/", "a path"),
        ("https://bot.example.com/{any}", "a path"),
        ("https://bot.example.com/a/../metrics", "a path"),
        ("https://bot.example.com/metrics", "taken"),
        ("https://bot.example.com/healthz/", "taken"),
    ],
)
def test_a_webhook_nobody_can_post_to_is_refused(
    environment: pytest.MonkeyPatch, address: str, complaint: str
) -> None:
    environment.setenv("WEBHOOK_URL", address)
    with pytest.raises(SettingsError, match=f"WEBHOOK_URL: .*{complaint}"):
        read_settings()


def test_what_web_misses_is_named_at_once_and_why_it_takes_postgresql() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(*WEB, on_postgres_for="web")
    *missing, database = caught.value.problems
    assert [problem.split(":")[0] for problem in missing] == [name.upper() for name in WEB]
    assert "`web` needs PostgreSQL" in database
    assert "several processes" in database
    assert "empty the disk" in database


def test_a_setting_is_read_or_said_to_be_of_a_later_version() -> None:
    assert not {name.lower() for name in NOT_YET} & set(Settings.model_fields)
