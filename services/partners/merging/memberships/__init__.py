"""Memberships that pass from one partner to another, on either side, and those that give way to the other's own."""
