"""ACT and LOOK: the only room that touches Linux."""
