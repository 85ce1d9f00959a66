"""Faces over time: who is who from frame to frame, what was read of them, and whom to read next."""
