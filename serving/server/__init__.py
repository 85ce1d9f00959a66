"""The model behind TorchServe and Triton: what they load, wire formats, archives."""
