"""COMPARE: pure difference of desired and observed NetState, as ordered steps that print as ip and nft lines."""
