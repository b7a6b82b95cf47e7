"""Google's rules for each resource type. Types without rules are simply stored."""
