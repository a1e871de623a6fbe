"""Reports: what a terminal shows."""
