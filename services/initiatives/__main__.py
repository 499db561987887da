"""The initiatives service on the command line."""

from services.initiatives.app import build
from services.initiatives.models import Model
from services.initiatives.settings import InitiativesSettings
from services.initiatives.worker import loops
from shared.process import Service, main

SERVICE = Service("initiatives", settings=InitiativesSettings, app=build, loops=loops, models=lambda: Model.metadata)

if __name__ == "__main__":
    main(SERVICE)
