"""The system under faults: `python -m tests.faults`. Slow, so no part of `make test`."""
