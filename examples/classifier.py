"""A network as a scikit-learn classifier: searched by grid, scored by cross-validation, kept.

pip install 'gradbook[sklearn]'
python examples/classifier.py
"""

import pickle

from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split

from gradbook.sklearn import NetClassifier

X, y = load_digits(return_X_y=True)  # 1,797 digits of 8 by 8, one a row
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

# The usual network, in a few widths.
usual = NetClassifier(epochs=15, random_state=0)
search = GridSearchCV(usual, {"hidden": [(), (32,)]}, cv=2).fit(X_train, y_train)
print("hidden layers:", search.best_params_["hidden"])
print(f"usual network: {search.score(X_test, y_test):.3f}")

# Any other, in the text form (gradbook help networks): rows become images again.
CONVOLUTIONS = """
input 1x8x8
conv 8 3x3 pad 1
batchnorm
relu
maxpool 2
conv 16 3x3 pad 1
batchnorm
relu
maxpool 2
flatten
dense 10
log softmax
loss cross-entropy
update momentum 0.9 nesterov
"""
network = NetClassifier(CONVOLUTIONS, epochs=10, schedule="one cycle 0.1", random_state=0)
network.fit(X_train, y_train)
print(f"convolutions: {network.score(X_test, y_test):.3f}, in {network.engine_} code")

again = pickle.loads(pickle.dumps(network))
print("kept and read again:", (again.predict(X_test) == network.predict(X_test)).all())
