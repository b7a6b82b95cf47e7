"""Work on stacks outside of runs: checkouts, and what existed before the portal."""
