"""Runs a plan's stages as the generated scripts themselves, each once for the same inputs."""
