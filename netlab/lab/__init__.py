"""THE OTHER DOOR: a lab from Python, for tests and programs: `from netlab import Lab`."""
