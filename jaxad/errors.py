"""Errors that a user can act on: what is wrong, where, and what to do.

The command line prints the message on one line and exits with `exit_code`; `--debug`
shows the traceback.
"""

from typing import Any


class JaxadError(Exception):
    """Base of all errors that jaxad raises on purpose."""

    exit_code = 1


class ConfigError(JaxadError):
    """The config or an override of it cannot be used."""

    exit_code = 2


class DataError(JaxadError):
    """A data set is missing, damaged or of the wrong form."""

    exit_code = 3


class CheckpointError(JaxadError):
    """A checkpoint cannot be written or trusted."""

    exit_code = 4


class ArtefactError(JaxadError):
    """An exported artefact cannot be written or trusted."""

    exit_code = 4


class DivergedError(JaxadError):
    """Training diverged (not finite) or collapsed (gradient exactly zero).

    carry: the state of the loop when it did.
    """

    exit_code = 5

    def __init__(self, text: str, carry: Any = None):
        super().__init__(text)
        self.carry = carry


class BusyError(JaxadError):
    """Another process uses the run folder."""

    exit_code = 6


class ProcessError(JaxadError):
    """The processes of a run do not find each other, or do not agree."""

    exit_code = 7


class Preempted(JaxadError):
    """Stopped by a signal after saving; start again with `--resume`."""

    exit_code = 75
