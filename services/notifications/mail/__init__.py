"""How a message becomes a mail, and a mail reaches its server: worded once, sent in a pipeline, every attempt kept."""
