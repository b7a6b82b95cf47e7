"""Kill anything at any moment, and see that no machine is lost, doubled or orphaned. See docs/chaos.md."""
