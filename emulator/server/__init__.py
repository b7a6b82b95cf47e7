"""The running emulator: everything wired together, and the COMMAND that runs inside."""
