"""History: agreements that were signed before they came on record here, with their evidence."""
