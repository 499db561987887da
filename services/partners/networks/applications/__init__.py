"""How a partner comes to belong to a network by asking: it applies, and the network approves or rejects, or it withdraws."""
