"""Import of the seed, the hand-run Terraform repository: reading its variables, and requesting what they describe."""
