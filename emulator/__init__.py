"""An emulated Google Cloud on this computer, for trying Stationmaster and for its tests.

It imitates Google's behaviour as far as it is known. What works here may still be refused by Google.
"""
