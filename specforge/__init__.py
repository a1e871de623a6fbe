"""specforge: one YAML file that says what similar means, compiled to the code an expert would write, and measured."""

__version__ = "0.1.0"
