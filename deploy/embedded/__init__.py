"""The whole product on one machine with nothing but pip: PostgreSQL from a wheel, the event log in it, a mail sink."""
