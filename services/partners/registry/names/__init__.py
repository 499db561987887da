"""Names: the forms in which names of any script, order and spelling are compared and found."""
