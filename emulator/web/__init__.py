"""The parts of an HTTP server: ports, pages, and reading what callers send."""
