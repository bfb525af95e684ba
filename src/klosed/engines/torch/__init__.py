"""The torch engine: VAEModule on any device, on one process or many.

`engine` what every engine offers · `stepper` how it trains · `rules` optimizers · `graph` a step
as one CUDA graph · `processes` what torchrun started.
"""

from klosed.engines.torch.engine import DEVICES, PRECISIONS, TorchEngine

__all__ = ["DEVICES", "PRECISIONS", "TorchEngine"]
