"""SSH keys: the members' own, and which are on which machine."""
