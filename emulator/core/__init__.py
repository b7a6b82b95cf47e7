"""What all other packages use: IDs, time, settings, the store, and Google's catalog."""
