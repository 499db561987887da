"""Who belongs to which network, as what, and between which days."""
