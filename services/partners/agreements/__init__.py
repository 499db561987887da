"""Agreements: who promises what to whom, who consented to which words, and since when it binds.

Rooms, each leaning only on those before it: canonical (the bytes behind the hash), terms (what is promised), record (the
agreement and its parties), revisions (every version of the terms), then the parts of its life: drafting, negotiation,
signing, history.
"""
