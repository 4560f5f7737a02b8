import numpy as np

np.random.seed(37)
vocabulary, length, dim, width, maps = 12, 7, 4, 3, 5
texts = np.random.randint(0, vocabulary, (40, length))
is_spam = np.any((texts[:, :-1] == 3) | (texts[:, 1:] < 2), axis=1).astype(float)

embedding = np.random.randn(vocabulary, dim) * 0.4
kernels = np.random.randn(width * dim, maps) * 0.4
kernel_bias = np.zeros(maps)
out_w = np.random.randn(maps, 1) * 0.4
out_b = np.zeros(1)
n_pos = length - width + 1


def forward(ids):
    e = embedding[ids]
    grams = np.concatenate([e[:, i:i + n_pos] for i in range(width)], axis=2)
    z = grams @ kernels + kernel_bias
    top = z.argmax(axis=1)
    best = np.take_along_axis(z, top[:, None, :], axis=1)[:, 0]
    h = np.tanh(best)
    p = 1 / (1 + np.exp(-(h @ out_w + out_b)))
    return grams, top, h, p[:, 0]


def log_loss(p, y, eps=1e-12):
    p = np.clip(p, eps, 1 - eps)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


for epoch in range(20):
    for start in range(0, 40, 10):
        ids, y = texts[start:start + 10], is_spam[start:start + 10]
        grams, top, h, p = forward(ids)
        d = ((p - y) / len(y))[:, None]
        g_out_w = h.T @ d
        g_out_b = d.sum(axis=0)
        d_best = d @ out_w.T * (1 - h ** 2)
        dz = np.zeros((len(y), n_pos, maps))
        np.put_along_axis(dz, top[:, None, :], d_best[:, None, :], axis=1)
        g_kernels = np.tensordot(grams, dz, axes=([0, 1], [0, 1]))
        g_kernel_bias = dz.sum(axis=(0, 1))
        d_grams = dz @ kernels.T
        g_embedding = np.zeros_like(embedding)
        for i in range(width):
            np.add.at(g_embedding, ids[:, i:i + n_pos], d_grams[:, :, i * dim:(i + 1) * dim])
        embedding -= 0.5 * g_embedding
        kernels -= 0.5 * g_kernels
        kernel_bias -= 0.5 * g_kernel_bias
        out_w -= 0.5 * g_out_w
        out_b -= 0.5 * g_out_b
    if epoch % 5 == 0:
        print(epoch, log_loss(forward(texts)[3], is_spam))
