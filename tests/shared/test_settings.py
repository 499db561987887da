"""Settings: read once from the environment, wrong ones said so that an operator can mend them."""

from pathlib import Path

import pytest

from shared.settings import Settings, TelemetrySettings, load
from shared.settings_errors import SettingsError

DATABASE = "postgresql://partners:pa55@127.0.0.1:5432/partners"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*Settings.model_fields, "env_file"]:
        monkeypatch.delenv(f"INTERURBE_{name.upper()}", raising=False)


def wrong(monkeypatch: pytest.MonkeyPatch, **values: str) -> str:
    """What is said about these variables."""
    monkeypatch.setenv("INTERURBE_DATABASE_URL", DATABASE)
    for name, value in values.items():
        monkeypatch.setenv(f"INTERURBE_{name.upper()}", value)
    with pytest.raises(SettingsError) as refused:
        load(Settings)
    return str(refused.value)


def test_only_the_database_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERURBE_DATABASE_URL", DATABASE)
    settings = load(Settings)
    assert settings.port == 8001
    assert settings.public_url == "http://127.0.0.1:8001"
    assert not settings.kafka


def test_a_missing_variable_is_named_with_its_rule_and_the_fix() -> None:
    with pytest.raises(SettingsError) as refused:
        load(Settings)
    assert str(refused.value) == (
        "INTERURBE_DATABASE_URL is missing.\n"
        "  Set it to the service's own database, e.g. postgresql://partners:PASSWORD@127.0.0.1:5432/partners."
    )


def test_every_wrong_variable_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    said = wrong(monkeypatch, port="99999", trace_ratio="2", log_level="loud", issuer="nowhere", kafka_bootstrap_servers="broker")
    assert "INTERURBE_PORT must be less than or equal to 65535" in said
    assert "INTERURBE_TRACE_RATIO must be less than or equal to 1" in said
    assert "INTERURBE_LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR" in said
    assert "INTERURBE_ISSUER must be an address such as http://127.0.0.1:8001" in said
    assert "INTERURBE_KAFKA_BOOTSTRAP_SERVERS must be host:port,host:port; 'broker' is not host:port" in said


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("mysql://a:pa55@host/name", "must start with postgresql://"),
        ("postgresql://a:pa55@host:5432", "must end with the name of the database"),
        ("postgresql://a:pa55@host:port/name", "must be postgresql://role:password@host:port/database"),
    ],
)
def test_a_database_address_is_checked_and_never_repeated(monkeypatch: pytest.MonkeyPatch, url: str, rule: str) -> None:
    said = wrong(monkeypatch, log_url=url)
    assert f"INTERURBE_LOG_URL {rule}" in said
    assert "pa55" not in said


def test_one_of_the_two_buses_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERURBE_DATABASE_URL", DATABASE)
    with pytest.raises(SettingsError, match="INTERURBE_LOG_URL is missing, and INTERURBE_KAFKA_BOOTSTRAP_SERVERS too"):
        load(Settings).bus_named()
    monkeypatch.setenv("INTERURBE_KAFKA_BOOTSTRAP_SERVERS", "one:9092,two:9092")
    load(Settings).bus_named()


def test_empty_variables_mean_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERURBE_OTLP_ENDPOINT", "")
    assert load(TelemetrySettings).otlp_endpoint is None


def test_a_file_is_read_only_when_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"INTERURBE_DATABASE_URL={DATABASE}\nINTERURBE_PORT=9100\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError):
        load(Settings)
    monkeypatch.setenv("INTERURBE_ENV_FILE", str(tmp_path / ".env"))
    assert load(Settings).port == 9100
    monkeypatch.setenv("INTERURBE_ENV_FILE", str(tmp_path / "other"))
    with pytest.raises(SettingsError, match="which is not a file"):
        load(Settings)


def test_secrets_do_not_show() -> None:
    settings = Settings(database_url=DATABASE, log_url=DATABASE)  # type: ignore[arg-type]  # pydantic makes secrets of them
    assert "pa55" not in f"{settings} {settings!r}"
