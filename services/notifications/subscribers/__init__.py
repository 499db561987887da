"""Who wants to be told what, with whose word, and how they said so."""
