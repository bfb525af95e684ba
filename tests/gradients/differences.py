"""Central differences, and the one comparison that every gradient test uses."""

from collections.abc import Callable, Mapping

import numpy as np

TOLERANCE = 1e-7


def central_differences(f: Callable[[], float], x: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """∂f/∂x by central differences, changing the float64 array `x` in place and back."""
    grad = np.empty_like(x)
    for i in np.ndindex(x.shape):
        kept = x[i]
        x[i] = kept + step
        above = f()
        x[i] = kept - step
        below = f()
        x[i] = kept
        grad[i] = (above - below) / (2 * step)
    return grad


def relative_error(got: np.ndarray, expected: np.ndarray) -> float:
    """‖got − expected‖ / ‖expected‖."""
    norm = np.linalg.norm(expected)
    return float(np.linalg.norm(np.asarray(got) - expected) / norm) if norm else np.inf


def worst_error(
    f: Callable[[], float], params: Mapping[str, np.ndarray], grads: Mapping[str, np.ndarray]
) -> tuple[float, str]:
    """(largest error relative to the gradient's own norm, and its parameter's name)."""
    errors = {
        name: relative_error(grads[name], central_differences(f, array))
        if grads[name].shape == array.shape
        else np.inf
        for name, array in params.items()
    }
    name = max(errors, key=lambda key: errors[key])
    return errors[name], name
