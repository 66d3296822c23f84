"""The kernels of a GPU give numpy's and scipy's numbers, and their gradients are the slopes of them.

They are compiled for the CPU, where each block runs as threads that wait for one another as a card's do; on a card
itself `cargo test -p spyhop-model --features cuda` compares whole networks. Numbers are f32: what a row sums is right to
1e-5 of its size.
"""

import ctypes
import pathlib
import shutil
import subprocess

import numpy as np
import pytest
from scipy.special import ndtr, softmax

HERE = pathlib.Path(__file__).parent
# Of a card's blocks: threads are a power of two, some with more than one column each and some with none.
COLUMNS = [1, 7, 24, 64, 203]
THREADS = 64
ROWS = 3


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    compiler = shutil.which("c++") or shutil.which("g++")
    if not compiler:
        pytest.skip("no C++ compiler here: the GPU's kernels are not run (sudo apt-get install g++)")
    library = tmp_path_factory.mktemp("kernels") / "kernels.so"
    subprocess.run([compiler, "-std=c++20", "-O1", "-pthread", "-shared", "-fPIC", "-o", library,
                    HERE / "gpu_kernels_on_cpu.cpp"], check=True)
    return ctypes.CDLL(str(library))


def run(kernels, name, x, columns, beside=(), numbers=(), shape=None, shift=0):
    """What a kernel makes of x: `beside` are arrays or None, `numbers` C's numbers. With a shift, x begins in the
    middle of what a thread moves at once."""
    held = np.zeros(x.size + shift, np.float32)
    held[shift:] = x.reshape(-1)
    out = np.full(x.size, np.nan, np.float32)
    beside = [None if b is None else np.ascontiguousarray(b, np.float32) for b in beside]
    pointers = [ctypes.c_void_p(None if b is None else b.ctypes.data) for b in beside]
    kernels[f"run_{name}"](x.size // columns, THREADS, ctypes.c_void_p(out.ctypes.data),
                           ctypes.c_void_p(held[shift:].ctypes.data), *pointers, columns, *numbers)
    return out.reshape(x.shape if shape is None else shape)


def address(array):
    return ctypes.c_void_p(array.ctypes.data)


def rows(columns, seed=0):
    return np.random.default_rng([seed, columns]).standard_normal((ROWS, columns)) * 2


def gelu(x):
    return x * ndtr(x)


def layer_norm(x, weight, bias, eps):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps) * weight + bias


def slopes(of, at, gradient):
    """The gradient by `at` of what has this one by of(at), by differences in float64."""
    found = np.empty_like(at)
    for place in np.ndindex(at.shape):
        step = np.zeros_like(at)
        step[place] = 1e-5
        found[place] = ((of(at + step) - of(at - step)) * gradient).sum() / 2e-5
    return found


def near(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * max(1, np.abs(theirs).max()))


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("shift", [0, 1])
def test_what_follows_a_product(kernels, columns, shift):
    x, bias, residual = rows(columns), rows(columns, 1)[0], rows(columns, 2)
    run_it = lambda beside, is_gelu: run(kernels, "after_linear", x, columns, beside, [is_gelu], shift=shift)
    near(run_it([bias, residual], 0), x + bias + residual)
    near(run_it([bias, None], 0), x + bias)
    near(run_it([None, residual], 0), x + residual)
    near(run_it([bias, None], 1), gelu(x + bias))
    near(run_it([None, None], 1), gelu(x))


@pytest.mark.parametrize("columns", COLUMNS)
def test_the_slope_of_gelu(kernels, columns):
    g, inside, bias = rows(columns), rows(columns, 1), rows(columns, 2)[0]
    near(run(kernels, "gelu_back", g, columns, [inside, bias]), slopes(gelu, inside + bias, g))
    near(run(kernels, "gelu_back", g, columns, [inside, None]), slopes(gelu, inside, g))


def test_gelu_far_from_zero(kernels):
    x = np.array([[-40.0, -9.0, -6.0, -3.0, 0.0, 3.0, 9.0, 40.0]])
    ours = run(kernels, "after_linear", x, 8, [None, None], [1])
    np.testing.assert_allclose(ours, gelu(x), rtol=2e-5, atol=1e-30)


@pytest.mark.parametrize("columns", COLUMNS[1:])
def test_the_layer_norm_and_its_slopes(kernels, columns):
    x, weight, bias, g = rows(columns) + 5, rows(columns, 1)[0], rows(columns, 2)[0], rows(columns, 3)
    eps = ctypes.c_float(1e-12)
    norm = lambda x, weight=weight: layer_norm(x, weight, bias, 1e-12)
    near(run(kernels, "layer_norm", x, columns, [weight, bias], [eps]), norm(x))
    near(run(kernels, "layer_norm_back", g, columns, [x, weight], [eps]), slopes(norm, x, g))
    terms = run(kernels, "layer_norm_terms", g, columns, [x], [eps])
    near(terms.sum(0), slopes(lambda weight: norm(x, weight), weight, g))


@pytest.mark.parametrize("columns", [*COLUMNS, 1000])
def test_shares_and_their_slopes(kernels, columns):
    x, g, scale = rows(columns) * 20, rows(columns, 1), 0.125
    of = lambda x: softmax(x * scale, axis=-1)
    near(run(kernels, "softmax", x, columns, [], [ctypes.c_float(scale)]), of(x))
    near(run(kernels, "softmax_back", g, columns, [of(x)], [ctypes.c_float(scale)]), slopes(of, x, g))


@pytest.mark.parametrize("inside", [3, 8])
def test_two_dimensions_change_places(kernels, inside):
    x = np.arange(2 * 5 * 4 * inside, dtype=np.float32).reshape(2, 5, 4, inside)
    ours = run(kernels, "swap_middle", x, 4 * inside, [], [5, 4, inside, 4 * inside, 0], (2, 4, 5, inside))
    np.testing.assert_array_equal(ours, x.swapaxes(1, 2))


@pytest.mark.parametrize("inside", [3, 8])
def test_a_part_of_rows_changes_places(kernels, inside):
    x = np.arange(2 * 5 * 3 * 4 * inside, dtype=np.float32).reshape(2, 5, 3, 4, inside)
    out = np.full((2, 4, 5, inside), np.nan, np.float32)
    numbers = [4 * inside, 5, 4, inside, 3 * 4 * inside, 2 * 4 * inside]
    kernels.run_swap_middle(2 * 5, THREADS, address(out), address(x), *numbers)
    np.testing.assert_array_equal(out, x[:, :, 2].swapaxes(1, 2))


def test_the_values_that_are_dropped_follow_from_their_number(kernels):
    mask = (1 << 64) - 1

    def mixed(z):
        # SplitMix64's finaliser, in whole numbers.
        z = (z + 0x9E3779B97F4A7C15) & mask
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return z ^ (z >> 31)

    first, below, raised = (1 << 64) - 40, 1 << 62, 4 / 3
    x = rows(64)
    ours = run(kernels, "drop", x, 64, [], [ctypes.c_ulonglong(first), ctypes.c_ulonglong(below), ctypes.c_float(raised)])
    kept = np.array([mixed((first + i) & mask) >= below for i in range(x.size)]).reshape(x.shape)
    assert 0.6 < kept.mean() < 0.9
    near(ours, x * kept * raised)


# Of several blocks, the last of which has little to do.
MANY = 2 * 2048 + 77


def test_squares_are_summed_by_pieces(kernels):
    x = np.random.default_rng(1).standard_normal(MANY).astype(np.float32)
    out = np.full(3, np.nan, np.float32)
    kernels.run_squares(3, THREADS, address(out), address(x), ctypes.c_size_t(MANY))
    np.testing.assert_allclose(out, [(part.astype(float) ** 2).sum() for part in np.split(x, [2048, 4096])], rtol=1e-5)


def test_steps_of_adam_w_are_those_of_its_paper(kernels):
    rng = np.random.default_rng(2)
    values, rate, decay, betas, epsilon, factor = rng.standard_normal(MANY), 0.01, 0.1, (0.9, 0.999), 1e-8, 0.25
    mean, square, expected = np.zeros(MANY), np.zeros(MANY), values.copy()
    held = [a.astype(np.float32) for a in (values, mean, square)]
    lost = np.zeros(1, np.float32)
    for step in (1, 2, 3):
        gradient = rng.standard_normal(MANY).astype(np.float32)
        # Loshchilov & Hutter 2019, algorithm 2, with the moments' bias divided out.
        g = gradient * factor
        mean, square = betas[0] * mean + (1 - betas[0]) * g, betas[1] * square + (1 - betas[1]) * g * g
        hats = mean / (1 - betas[0] ** step), square / (1 - betas[1] ** step)
        expected -= rate * (hats[0] / (np.sqrt(hats[1]) + epsilon) + decay * expected)
        numbers = [factor, 1 - rate * decay, 1 - betas[0], 1 - betas[1], betas[1], rate / (1 - betas[0] ** step),
                   np.sqrt(1 - betas[1] ** step), epsilon]
        kernels.run_adam_w(3, THREADS, address(held[0]), address(gradient), address(held[1]), address(held[2]),
                           address(lost), ctypes.c_size_t(MANY), *map(ctypes.c_float, numbers))
    near(held[0], expected)
    assert lost[0] == 0
    gradient[MANY - 1] = np.inf
    kernels.run_adam_w(3, THREADS, address(held[0]), address(gradient), address(held[1]), address(held[2]),
                       address(lost), ctypes.c_size_t(MANY), *map(ctypes.c_float, numbers))
    assert np.isnan(lost[0]), "a value that is lost is told"
