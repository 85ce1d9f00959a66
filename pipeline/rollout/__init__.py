"""Bringing in another version of the model: as a shadow, for some cameras, for all; and back when it is worse."""
