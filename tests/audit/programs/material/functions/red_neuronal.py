import numpy as np


def sigmoide(x):
    return 1 / (1 + np.exp(-x))


def derivada_sigmoide(a):
    return a * (1 - a)


def crear_datos(n=80):
    np.random.seed(9)
    puntos = np.random.uniform(-1, 1, (n, 2))
    clases = (puntos[:, 0] > puntos[:, 1] ** 2).astype(float).reshape(-1, 1)
    return puntos, clases


def entrenar(puntos, clases, ocultas=6, tasa=1.5, epocas=150):
    pesos_1 = np.random.randn(2, ocultas)
    sesgo_1 = np.random.randn(1, ocultas)
    pesos_2 = np.random.randn(ocultas, 1)
    sesgo_2 = np.random.randn(1, 1)
    n = len(puntos)
    for epoca in range(epocas):
        oculta = sigmoide(puntos.dot(pesos_1) + sesgo_1)
        salida = sigmoide(oculta.dot(pesos_2) + sesgo_2)
        error = clases - salida
        perdida = np.mean(np.square(error))
        delta_salida = error * derivada_sigmoide(salida) / n
        delta_oculta = delta_salida.dot(pesos_2.T) * derivada_sigmoide(oculta)
        pesos_2 += tasa * oculta.T.dot(delta_salida)
        sesgo_2 += tasa * delta_salida.sum(axis=0)
        pesos_1 += tasa * puntos.T.dot(delta_oculta)
        sesgo_1 += tasa * delta_oculta.sum(axis=0)
        if epoca % 30 == 0:
            print("época", epoca, "pérdida", perdida)
    return salida


puntos, clases = crear_datos()
salida = entrenar(puntos, clases)
print("aciertos", np.mean((salida > 0.5) == clases))
