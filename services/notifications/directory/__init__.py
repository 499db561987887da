"""What the neighbours said, as far as messages must say it or match on it."""
