"""Members, sign-ins, tokens and IAM admins."""
