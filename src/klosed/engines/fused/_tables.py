"""The numbers by which compiled code finds its way: columns of tables, codes, positions.

Compiled functions walk these tables, so that no depth or width needs others.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

__all__ = [
    "ACTIVATION_CODES",
    "BLOCK",
    "INTS",
    "LAYER",
    "LINE",
    "REALS",
    "RULES",
    "SCORE",
    "SMALL",
    "TILE",
    "WHOLE",
    "Block",
    "Column",
    "Control",
    "How",
    "Int",
    "Kind",
    "Layer",
    "Pass",
    "Read",
    "Real",
    "Rule",
    "Scaled",
    "Score",
    "Small",
    "Stored",
    "Tile",
]


class Layer(IntEnum):
    """Columns of the table of dense layers, in the order of the forward pass.

    Addresses, but for the first three and the last. The two heads of the encoder are one layer.
    """

    N_IN = 0
    N_OUT = 1
    ACTIVATION = 2
    WEIGHT = 3
    BIAS = 4
    INPUT = 5
    OUTPUT = 6
    DELTA = 7  # derivative of the activation, then gradient of the loss before it
    WEIGHT_SLOT_1 = 8
    WEIGHT_SLOT_2 = 9
    BIAS_SLOT_1 = 10
    BIAS_SLOT_2 = 11
    WEIGHT_GRAD = 12
    BIAS_GRAD = 13
    IS_SPARSE = 14  # whether zeros of the input are left out
    ACTIVATE = 15  # parts: its activation; 0 where the likelihood adds the bias
    TILE = 16  # and what makes and uses its gradient
    TRANSPOSED = 17  # the weight's transpose, where there is one
    X_BYTES = 18  # from a row of the input to the next
    Y_BYTES = 19  # from a row of the output to the next; of DELTA, too
    SHARE_BYTES = 20  # from one thread's weights in panels to the next one's


class Block(IntEnum):
    """Columns of the table of likelihoods: which columns of x and of the output are whose.

    PARAMETER is the address of the log-variance s, fixed or learned; SHAPE that of the learned
    log-df of a Student-t or log-total-count of a negative binomial. A count is 1, or one a column;
    0 where there is no such parameter.
    """

    KIND = 0
    START = 1
    STOP = 2
    OUTPUT = 3  # first column of the decoder's output
    READ = 4
    FLOOR = 5  # address of the logarithm of each column's least variance; 0 for none
    PARAMETER = 6
    COUNT = 7
    IS_LEARNED = 8
    SLOT_1 = 9
    SLOT_2 = 10
    GRAD = 11
    SHAPE = 12
    SHAPE_COUNT = 13
    SHAPE_SLOT_1 = 14
    SHAPE_SLOT_2 = 15
    SHAPE_GRAD = 16
    READ_ROW = 17  # parts: what the encoder reads
    PREPARE = 18  # what is needed of each column; 0 where nothing is
    RECONSTRUCT = 19
    SCORE = 20


class Kind(IntEnum):
    """Likelihoods of a block of columns."""

    BERNOULLI = 0
    GAUSSIAN = 1
    HETEROSCEDASTIC = 2
    STUDENT_T = 3
    POISSON = 4
    NEGATIVE_BINOMIAL = 5
    CATEGORICAL = 6


class Read(IntEnum):
    """What the encoder reads of x, where it was observed."""

    X = 0
    LOG1P = 1
    ASINH = 2


class Stored(IntEnum):
    """What the numbers of a data set are stored as."""

    UINT8 = 0
    FLOAT32 = 1
    FLOAT64 = 2


class Scaled(IntEnum):
    """How they become what the network sees."""

    AS_THEY_ARE = 0
    BYTES = 1
    STANDARDIZED = 2


class Rule(IntEnum):
    """What is done with a gradient."""

    KEEP = 0
    ADAM = 1
    SGD = 2
    ADAGRAD = 3


class How(IntEnum):
    """How the products of large networks are computed."""

    BLAS = 0
    PANELS = 1
    SPLIT = 2


class Pass(IntEnum):
    """Which way rows take through the network."""

    ENCODE = 0
    DECODE = 1
    LOSS = 2


class Int(IntEnum):
    """Positions in the vector of whole numbers that a call gets; most are addresses."""

    GEMM = 0
    YIELD = 1
    CONTROL = 2
    ENCODER_HEAD = 3  # number of the layer
    DATA = 4
    ROW_BYTES = 5
    SHIFT = 6
    SCALE = 7
    BATCH = 8
    STEP = 9  # steps done before this call
    RULE = 10
    UPSTREAM = 11  # gradients on their way down: as wide as the widest layer, by threads that add
    SCRATCH = 12  # of thread 0: the rows of Column, then a tile
    SCRATCH_BYTES = 13  # from one thread to the next
    WIDEST = 14  # numbers in a row of UPSTREAM: threads may be at different layers
    BY_ROWS = 15  # whether threads share rows; else columns
    TARGET = 16  # what the likelihood sees of x; the first layer's input where nothing is missing
    IN_PIECES = 17  # whether BLAS is faster at several small products than at one
    LISTS = 18  # of what is not zero in the first layer's input
    LISTS_BYTES = 19  # from one thread's own to the next's
    REALS = 20
    LAYERS = 21
    N_LAYERS = 22
    BLOCKS = 23
    N_BLOCKS = 24
    TILES = 25
    N_TILES = 26
    PACES = 27
    ROWS = 28  # the numbers of the rows of all batches of a call
    N_ROWS = 29
    NOISE = 30
    STREAMS = 31
    N_STREAMS = 32
    LOSSES = 33
    N_STEPS = 34
    # parts, see klosed.engines.fused._compile
    PRODUCT = 35
    GATHER = 36
    TAKE = 37
    THROUGH = 38
    REPARAMETERIZE = 39
    LIKELIHOOD = 40
    BACKWARD = 41
    DRAW_NORMAL = 42
    UPDATE = 43  # 0 where gradients are kept
    FREE_PARAMETERS = 44
    NOTE = 45
    SPARSE_FORWARD = 46
    SPARSE_GRADIENT = 47
    MULTIPLY = 48
    TRANSPOSE = 49
    SPLIT = 50  # 0 where matrices are not split
    SPLITS = 51  # table of split layers
    ZEROS = 52  # a row
    SHARES = 53  # how many threads have weights
    SPARSE_PANEL_1 = 54  # by the vectors of a panel
    SPARSE_PANEL_2 = 55
    SPARSE_PANEL_3 = 56
    SPARSE_PANEL_4 = 57
    SPARSE_PANEL_5 = 58
    SPARSE_PANEL_6 = 59
    # more addresses
    ROW_LOSSES = 60
    QUEUES = 61  # how many of each thread's tiles have been taken, a cache line each
    TILE_EDGES = 62  # where each thread's tiles begin, and the last one's end
    MOVES_ROWS = 63  # whether a fast thread may have more rows than a slow one


class Small(IntEnum):
    """Positions after those of `Int` in the vector that a thread gets of a small network.

    Layers, blocks, scratch, target and upstream are the thread's own there, and what is said to
    be of its rows.
    """

    WEIGHTS = len(Int)  # all parameters one behind the other; moments and gradients lie alike
    SLOT_1 = len(Int) + 1
    SLOT_2 = len(Int) + 2
    NUMBERS = len(Int) + 3  # how many they are, with zeros that fill rows and columns
    GRADS = len(Int) + 4  # of all threads, one behind the other: for even steps, then for odd ones
    SUMS = len(Int) + 5  # of their losses, a cache line each, in the same order
    ZEROS = len(Int) + 6  # a row
    LOC = len(Int) + 7  # of its rows, with nothing between them
    LOG_VARIANCES = len(Int) + 8  # ℓ of its rows, later exp(ℓ) − 1
    STEP = len(Int) + 9  # exp(ℓ/2) ε
    UP = len(Int) + 10  # z of its rows, later the gradient by it
    PRECISION = len(Int) + 11  # of each column, in each of its rows
    LOG_VARIANCE = len(Int) + 12
    BY_VARIANCE = len(Int) + 13  # gradient by it, row by row
    TOTALS = len(Int) + 14  # a row
    ADD_ROWS = len(Int) + 15  # part
    TOTAL = len(Int) + 16  # gradient of all threads


class Score(IntEnum):
    """Positions in the vector of whole numbers that scoring gets; most are addresses."""

    LAYERS = 0
    N_LAYERS = 1
    STRIDES = 2  # bytes of a row of each layer's input, and of the last output
    BLOCKS = 3
    N_BLOCKS = 4
    SCRATCH = 5
    WORK = 6
    COUNTS = 7
    X = 8
    LOC = 9
    LOG_VARIANCE = 10
    SCALE = 11
    NOISE = 12
    N_NOISE = 13  # rows that have noise of their own
    NLL = 14
    LOG_RATIO = 15
    N_ROWS = 16
    N_SAMPLES = 17
    N_FEATURES = 18
    N_COMPONENTS = 19
    TURNED = 20  # [W₁ | b₁]ᵀ where the first layer is folded
    TURNED_BYTES = 21  # of a row
    IS_ON = 22
    # parts
    MULTIPLY = 23
    FOLD = 24
    DIFFERENCE = 25


class Real(IntEnum):
    """Positions in the vector of real numbers that a call gets."""

    BETA = 0
    LEARNING_RATE = 1
    FIRST = 2  # Adam: β₁; SGD: momentum
    SECOND = 3  # Adam: β₂
    EPSILON = 4


class Column(IntEnum):
    """Rows of a thread's scratch: what a likelihood keeps of each column during a step."""

    LOG_VARIANCE = 0
    PRECISION = 1
    SLOPE = 2  # d log v / ds
    SUM = 3  # of the gradient by log v
    SHAPE = 4  # ν
    CONSTANT = 5  # of −log p, as far as it depends on ν
    SHAPE_SLOPE = 6  # d constant / d log ν
    SHAPE_SUM = 7  # of the gradient by the logarithm of the shape
    SIZE = 8


class Tile(IntEnum):
    """Columns of the table of tiles of weights."""

    LAYER = 0  # −1: the likelihoods' learned parameters
    START = 1  # of the outputs
    STOP = 2
    PIECE = 3  # of these weights: a panel or, where zeros are left out, a block of inputs


class Control(IntEnum):
    """Positions in the vector that threads share; each on a cache line of its own."""

    ARRIVED = 0
    ROUND = 8
    TAKEN = 16  # of what is given to whichever thread is ready
    SIZE = 24


LINE = 64  # bytes of a cache line
WHOLE = np.int64(0)  # the type of the numbers in tables
INTS, REALS, LAYER, BLOCK = len(Int), len(Real), len(Layer), len(Block)
TILE = len(Tile)
SMALL, SCORE = INTS + len(Small), len(Score)

ACTIVATION_CODES = {
    name: code
    for code, name in enumerate(
        ("identity", "relu", "leaky_relu", "tanh", "sigmoid", "softplus", "elu", "gelu")
    )
}

# optimizer -> (rule, its numbers in the order of Real from LEARNING_RATE on, by attribute)
RULES: dict[str, tuple[Rule, dict[str, Real]]] = {
    "adam": (
        Rule.ADAM,
        {
            "learning_rate": Real.LEARNING_RATE,
            "beta1": Real.FIRST,
            "beta2": Real.SECOND,
            "epsilon": Real.EPSILON,
        },
    ),
    "sgd": (Rule.SGD, {"learning_rate": Real.LEARNING_RATE, "momentum": Real.FIRST}),
    "adagrad": (
        Rule.ADAGRAD,
        {"learning_rate": Real.LEARNING_RATE, "epsilon": Real.EPSILON},
    ),
}
