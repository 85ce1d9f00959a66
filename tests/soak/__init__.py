"""The whole system under churn for long, its processes' memory and descriptors watched: `python -m tests.soak`."""
