"""The hand-run repository: reading its variables and filing what they ask for."""
