"""Rules that a linter cannot see, each a test that takes a second or less."""
