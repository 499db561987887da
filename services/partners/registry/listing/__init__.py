"""The list of partners: which of them are asked for, a page at a time."""
