"""Which agreements a partner may take part in, explained step by step, and what a member decides about each."""
