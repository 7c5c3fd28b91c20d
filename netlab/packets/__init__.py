"""SEE: what happens to a packet on its way. `walk.py` decides it from the desired state alone, hop by hop. Pure."""
