"""Who may approve or sign for whom: asked for by one partner, granted by another, until it is revoked or ends."""
