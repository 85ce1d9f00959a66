"""A site as the topics tell of it, without cameras behind them, and the page in a real browser."""
