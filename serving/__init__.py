"""EmoNeXt: the model, its data, its training and the ways it is served. Knows nothing of `pipeline`."""
