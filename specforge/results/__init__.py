"""Results: the record of a run for git, and the sentence that it supports."""
