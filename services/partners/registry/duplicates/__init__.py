"""Duplicates: which partners on record a new one might be, and why it is thought so."""
