"""The model behind TorchServe: handler, wire format, archive."""
