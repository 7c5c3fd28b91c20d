"""DECIDE: pure functions from objects to addresses, endpoints, rules, records, variables and the desired NetState."""
