"""History: what of a partner changed when, from what to what, and by whom."""
