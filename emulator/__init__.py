"""An emulated Google Cloud on this computer: for trying Stationmaster, and for its tests.

It is a stand-in, not a copy of Google: what works here has the right shape for Google, and may still be refused by it.
"""
