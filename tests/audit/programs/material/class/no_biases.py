import numpy as np


class TinyNet:
    def __init__(self, questions, answers, units=5):
        generator = np.random.RandomState(6)
        self.questions, self.answers = questions, answers
        self.syn0 = 2 * generator.random_sample((questions.shape[1], units)) - 1
        self.syn1 = 2 * generator.random_sample((units, 1)) - 1

    def squash(self, x, slope=False):
        if slope:
            return x * (1 - x)
        return 1 / (1 + np.exp(-x))

    def run(self):
        self.level1 = self.squash(self.questions @ self.syn0)
        self.level2 = self.squash(self.level1 @ self.syn1)

    def cost(self):
        return np.sum((self.answers - self.level2) ** 2)

    def learn(self):
        miss2 = self.answers - self.level2
        delta2 = miss2 * self.squash(self.level2, slope=True)
        miss1 = delta2 @ self.syn1.T
        delta1 = miss1 * self.squash(self.level1, slope=True)
        self.syn0 += self.questions.T @ delta1
        self.syn1 += self.level1.T @ delta2


questions = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
answers = np.array([[0, 1, 1, 0]]).T
tiny = TinyNet(questions, answers)
for i in range(200):
    tiny.run()
    tiny.learn()
    if not i % 50:
        print(tiny.cost())
print(tiny.level2.round(2))
