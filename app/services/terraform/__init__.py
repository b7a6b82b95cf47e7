"""What Terraform says and keeps: states, plans, differences."""
