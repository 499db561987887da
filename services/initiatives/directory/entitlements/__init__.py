"""Who may take part in what, on which day, and why."""
