"""Capacity: what was seen of it in each zone, and what a request may try instead."""
