"""`emostream replay`: old records through the same code, into topics of their own, and what came out otherwise."""
