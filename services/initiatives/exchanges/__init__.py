"""Workshops, missions, webinars …: when partners meet, and under which agreement."""
