"""Capture: cameras become frames and ledger records on Kafka. One child process a connection, one thread a camera."""
