"""ANSWER: the cluster DNS program that runs inside its Pod."""
