"""Estate: agreements, mandates, contacts and clients, which pass from one partner to another."""
