"""What a subscriber wants to be told of, on whose word, and who may therefore know what."""
