"""Verifying: who made sure that a partner is who it says, how, and until when."""
