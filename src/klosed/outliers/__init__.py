"""Anomalies: rows that a VAE, trained on the others, finds improbable.

Floor 7: imports nothing of the other estimators, plots or the command line.
"""

from klosed.outliers.detector import VAEOutlierDetector

__all__ = ["VAEOutlierDetector"]
