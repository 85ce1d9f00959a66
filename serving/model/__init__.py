"""EmoNeXt itself: architecture, sizes, weights on disk, model folders."""
