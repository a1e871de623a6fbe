"""Faults that people really make, put into correct specs one at a time: what is said of each, and what it costs."""
