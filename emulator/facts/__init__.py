"""Facts about the Google provider: names, types, nesting and flags, and nothing of anybody's text or code.

Two sources. The published bindings (`cdktn-provider-google`) are generated from the provider's schema, so names and
types are read from them by a program (`bindings`). What bindings lose (defaults, enums, what forces a replacement) is
written down by hand in `known/*.toml`, from the provider's documentation. `python -m emulator.facts` puts both together
into the files that the emulated provider serves.
"""
