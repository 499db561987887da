"""Wall clocks and calendar files: when an exchange is, wherever one reads it."""
