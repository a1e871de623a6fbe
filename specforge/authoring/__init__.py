"""Writes the start of a spec: what the files show, and what their columns are for."""
