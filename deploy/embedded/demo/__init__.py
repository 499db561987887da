"""The two stories of the press releases, played over HTTP by the systems of those who took part."""
