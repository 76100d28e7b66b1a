"""Relevance rules as matrices: r_l = Z r_{l+1} for a layer h_{l+1} = [W h_l + b]⁺, W of shape (m, n).

Every rule returns Z, shape (n, m), and works on floats and on fractions alike. 0/0 is 0: a neuron without
contributions of the wanted sign hands on nothing.
"""

from fractions import Fraction
from typing import Any

import numpy as np

from rankone.claims.exact import Matrix


def positive(A: Matrix) -> Matrix:
    """[A]⁺, entry by entry."""
    return A * (A > 0)


def contributions(W: Matrix, h: Matrix) -> Matrix:
    """z_ij = h_i w_ji, what input i adds to neuron j; shape (n, m)."""
    return np.asarray((W * h).T)


def shares(Q: Matrix, totals: Matrix | None = None) -> Matrix:
    """Every column of Q over its total (its own sum if none is given); 0 where the total is 0."""
    over = np.broadcast_to(Q.sum(axis=0) if totals is None else totals, Q.shape)
    nothing = np.full(Q.shape, Fraction(0)) if Q.dtype == object else np.zeros(Q.shape)
    return np.asarray(np.divide(Q, over, out=nothing, where=over != 0))


def z_rule(W: Matrix, h: Matrix, b: Any = 0, epsilon: Any = 0) -> Matrix:
    """LRP_z: z_ij / z_j with z_j = Σ_i z_ij + b_j. LRP_ε moves z_j away from zero by ε."""
    z = W @ h + b
    return shares(contributions(W, h), z + epsilon * np.where(z < 0, -1, 1))


def alpha_beta(W: Matrix, h: Matrix, alpha: Any, beta: Any, b: Any = 0) -> Matrix:
    """LRP_αβ: α z_ij⁺ / (Σ_i z_ij⁺ + b_j⁺) − β z_ij⁻ / (Σ_i z_ij⁻ + b_j⁻)."""
    Q, bias = contributions(W, h), b + np.zeros_like(W[:, 0])
    up, down = positive(Q), positive(-Q)
    return np.asarray(
        alpha * shares(up, up.sum(axis=0) + positive(bias))
        - beta * shares(down, down.sum(axis=0) + positive(-bias))
    )


def z_plus(W: Matrix, h: Matrix) -> Matrix:
    """The z⁺-rule: z_ij⁺ / Σ_i z_ij⁺."""
    return shares(positive(contributions(W, h)))


def excitation(W: Matrix, h: Matrix) -> Matrix:
    """Excitation backpropagation: h_i w_ji⁺ / Σ_i h_i w_ji⁺."""
    return shares(contributions(positive(W), h))


def w_squared(W: Matrix) -> Matrix:
    """The w²-rule: w_ji² / Σ_i w_ji²."""
    return shares(np.asarray((W * W).T))


def z_bounded(W: Matrix, x: Matrix, low: Matrix, high: Matrix) -> Matrix:
    """The z^B-rule for inputs low ≤ x ≤ high: shares of x_i w_ji − low_i w_ji⁺ − high_i w_ji⁻."""
    up, down = positive(W), -positive(-W)
    return shares(contributions(W, x) - contributions(up, low) - contributions(down, high))


def deconvolution(W: Matrix, r: Matrix) -> Matrix:
    """Deconv through one layer: Wᵀ [r]⁺, whatever is active."""
    return np.asarray(W.T @ positive(r))


def guided(W: Matrix, active: Matrix, r: Matrix) -> Matrix:
    """Guided backpropagation through one layer: Wᵀ (1[active] ⊙ [r]⁺)."""
    return np.asarray(W.T @ (positive(r) * active))
