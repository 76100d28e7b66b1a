"""Arithmetic that errs by all that is claimed of it, in the direction that harms: no processor does.

Arrays that sum and multiply badly, and stand-ins for `math` and `numpy` whose functions err by 2^-50.
"""

import math
from types import SimpleNamespace

import numpy as np

U, LIBM = 2.0**-53, 2.0**-50


def gamma(n):
    return n * U / (1 - n * U)


class Worst(np.ndarray):
    """Rows whose Gram matrix errs by γ_n |e_j|·|e_k|, so that all are nearer; sums are γ_n too large."""

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
        plain = [_plain(x) for x in inputs]
        if ufunc is np.matmul:
            E, F = (x.astype(np.longdouble) for x in plain)
            error = gamma(E.shape[1]) * (abs(E) @ abs(F))
            result = np.asarray(E @ F + np.where(np.eye(len(E), dtype=bool), -error, error), np.float64)
        else:
            options = {name: _plain(option) for name, option in options.items()}
            result = getattr(ufunc, method)(*plain, **options)
            if (ufunc, method) == (np.add, "reduce"):
                result = result * (1 + gamma(plain[0].shape[options["axis"]]))
        return result.view(Worst) if isinstance(result, np.ndarray) else result


def _plain(x):
    return np.asarray(x) if isinstance(x, Worst) else x


class Module:
    """A module but for the functions given."""

    def __init__(self, module, **functions):
        self._module = module
        vars(self).update(functions)

    def __getattr__(self, name):
        return getattr(self._module, name)


def math_that_is_too_low():
    """`math` whose transcendental functions are too small by 2^-50, relatively."""

    def low(function):
        return lambda *x: function(*x) * (1 - LIBM)

    names = ("asin", "atan", "atan2", "log", "log1p", "expm1", "sin", "tan", "tanh")
    return Module(math, **{name: low(getattr(math, name)) for name in names})


def numpy_with(*, log=np.log, norm=np.linalg.norm):
    """`numpy` with another logarithm and another norm."""
    return Module(np, log=log, linalg=SimpleNamespace(norm=norm))


def log_that_hides(j, k):
    """A logarithm of rows, each entry wrong by 2^-50, so that rows j and k are nearer in max - min."""

    def log(X, out):
        M = np.log(X)
        D = M[j] - M[k]
        side = np.sign(D - (D.max() + D.min()) / 2) * LIBM
        M[j], M[k] = M[j] - abs(M[j]) * side, M[k] + abs(M[k]) * side
        out[:] = M
        return out

    return log


def norm_off_by(*errors):
    """Norms of rows, row j wrong by the relative error j."""
    return lambda X, **options: np.linalg.norm(np.asarray(X), **options) * (1 + np.array(errors))[:, None]
