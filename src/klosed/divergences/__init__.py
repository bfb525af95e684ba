"""KL divergences, entropies and cross-entropies in closed form, each beside its gradient.

Imports nothing from klosed above `distributions`.
"""
