"""Pictures: image grids, training curves, maps of a latent space. All return, none shows.

Floor 7: imports nothing of the command line. Matplotlib is imported only where axes are needed,
and never its global pyplot state.
"""

from klosed.plots.curves import training_curves
from klosed.plots.grid import image_grid, to_bytes
from klosed.plots.latent import latent_map
from klosed.plots.png import png_bytes

__all__ = ["image_grid", "latent_map", "png_bytes", "to_bytes", "training_curves"]
