"""The data sets, as faces with labels of one kind."""
