"""Hosting: at whose house a partner is, from which day to which."""
