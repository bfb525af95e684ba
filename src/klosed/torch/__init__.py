"""klosed's models as PyTorch modules, and their exchange with other PyTorch code.

Floor 5: imports models and below. Needs the extra `torch`; nothing of it loads with klosed.
"""

from klosed.errors import MissingExtraError

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise MissingExtraError("klosed.torch", "torch") from error

from klosed.torch.exchange import (
    export_onnx,
    from_pytorch_example,
    load_module,
    save_module,
    to_pytorch_example,
)
from klosed.torch.module import LossTerms, VAEModule

__all__ = [
    "LossTerms",
    "VAEModule",
    "export_onnx",
    "from_pytorch_example",
    "load_module",
    "save_module",
    "to_pytorch_example",
]
