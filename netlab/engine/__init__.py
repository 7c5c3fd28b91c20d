"""CONDUCT: observe, decide, compare, apply, verify, under one lock per lab."""
