"""Closed-form laws behind the curves of figure 4: how fast a chain of random factors converges to rank one.

A vector of length n goes through (n, m) factors (n in, m out, see rankone.shapes) with iid entries of mean μ
and variance σ²; θ is the angle between the images of two starts. Two mechanisms make sin²θ fall:

* *mean alignment*, iff n μ² > σ²: both images turn to the all-ones row. Fast: by n μ²/σ² a multiplication.
* *dimension*: a random factor flattens areas more than it shortens lengths. Slow: by about e^(1/n) a
  multiplication, and all that a zero-mean ("vanilla") chain has.

Only the first two moments of the entries are used. `moment_state` and `vanilla_law` are exact for Gaussian
entries and, by the central limit theorem, good for others from an inner width of about 16 if their tails are
light: simulated medians of exponential entries drift off by 0.02 decades a factor there. Log-normal entries
(σ = 1) do so by 0.1 there and by 0.02 at width 64; Pareto's (2.5) by 0.15 at width 64 and by 0.1 at 256.
"""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from rankone.errors import refuse
from rankone.shapes import chain_shapes

Floats = NDArray[np.float64]


def decades_per_multiplication(mean: ArrayLike, variance: ArrayLike, width: ArrayLike) -> Floats:
    """Decades by which 1 − |cos| falls a multiplication once a chain of uniform width n has settled.

        max( log10(n μ²/σ²), (ψ(n/2) − ψ((n−1)/2)) / ln 10 ),

    the faster of mean alignment and dimension (`vanilla_law`). The first: let s = (Σᵢ uᵢ)² measure how far
    the leading unit row u is aligned with all-ones (s = n). A factor takes s to n μ² s/(σ² + μ² s) and
    divides sin² by 1 + s μ²/σ². At the fixed point s = n − σ²/μ², positive iff n μ² > σ², that is n μ²/σ².
    It is too low: where n μ² > 3 σ² and tails are light (|N|, N⁺, uniform, exponential, Bernoulli, Gaussian
    entries) by at most 21 % at n = 8, 8 % at 16, 3 % at 32, 1 % at 64; for log-normal entries (σ = 1) by
    15 % at 16 and 2 % at 64, for Pareto's (2.5) by 24 % and 9 %. Near n μ² = σ² the mechanisms mix, and it
    can be 50 % too low at 16: `moment_state` has both effects.

    Arrays broadcast. Width one or variance zero gives inf: rank one after one multiplication. Raises
    ValueError for numbers that are not finite, negative variances, widths below one, and μ = σ² = 0.
    """
    μ, σ2 = _moments(mean, variance)
    n = _at_least("width", width, 1)
    with np.errstate(divide="ignore"):  # log 0 = -inf where a mechanism is absent, +inf where it is immediate
        alignment = np.log10(n) + 2 * np.log10(np.abs(μ)) - np.log10(σ2)
    return np.asarray(np.maximum(alignment, _flattening(n) / math.log(10)))


def critical_beta(width: ArrayLike) -> Floats:
    """The β below which chains of αW⁺ + βW⁻, α = β + 1, W ~ N(0, 1), converge by mean alignment at width n.

    With μ² = 1/(2π) and μ² + σ² = (α² + β²)/2 = β² + β + 1/2, the condition n μ² = σ² is
    β² + β + 1/2 = (n + 1)/(2π). Raises ValueError below width π − 1, where no β >= 0 converges this way.
    """
    n = _at_least("width", width, math.pi - 1)
    return np.asarray((np.sqrt(2 * (n + 1) / math.pi - 1) - 1) / 2)


def moment_state(
    means: ArrayLike,
    variances: ArrayLike,
    shapes: Iterable[Iterable[int]],
    *,
    draws: int = 10_000,
    rng: np.random.Generator,
) -> Floats:
    """Draws of log10(1 − |cos|) for pairs of independent N(0, I) starts, at a cost independent of the widths.

    means, variances: of the entries of each factor, () or (depth,); shapes: the factors' (n, m) in the order
    of multiplication. Returns (depth + 1, draws); -inf where the pair is exactly parallel (from a width of
    one on).

    The pair is L Q: L lower triangular, Q orthonormal rows (U; W). Given the sums t = Q 1, the m columns of
    Q A are iid normal with mean μ t and covariance σ² I. So their Gram matrix is σ² B Bᵀ + m c cᵀ, with B
    the Bartlett factor of a Wishart matrix of m − 1 degrees and c = μ t + σ z/√m, z ~ N(0, I), the columns'
    mean. Its Cholesky factor L' gives L ← L L' and t ← L'⁻¹ m c, written as sums of 2×2 minors of (σB, √m c)
    so that nothing cancels. Of L only p = L21/L11 and log r = log(L22/L11) matter: tan θ = r/|p| has no
    floor at any depth. The starts are such a step too, with μ = 0, σ = 1, L = I.

    Raises ValueError for an empty chain, shapes that do not meet, and moments or draws out of range.
    """
    widths = _widths(shapes)
    depth = len(widths) - 1
    μs, σ2s = _moments(_per_factor("means", means, depth), _per_factor("variances", variances, depth))
    draws = _integer("draws", draws, 1)
    size = np.hypot(μs, np.sqrt(σ2s))  # angles depend on μ/σ only
    μs, σs = np.append(0, μs / size), np.append(1, np.sqrt(σ2s) / size)

    law = np.empty((len(widths), draws))
    t_u, t_w, p, log_r = np.zeros((4, draws))
    for k, (m, μ, σ) in enumerate(zip(widths, μs, σs, strict=True)):
        b11, b21, b22 = _bartlett(m - 1, draws, rng)
        z_u, z_w = rng.standard_normal((2, draws))
        c_u, c_w = μ * t_u + σ * z_u / math.sqrt(m), μ * t_w + σ * z_w / math.sqrt(m)

        minor = b11 * c_w - b21 * c_u
        L11 = np.sqrt((σ * b11) ** 2 + m * c_u**2)
        area = np.sqrt((σ * b11 * b22) ** 2 + m * minor**2 + m * (b22 * c_u) ** 2)  # L'11 L'22 / σ
        p += np.exp(log_r) * (σ**2 * b11 * b21 + m * c_u * c_w) / L11**2
        with np.errstate(divide="ignore"):  # log 0 = -inf: parallel from here on
            log_r += np.log(σ * area) - 2 * np.log(L11)
            law[k] = _log10_one_minus_cos(log_r - np.log(np.abs(p)))
        t_u = m * c_u / L11
        t_w = np.divide(m * σ * b11 * minor, L11 * area, out=np.zeros(draws), where=area > 0)
    return law


def quantile_curves(law: Floats, levels: ArrayLike = (0.1, 0.5, 0.9)) -> Floats:
    """Quantiles over a law's draws, (levels, depth + 1): order statistics, as -inf cannot be interpolated."""
    return np.asarray(np.quantile(law, np.asarray(levels, dtype=float), axis=-1, method="inverted_cdf"))


def vanilla_law(shapes: Iterable[Iterable[int]]) -> Floats:
    """E[ln sin²θ] of pairs of independent N(0, I) starts after 0, 1, … factors of iid N(0, 1) entries. Exact.

    sin²θ = det G/(G11 G22), G the Gram matrix. A factor with m outputs multiplies det G by χ²_m χ²_{m−1} and
    each Gii by χ²_m, so E[ln sin²θ] falls by ψ(m/2) − ψ((m−1)/2) ≈ 1/m; the starts are such a step from G =
    I. Returns (depth + 1,), natural logarithms. Raises ValueError for shapes as `moment_state`.
    """
    return np.asarray(-np.cumsum(_flattening(np.array(_widths(shapes), dtype=float))))


def relu_law(rho0: ArrayLike, depth: int) -> Floats:
    """1 − cos of a pair after 0, 1, …, depth rectified zero-mean factors, in the wide limit, from cosine ρ₀.

    ρ' = (√(1−ρ²) + ρ(π − θ))/π, θ = arccos ρ (the arc-cosine kernel, Cho & Saul 2009). In δ = 1 − ρ it reads
    δ' = δ − (sin θ − θ cos θ)/π = δ − θ² j₁(θ)/π, j₁ the spherical Bessel function: no cancellation at any
    depth. Convergence is algebraic: δ_k k² → 9π²/2. Returns (depth + 1, *shape of ρ₀).

    Raises ValueError for ρ₀ outside [−1, 1] and negative depths.
    """
    ρ = np.asarray(rho0, dtype=float)
    if not np.all(np.abs(ρ) <= 1):
        refuse("rho0", expected="cosines in [-1, 1]", got=rho0, do="pass the cosine of the two starts")
    δ = np.empty((_integer("depth", depth, 0) + 1, *ρ.shape))
    δ[0] = 1 - ρ
    for k in range(depth):
        θ = 2 * np.arcsin(np.sqrt(δ[k] / 2))
        δ[k + 1] = δ[k] - θ**2 * special.spherical_jn(1, θ) / math.pi
    return δ


def decades_of_factor(Z: ArrayLike, p: ArrayLike) -> float:
    """Decades by which a given factor shrinks 1 − cos if the starts still differ by independent noise.

    Starts reach Z as p ∘ (1 + ε ξ), ξ iid with mean 0 and variance 1, ε → 0. Then E[sin²θ] is proportional
    to Σⱼ pⱼ² ‖P eⱼ‖²/‖p‖² before Z and to Σⱼ pⱼ² ‖P' Z eⱼ‖²/‖Zp‖² after it, P and P' the projections off p
    and off Zp. The result is log10 of their ratio; for iid factors, `decades_per_multiplication`.

    Z: (m, n); p: (n,), the relevance that enters Z. inf if Z has rank one on the support of p. Raises
    ValueError for shapes that do not meet, numbers that are not finite, p with fewer than two non-zeros, and
    Zp = 0.
    """
    Z, p = _at_least("Z", Z, -math.inf), _at_least("p", p, -math.inf)
    if Z.ndim != 2 or Z.shape[1:] != p.shape:
        refuse("Z, p", expected="shapes (m, n), (n,)", got=(Z.shape, p.shape), do="pass what enters Z as p")
    if np.count_nonzero(p) < 2:
        refuse(
            "p", expected=">= 2 non-zeros", got=np.count_nonzero(p), do="pass relevance of two units or more"
        )
    if not np.any(Z @ p):
        refuse(
            "Z @ p", expected="a direction", got="the zero vector", do="choose a factor that relevance passes"
        )
    before, after = _relative_noise(np.diag(p)), _relative_noise(Z * p)
    return math.log10(before / after) if after > 0 else math.inf


def _relative_noise(X: Floats) -> float:
    """Σⱼ ‖P X eⱼ‖² / ‖X 1‖², P the projection off X 1."""
    mean = X.sum(axis=1, keepdims=True)
    size = np.linalg.norm(mean)
    u = mean / size
    return float((np.linalg.norm(X - u @ (u.T @ X)) / size) ** 2)


def _bartlett(degrees: int, draws: int, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Entries 11, 21, 22 of lower triangular B, B Bᵀ ~ Wishart₂(I, degrees); singular for 0 and 1 degrees."""
    b11 = np.sqrt(2 * rng.standard_gamma(degrees / 2, draws))
    b21 = rng.standard_normal(draws) * min(degrees, 1)
    b22 = np.sqrt(2 * rng.standard_gamma(max(degrees - 1, 0) / 2, draws))
    return b11, b21, b22


def _flattening(n: Floats) -> Floats:
    """ψ(n/2) − ψ((n−1)/2), the fall of E[ln sin²θ] by dimension; inf at n = 1."""
    return np.asarray(
        np.where(n > 1, special.psi(n / 2) - special.psi((np.where(n > 1, n, 2) - 1) / 2), np.inf)
    )


def _log10_one_minus_cos(log_tan: Floats) -> Floats:
    """log10(1 − cos θ) from ln tan θ, as sin²θ/(1 + cos θ)."""
    log_sin2, log_cos = -np.logaddexp(0, -2 * log_tan), -np.logaddexp(0, 2 * log_tan) / 2
    return np.asarray((log_sin2 - np.log1p(np.exp(log_cos))) / math.log(10))


def _moments(mean: ArrayLike, variance: ArrayLike) -> tuple[Floats, Floats]:
    μ, σ2 = _at_least("mean", mean, -math.inf), _at_least("variance", variance, 0)
    if np.any((μ == 0) & (σ2 == 0)):
        refuse(
            "mean, variance",
            expected="not both zero",
            got="a zero factor",
            do="pass a mean or a variance that is not zero",
        )
    return μ, σ2


def _at_least(name: str, numbers: ArrayLike, low: float) -> Floats:
    x = np.asarray(numbers, dtype=float)
    if not np.all(np.isfinite(x) & (x >= low)):
        bad = x[~(np.isfinite(x) & (x >= low))].flat[0]
        refuse(
            name,
            expected=f"finite numbers >= {low:.3g}",
            got=bad,
            do="replace what is NaN, infinite or smaller",
        )
    return x


def _integer(name: str, number: object, low: int) -> int:
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < low:
        refuse(name, expected=f"an integer >= {low}", got=repr(number), do=f"give {low} or more")
    return int(number)


def _per_factor(name: str, numbers: ArrayLike, depth: int) -> Floats:
    x = np.asarray(numbers, dtype=float)
    if x.shape not in {(), (depth,)}:
        refuse(name, expected=f"1 or {depth} numbers", got=f"shape {x.shape}", do="give one for each factor")
    return np.broadcast_to(x, (depth,))


def _widths(shapes: Iterable[Iterable[int]]) -> list[int]:
    """n of the first factor, then m of each factor."""
    shapes = chain_shapes(shapes)
    return [shapes[0][0], *(m for _, m in shapes)]
