"""How a membership goes on, and how it runs out: renewed, suspended and resumed; warned of, in grace, lapsed."""
