"""ALIVE: one process per lab for what must happen later."""
