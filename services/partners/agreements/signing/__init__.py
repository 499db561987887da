"""Signing: the agreed terms are signed by every signatory and enter into force on their day."""
