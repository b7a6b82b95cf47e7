"""What everything else builds on: names, time, settings, the store, and what Google has on offer."""
