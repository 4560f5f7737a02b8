import numpy as np


def predictions(model, users, items):
    return np.sum(model["U"][users] * model["I"][items], axis=1) + model["bu"][users] + model["bi"][items] + model["mean"]


def objective(model, users, items, ratings, lam):
    e = predictions(model, users, items) - ratings
    return 0.5 * np.sum(e * e) + 0.5 * lam * (np.sum(model["U"] ** 2) + np.sum(model["I"] ** 2))


def gradients(model, users, items, ratings, lam):
    e = predictions(model, users, items) - ratings
    g = {key: np.zeros_like(model[key]) for key in ("U", "I", "bu", "bi")}
    np.add.at(g["U"], users, e[:, None] * model["I"][items])
    np.add.at(g["I"], items, e[:, None] * model["U"][users])
    np.add.at(g["bu"], users, e)
    np.add.at(g["bi"], items, e)
    g["U"] += lam * model["U"]
    g["I"] += lam * model["I"]
    return g


rs = np.random.RandomState(4)
n_users, n_items, rank = 12, 12, 3
users = rs.randint(0, n_users, 90)
items = rs.randint(0, n_items, 90)
taste, flavour = rs.randn(n_users, 2), rs.randn(n_items, 2)
ratings = 3 + np.sum(taste[users] * flavour[items], axis=1) + 0.1 * rs.randn(90)
model = {
    "U": 0.3 * rs.randn(n_users, rank),
    "I": 0.3 * rs.randn(n_items, rank),
    "bu": np.zeros(n_users),
    "bi": np.zeros(n_items),
    "mean": ratings.mean(),
}
for iteration in range(150):
    g = gradients(model, users, items, ratings, lam=0.05)
    for key, value in g.items():
        model[key] -= 0.03 * value
    if iteration % 50 == 0:
        print(iteration, objective(model, users, items, ratings, lam=0.05))
