"""Everything a spec may choose: one class a choice, and the only place that lists the choices of each kind."""
