"""THE DOOR: one file per verb; parses words, prints results, decides nothing."""
