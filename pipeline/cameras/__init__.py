"""The cameras that a site wants: what may be asked for, and where that is kept."""
