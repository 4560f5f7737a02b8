import numpy as np


class Weighted:
    def __init__(self, n_in, n_out):
        self.weights = np.random.rand(n_in, n_out) - 0.5
        self.offset = np.random.rand(1, n_out) - 0.5

    def ahead(self, row):
        self.row = row
        return row @ self.weights + self.offset

    def back(self, blame, rate):
        passed_on = blame @ self.weights.T
        self.weights -= rate * (self.row.T @ blame)
        self.offset -= rate * blame
        return passed_on


class Bent:
    def __init__(self, bend, slope):
        self.bend, self.slope = bend, slope

    def ahead(self, row):
        self.row = row
        self.bent = self.bend(row)
        return self.bent

    def back(self, blame, rate):
        return self.slope(self.row) * blame


class Chain:
    def __init__(self, *links):
        self.links = links

    def answer(self, row):
        for link in self.links:
            row = link.ahead(row)
        return row

    def learn(self, rows, wanted, rounds, rate):
        for number in range(rounds):
            total = 0
            for row, goal in zip(rows, wanted):
                guess = self.answer(row)
                total += np.mean((guess - goal) ** 2)
                blame = 2 * (guess - goal) / goal.size
                for link in reversed(self.links):
                    blame = link.back(blame, rate)
            if number % 10 == 9:
                print("round", number + 1, "error", total / len(rows))


def bend(x):
    return np.tanh(x)


def bend_slope(x):
    return 1 - np.tanh(x) ** 2


np.random.seed(23)
rows = np.array([[[-1, -1]], [[-1, 1]], [[1, -1]], [[1, 1]]])
wanted = np.array([[[0, 0]], [[1, 0]], [[1, 0]], [[0, 1]]])
chain = Chain(Weighted(2, 4), Bent(bend, bend_slope), Weighted(4, 2), Bent(bend, bend_slope))
chain.learn(rows, wanted, 60, 0.1)
