"""The rules: one generator function each, in one table a module, from what needs no data to what needs a result."""
