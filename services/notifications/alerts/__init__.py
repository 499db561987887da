"""Which facts become which message for whom, and what it says."""
