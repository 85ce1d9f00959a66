"""What can go wrong in `serving`, each said in one line a person can act on."""


class ServingError(Exception):
    """Root of this package's errors."""


class DataError(ServingError):
    """A data set is missing, or a row of it cannot be used; says which and why."""


class RecipeError(ServingError):
    """A training recipe, a model's config or an option has an unknown, missing or unfit entry, or a model no name."""


class CheckpointError(ServingError):
    """A file of weights is damaged or fits another model; nothing of it was loaded."""


class OutputError(ServingError):
    """A file could not be written; what was there before is still there."""


class WireError(ServingError):
    """A request or response that does not follow its format: `serving.server.wire` or `.open_inference`."""


class CropError(ServingError):
    """A face crop that no model takes."""
