"""Negotiation: the parties propose, change and approve terms, or give them up."""
