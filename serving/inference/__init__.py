"""From face crops to probabilities."""
