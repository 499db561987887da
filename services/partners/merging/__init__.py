"""Merging: two records turn out to be one partner, and what belonged to the one belongs to the other."""
