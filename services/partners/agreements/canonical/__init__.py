"""Canonical: the exact bytes that the parties consent to, and the hash that names them."""
