"""SEE: capture and trace (to come); scapy is imported here only, and lazily."""
