"""Google's OpenID Connect endpoint, with accounts that exist for trying things only."""
