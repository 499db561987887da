"""Revisions: every version of an agreement's terms, kept as it was, with the bytes behind its hash."""
