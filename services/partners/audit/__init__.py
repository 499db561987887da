"""Who did what, when: a record that only grows, each entry bound to the one before it."""
