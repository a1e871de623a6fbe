"""The typed sections of the language."""
