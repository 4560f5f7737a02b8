import numpy as np

zufall = np.random.default_rng(5)
anzahl = 80
eingabe = zufall.uniform(-2, 2, (anzahl, 2))
ziel = (eingabe[:, :1] ** 2 - eingabe[:, 1:]) / 2

gewichte1 = zufall.normal(0, 0.7, (2, 12))
schwelle1 = np.zeros((1, 12))
gewichte2 = zufall.normal(0, 0.3, (12, 1))
schwelle2 = np.zeros((1, 1))
mittel = {name: 0.0 for name in ("g1", "s1", "g2", "s2")}
lernrate, zerfall = 0.005, 0.9

for epoche in range(120):
    summe1 = eingabe @ gewichte1 + schwelle1
    aktiv1 = np.log(1 + np.exp(summe1))
    ausgabe = aktiv1 @ gewichte2 + schwelle2
    fehler = ausgabe - ziel

    if epoche % 10 == 0:
        verlust = np.sum(fehler ** 2) / (2 * anzahl)
        print("Epoche", epoche, "Verlust", round(float(verlust), 5))

    delta2 = fehler / anzahl
    delta1 = delta2 @ gewichte2.T / (1 + np.exp(-summe1))
    steigung = {
        "g1": eingabe.T @ delta1,
        "s1": delta1.sum(axis=0, keepdims=True),
        "g2": aktiv1.T @ delta2,
        "s2": delta2.sum(axis=0, keepdims=True),
    }
    for name in mittel:
        mittel[name] = zerfall * mittel[name] + (1 - zerfall) * steigung[name] ** 2
    gewichte1 -= lernrate * steigung["g1"] / (np.sqrt(mittel["g1"]) + 1e-8)
    schwelle1 -= lernrate * steigung["s1"] / (np.sqrt(mittel["s1"]) + 1e-8)
    gewichte2 -= lernrate * steigung["g2"] / (np.sqrt(mittel["g2"]) + 1e-8)
    schwelle2 -= lernrate * steigung["s2"] / (np.sqrt(mittel["s2"]) + 1e-8)
