"""What an archived partner leaves behind in the networks: its memberships end, and nobody waits for an answer any more."""
