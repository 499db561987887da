"""Record: the agreement itself, its parties and their consent, its state, and who may know of it."""
