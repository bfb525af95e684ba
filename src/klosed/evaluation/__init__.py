"""How good a trained model is: bounds and estimates of its likelihood, with their errors.

Floor 6: imports nothing of training, plots or the command line.
"""

from klosed.evaluation.aggregated import AggregatedPosterior
from klosed.evaluation.importance import ExampleScores, score_examples
from klosed.evaluation.imputation import impute_draws, impute_mean
from klosed.evaluation.summary import Estimate, Summary

__all__ = [
    "AggregatedPosterior",
    "Estimate",
    "ExampleScores",
    "Summary",
    "impute_draws",
    "impute_mean",
    "score_examples",
]
