import numpy as np

np.random.seed(83)
bilder = np.random.rand(16, 7, 7)
klassen = np.arange(16) % 2
bilder[klassen == 1, 2:5, 2:5] += 0.7
filter1 = np.random.randn(2, 2, 2) * 0.5
schwelle1 = np.zeros(2)
gewichte = np.random.randn(2, 2 * 3 * 3) * 0.3
schwelle2 = np.zeros(2)


def falte(bild):
    karten = np.zeros((2, 6, 6))
    for f in range(2):
        for r in range(6):
            for s in range(6):
                karten[f, r, s] = (bild[r:r + 2, s:s + 2] * filter1[f]).sum() + schwelle1[f]
    return karten


def verdichte(karten):
    klein = np.zeros((2, 3, 3))
    orte = {}
    for f in range(2):
        for r in range(3):
            for s in range(3):
                fenster = karten[f, 2 * r:2 * r + 2, 2 * s:2 * s + 2]
                ort = np.unravel_index(np.argmax(fenster), (2, 2))
                orte[f, r, s] = (2 * r + ort[0], 2 * s + ort[1])
                klein[f, r, s] = fenster[ort]
    return klein, orte


for epoche in range(3):
    summe = 0
    for bild, klasse in zip(bilder, klassen):
        karten = falte(bild)
        klein, orte = verdichte(karten)
        eingang = klein.ravel()
        z = gewichte @ eingang + schwelle2
        p = np.exp(z - z.max())
        p /= p.sum()
        summe -= np.log(p[klasse])

        dz = p.copy()
        dz[klasse] -= 1
        d_gewichte = np.outer(dz, eingang)
        d_klein = (gewichte.T @ dz).reshape(2, 3, 3)
        d_filter = np.zeros_like(filter1)
        d_schwelle1 = np.zeros(2)
        for (f, r, s), (zeile, spalte) in orte.items():
            d_filter[f] += d_klein[f, r, s] * bild[zeile:zeile + 2, spalte:spalte + 2]
            d_schwelle1[f] += d_klein[f, r, s]
        gewichte -= 0.05 * d_gewichte
        schwelle2 -= 0.05 * dz
        filter1 -= 0.05 * d_filter
        schwelle1 -= 0.05 * d_schwelle1
    print("Epoche", epoche, "Verlust", summe / len(bilder))
