import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

rng = np.random.default_rng(18)
N, T, K, F = 30, 16, 5, 3
frequency = rng.integers(1, 4, N)
signals = np.sin(2 * np.pi * frequency[:, None] * np.arange(T) / T + rng.uniform(0, 6, N)[:, None])
signals += 0.1 * rng.normal(size=signals.shape)
target = frequency - 2.0

filters = rng.normal(size=(F, K)) * 0.5
shift = np.zeros(F)
mix = rng.normal(size=F) * 0.5
level = 0.0
windows = sliding_window_view(signals, K, axis=1)
n_windows = windows.shape[1]
for step in range(150):
    response = np.einsum("ntk,fk->ntf", windows, filters) + shift
    energy = np.tanh(response) ** 2
    pooled = energy.mean(axis=1)
    guess = pooled @ mix + level
    loss = 0.5 * np.mean((guess - target) ** 2)

    d_guess = (guess - target) / N
    d_mix = pooled.T @ d_guess
    d_level = d_guess.sum()
    d_pooled = np.outer(d_guess, mix)
    d_energy = np.broadcast_to(d_pooled[:, None, :] / n_windows, energy.shape)
    d_response = d_energy * 2 * np.tanh(response) * (1 - np.tanh(response) ** 2)
    d_filters = np.einsum("ntf,ntk->fk", d_response, windows)
    d_shift = d_response.sum(axis=(0, 1))

    mix -= 0.5 * d_mix
    level -= 0.5 * d_level
    filters -= 0.5 * d_filters
    shift -= 0.5 * d_shift
    if step % 50 == 0:
        print(step, loss)
