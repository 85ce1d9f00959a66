"""The embedded stack: a real Kafka, TorchServe and Ray on this machine, for `demo` and `up --local`."""
