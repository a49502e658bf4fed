package mlx

// Links the C symbols of kernels.h; a Mac has Metal instead.
import _ "qwill/engine/mlx/kernels"
