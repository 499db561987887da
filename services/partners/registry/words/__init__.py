"""Words: those that say little in a name, in the languages of our partners."""
