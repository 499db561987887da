"""What this service knows of its neighbour: partners, their networks, and the agreements that bind them."""
