"""Identity: what a partner is called and known by, and whom it hosts, which become the other's."""
