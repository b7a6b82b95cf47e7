"""Google's OpenID Connect endpoint, with accounts that exist on this computer only."""
