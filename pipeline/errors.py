"""The errors a user may meet, drawn as a small tree.

Every error carries one line that says what happened and one that says what to do. Library errors are turned
into these at the boundary of each adapter; the command line prints them and picks the exit code.
"""


class EmostreamError(Exception):
    """Something went wrong that the user can act on.

    `message` says what happened, `hint` what to do about it; `exit_code` is what the command ends with.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class UsageError(EmostreamError):
    """A setting, option or camera URI is wrong. The message names the field."""

    exit_code = 2


class DependencyError(EmostreamError):
    """A part the system stands on (Java, Kafka, TorchServe, Ray, a model file) is missing or does not start."""


class SourceError(EmostreamError):
    """A camera cannot be opened, or ended in a way that is not its end.

    `permanent` tells that trying again is of no use (no such file, not a video).
    """

    def __init__(self, message: str, hint: str = "", *, permanent: bool = False) -> None:
        super().__init__(message, hint)
        self.permanent = permanent


class BadRecord(EmostreamError):
    """A record of a topic that cannot be used. `reason` is the dead letter's reason."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class ClassifierUnavailable(EmostreamError):
    """The model server does not answer, or not in time. The request may be sent again."""
