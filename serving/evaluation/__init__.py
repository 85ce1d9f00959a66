"""How good a model is, and how far it may be trusted."""
