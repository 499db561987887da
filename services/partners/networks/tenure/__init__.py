"""How a membership goes on, and how it runs out: changed, renewed, suspended and resumed; warned of, in grace, lapsed."""
