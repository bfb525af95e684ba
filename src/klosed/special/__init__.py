"""Cancellation-free functions from which every divergence is written.

Imports nothing from klosed above floor 0.
"""

from klosed.special.elementary import phi, psi

__all__ = ["phi", "psi"]
