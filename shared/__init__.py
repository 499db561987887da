"""Mechanism only: what every service stands on, with no domain word outside `shared.events`."""
