"""Google's JSON, made from what the store holds. Field by field as in Google's discovery documents (tests check it)."""
