"""What is owed to whom: a notice per fact, and a row per message with all that became of it."""
