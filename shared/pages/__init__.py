"""HTML pages that work without JavaScript: one layout, the room's own templates, styles served from here."""

from shared.pages.assets import ASSET_ROUTE, asset
from shared.pages.rendering import Pages

__all__ = ["ASSET_ROUTE", "Pages", "asset"]
