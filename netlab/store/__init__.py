"""MEMORY: what was asked and what was assigned, in one SQLite file per lab."""
