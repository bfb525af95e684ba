"""The command line: one file a command, imported only when that command runs.

Floor 8, the top: nothing imports it.
"""

from klosed.cli.app import main

__all__ = ["main"]
