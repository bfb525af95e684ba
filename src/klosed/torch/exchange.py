"""Models to and from files and other programs: safetensors, PyTorch's VAE example, ONNX.

Nothing is unpickled: PyTorch's own files are read with ``weights_only=True``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from klosed.errors import FileFormatError, MissingExtraError, SpecError
from klosed.models.files import Model, load_model, save_model
from klosed.models.scaling import Scaling
from klosed.models.spec import VAESpec
from klosed.torch.module import VAEModule

__all__ = [
    "export_onnx",
    "from_pytorch_example",
    "load_module",
    "save_module",
    "to_pytorch_example",
]

# the example's name -> klosed's
_EXAMPLE = {
    "fc1": "encoder.hidden.0",
    "fc21": "encoder.loc",
    "fc22": "encoder.log_variance",
    "fc3": "decoder.hidden.0",
    "fc4": "decoder.logits",
}


def save_module(path: str | Path, module: VAEModule, scaling: Scaling | None = None) -> None:
    """Write a module with dense networks as a klosed model, one safetensors file, bit for bit.

    Parameters
    ----------
    path : str or Path
    module : VAEModule
        Its networks are those that its spec describes.
    scaling : Scaling, optional
        How data are scaled for it; not at all by default.

    Raises
    ------
    SpecError, ShapeError
        The module has networks of your own: save its ``state_dict`` with safetensors.torch.
    """
    save_model(path, Model(module.spec, module.to_params(), scaling or Scaling.none()))


def load_module(path: str | Path) -> tuple[VAEModule, Scaling]:
    """Return the module in a klosed model file, such as a run's, and how to scale data for it.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from klosed import VAESpec
    >>> from klosed.torch import VAEModule, load_module, save_module
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.safetensors"
    >>> save_module(path, VAEModule(VAESpec(n_features=6)))
    >>> module, scaling = load_module(path)
    >>> module.spec.n_features, scaling.kind
    (6, 'none')
    """
    model = load_model(path)
    return VAEModule.from_params(model.spec, model.params), model.scaling


def from_pytorch_example(source: str | Path | Mapping[str, Tensor]) -> VAEModule:
    """Return the VAE of PyTorch's example (pytorch/examples, vae) as a module, bit for bit.

    Parameters
    ----------
    source : str, Path or mapping
        Its ``state_dict`` (fc1, fc21, fc22, fc3, fc4 of any sizes), or a file that holds one:
        safetensors, or what ``torch.save`` wrote.

    Returns
    -------
    VAEModule
        ReLU, and a Bernoulli likelihood whose logits are what the example puts into a sigmoid.

    Raises
    ------
    FileFormatError
        The file is missing or damaged, or holds more than tensors.
    SpecError, ShapeError
        The tensors are not those of that model.
    """
    state = source if isinstance(source, Mapping) else _read_state_dict(Path(source))
    wanted = {f"{layer}.{part}" for layer in _EXAMPLE for part in ("weight", "bias")}
    if set(state) != wanted:
        raise SpecError(
            f"the example's state_dict must hold {', '.join(sorted(wanted))}; got "
            f"{', '.join(sorted(state)) or 'nothing'}."
        )
    hidden, n_features = state["fc1.weight"].shape
    spec = VAESpec(
        n_features,
        state["fc21.weight"].shape[0],
        (hidden,),
        decoder_hidden_layer_sizes=(state["fc3.weight"].shape[0],),
    )
    return VAEModule.from_params(
        spec,
        {
            f"{_EXAMPLE[layer]}.{part}": state[f"{layer}.{part}"].detach().cpu().numpy()
            for layer in _EXAMPLE
            for part in ("weight", "bias")
        },
    )


def to_pytorch_example(module: VAEModule) -> dict[str, Tensor]:
    """Return the ``state_dict`` that PyTorch's VAE example loads, bit for bit.

    Raises
    ------
    SpecError
        The module has not one hidden layer of ReLU on each side and a Bernoulli likelihood.
    """
    spec = module.spec
    depths = len(spec.hidden_layer_sizes), len(spec.decoder_widths)
    if depths != (1, 1) or spec.activation != "relu" or spec.likelihood != "bernoulli":
        raise SpecError(
            "PyTorch's example has one hidden layer of relu on each side and a bernoulli "
            f"likelihood; got {depths[0]} and {depths[1]} layers of {spec.activation}, "
            f"{spec.likelihood}."
        )
    state = module.state_dict()
    return {
        f"{theirs}.{part}": state[f"{ours}.{part}"].detach().clone()
        for theirs, ours in _EXAMPLE.items()
        for part in ("weight", "bias")
    }


def export_onnx(
    module: VAEModule,
    folder: str | Path,
    *,
    example: Tensor | None = None,
    scaling: Scaling | None = None,
) -> tuple[Path, Path]:
    """Write encoder.onnx and decoder.onnx, for any number of rows.

    The encoder maps ``x`` to ``loc`` and ``log_variance``; the decoder maps ``z`` to ``mean``,
    which is E[x | z]. With a scaling both speak the units of the data.

    Parameters
    ----------
    module : VAEModule
        Networks of your own are exported too.
    folder : str or Path
        Made where it is missing; files of these names in it are replaced.
    example : tensor of shape (batch >= 2, …), optional
        What the encoder takes; by default rows of n_features numbers.
    scaling : Scaling, optional
        As `load_module` returns it.

    Returns
    -------
    encoder, decoder : Path

    Raises
    ------
    MissingExtraError
        The extra `onnx` is not installed.
    """
    try:
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("Writing ONNX", "onnx") from error
    parameter = next(module.parameters())
    like = {"dtype": parameter.dtype, "device": parameter.device}
    if example is None:
        example = torch.zeros(2, module.spec.n_features, **like)
    z = torch.zeros(len(example), module.spec.n_components, **like)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    scaling = scaling or Scaling.none()
    shift, scale = (torch.tensor(a).to(**like) for a in (scaling.shift, scaling.scale))
    encoder, decoder = folder / "encoder.onnx", folder / "decoder.onnx"
    for path, part, value, outputs in (
        (encoder, _Encodes(module, shift, scale), example, ["loc", "log_variance"]),
        (decoder, _Decodes(module, shift, scale), z, ["mean"]),
    ):
        torch.onnx.export(
            part.eval(),
            (value,),
            path,
            input_names=["x" if part.takes_data else "z"],
            output_names=outputs,
            dynamic_shapes=({0: torch.export.Dim("rows")},),
            external_data=False,
            dynamo=True,
            verbose=False,
        )
    return encoder, decoder


class _Half(nn.Module):  # type: ignore[misc]
    """Half of a VAE, in the units of the data."""

    takes_data: bool

    def __init__(self, module: VAEModule, shift: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.module = module
        self.register_buffer("shift", shift)
        self.register_buffer("scale", scale)


class _Encodes(_Half):
    takes_data = True

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.module.encode(((x.flatten(1) - self.shift) / self.scale).reshape(x.shape))


class _Decodes(_Half):
    takes_data = False

    def forward(self, z: Tensor) -> Tensor:
        return self.module.mean(z) * self.scale + self.shift


def _read_state_dict(path: Path) -> Mapping[str, Any]:
    """Return the tensors of a safetensors file or of what torch.save wrote; nothing else."""
    if not path.is_file():
        raise FileFormatError(f"{path} does not exist.")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of many kinds, by format and version
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise FileFormatError(
            f"{path} is not a file of tensors that can be read without unpickling: {reason}"
        ) from None
    if not isinstance(state, Mapping) or not all(isinstance(t, Tensor) for t in state.values()):
        raise FileFormatError(f"{path} must hold a state_dict of tensors.")
    return state
