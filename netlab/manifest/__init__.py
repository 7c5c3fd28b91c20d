"""READ: YAML text becomes typed objects, defaulted and checked; every problem has file, line, field path and hint."""
