"""Standing: from a draft to the archive; what a partner in each state may do, and who may know of it."""
