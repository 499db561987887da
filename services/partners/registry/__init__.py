"""Who exists: cities, networks, centres and other partners, their names, and their keys in other systems."""
