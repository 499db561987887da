"""The service tells the truth about whether it can give tokens."""

from __future__ import annotations

import pytest

from services.partners.app import build
from services.partners.settings import PartnersSettings
from shared.process import Runtime
from shared.settings import load
from shared.settings_errors import SettingsError
from tests.partners.conftest import client_on


async def test_it_is_not_ready_before_it_has_keys(runtime: Runtime) -> None:
    app = build(runtime)
    founding, _revoked = runtime.loops
    async with client_on(app) as anyone:
        before = (await anyone.get("/readyz")).json()["checks"]["signing keys"]
        assert not before["ok"]
        assert "no keys" in before["words"]
        await founding.step()
        assert (await anyone.get("/readyz")).json()["checks"]["signing keys"]["ok"]
        assert len((await anyone.get("/.well-known/jwks.json")).json()["keys"]) == 2


async def test_without_the_setting_there_is_no_first_client(runtime: Runtime, settings: PartnersSettings) -> None:
    runtime.settings = settings.model_copy(update={"bootstrap_client_secret": None})
    app = build(runtime)
    await runtime.loops[0].step()
    async with client_on(app) as anyone:
        answer = await anyone.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=("bootstrap", "None"))
        assert answer.status_code == 401


def test_a_short_secret_of_the_first_client_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERURBE_DATABASE_URL", "postgresql://partners:x@127.0.0.1:5432/partners")
    monkeypatch.setenv("INTERURBE_BOOTSTRAP_CLIENT_SECRET", "too short")
    with pytest.raises(SettingsError) as refused:
        load(PartnersSettings)
    assert "INTERURBE_BOOTSTRAP_CLIENT_SECRET" in str(refused.value)
    assert "too short" not in str(refused.value)
