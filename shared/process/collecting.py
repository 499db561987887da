"""Python's garbage collector, told what a process is like that has started: much that stays, and batches of thousands of small things."""

import gc

THRESHOLDS = (10_000, 20, 20)
"""A batch of 1,000 facts makes some 15,000 lists and tuples; by default each 700 of them are looked through, and older ones with them."""


def settle() -> None:
    """Never look again through what is there now, and seldom through what comes; call it when the process has started."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
