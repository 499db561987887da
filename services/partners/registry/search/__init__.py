"""Search: partners by a name that somebody remembers more or less, best first."""
