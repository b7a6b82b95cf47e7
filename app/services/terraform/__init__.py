"""Terraform's states and plans, and the differences between states."""
