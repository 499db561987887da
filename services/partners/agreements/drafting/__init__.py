"""Drafting: an agreement begins, seen by nobody but its writer."""
