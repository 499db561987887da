"""Who may call: clients of partners' systems, their tokens, and the keys that sign them."""
