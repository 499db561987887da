"""Terms: the lines of cooperation and what the parties promise each other in them."""
