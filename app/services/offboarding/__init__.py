"""People who leave: out at once, what is theirs handed over, and nothing left behind."""
