"""Images of a normal variable under an invertible map, exp or sigmoid. Mirrors divergences/.

That the map drops out of the KL shows in the steps: what it adds to both log-densities cancels.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import klosed
from klosed.derivations._families import Family
from klosed.derivations._pairs import Pair
from klosed.derivations.log_normal import FAMILY as LOG_NORMAL
from klosed.derivations.logit_normal import FAMILY as LOGIT_NORMAL
from klosed.derivations.normal import kl_of_normals
from klosed.distributions.transforms import ExpTransform, SigmoidTransform, Transform

__all__ = ["FAMILY", "PAIRS"]


def _through(transform: Transform, family: Family) -> Family:
    def make(**arrays: Any) -> klosed.Distribution:
        return klosed.TransformedDistribution(klosed.Normal(**arrays), transform)

    written = f"distributions.transforms.{type(transform).__name__}()"
    return dataclasses.replace(
        family,
        name="TransformedDistribution",
        make=make,
        call=f"TransformedDistribution(klosed.Normal({{}}), klosed.{written})",
    )


FAMILY = _through(ExpTransform(), LOG_NORMAL)
_SIGMOID = _through(SigmoidTransform(), LOGIT_NORMAL)
_EXP_CASE, _SIGMOID_CASE = "by exp", "by sigmoid"

PAIRS = (
    Pair(
        "TransformedDistribution",
        "TransformedDistribution",
        kl=kl_of_normals,
        case="of normal variables, by exp",
    ),
    Pair("TransformedDistribution", "LogNormal", kl=kl_of_normals, case=_EXP_CASE),
    Pair("LogNormal", "TransformedDistribution", kl=kl_of_normals, case=_EXP_CASE),
    Pair(
        "TransformedDistribution",
        "LogitNormal",
        kl=kl_of_normals,
        family_q=_SIGMOID,
        case=_SIGMOID_CASE,
    ),
    Pair(
        "LogitNormal",
        "TransformedDistribution",
        kl=kl_of_normals,
        family_p=_SIGMOID,
        case=_SIGMOID_CASE,
    ),
)
