"""KL, entropy and cross-entropy to any number of digits, by quadrature and summation in mpmath.

Side room, like a proof beside a formula: it shares nothing with the closed forms in divergences
but the families' names. Only the command line, tests and docs import it. Needs the extra
`precision`.
"""

from klosed.high_precision.densities import DENSITIES, Density
from klosed.high_precision.integrals import Digits, kl_to_digits

__all__ = ["DENSITIES", "Density", "Digits", "kl_to_digits"]
