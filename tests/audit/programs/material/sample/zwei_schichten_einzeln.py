import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class NeuronalesNetz:
    def __init__(self, eingang, versteckt, ausgang, lernrate):
        zufall = np.random.RandomState(31)
        self.lr = lernrate
        self.wih = zufall.normal(0.0, eingang ** -0.5, (versteckt, eingang))
        self.who = zufall.normal(0.0, versteckt ** -0.5, (ausgang, versteckt))

    def trainiere(self, eingabeliste, zielliste):
        eingabe = np.array(eingabeliste, ndmin=2).T
        ziel = np.array(zielliste, ndmin=2).T
        versteckt = sigmoid(np.dot(self.wih, eingabe))
        ausgabe = sigmoid(np.dot(self.who, versteckt))
        fehler_aus = ziel - ausgabe
        delta_aus = fehler_aus * ausgabe * (1.0 - ausgabe)
        fehler_versteckt = np.dot(self.who.T, delta_aus)
        delta_versteckt = fehler_versteckt * versteckt * (1.0 - versteckt)
        self.who += self.lr * np.dot(delta_aus, versteckt.T)
        self.wih += self.lr * np.dot(delta_versteckt, eingabe.T)

    def frage(self, eingabeliste):
        eingabe = np.array(eingabeliste, ndmin=2).T
        return sigmoid(np.dot(self.who, sigmoid(np.dot(self.wih, eingabe))))


def quadratfehler(netz, daten):
    return sum(0.5 * np.sum((netz.frage(x)[:, 0] - z) ** 2) for x, z in daten) / len(daten)


zufall = np.random.RandomState(8)
daten = []
for _ in range(30):
    x = zufall.uniform(0.01, 1.0, 4)
    z = np.full(2, 0.01)
    z[int(x[0] + x[1] > x[2] + x[3])] = 0.99
    daten.append((x, z))
netz = NeuronalesNetz(4, 6, 2, 0.5)
for epoche in range(10):
    for x, z in daten:
        netz.trainiere(x, z)
    print(epoche, quadratfehler(netz, daten))
