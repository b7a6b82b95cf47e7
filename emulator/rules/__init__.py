"""What Google insists on, resource type by resource type. Types without rules here are simply stored."""
