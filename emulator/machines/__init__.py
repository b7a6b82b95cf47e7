"""Pretend machines: an SSH server at each machine's own address, and a place for its processes and files."""
