"""Formulas as textbooks and students write them, each with what it means in SymPy's words."""

from __future__ import annotations

import re

STARTS = {"x": 0.7, "y": 1.3, "a": 0.4, "b": -1.2, "t": 0.3}  # of the names that a spelling uses

SPELLINGS = {
    # a bare formula, and products that aren't written
    "x^2 + 3*x": "x**2 + 3*x",
    "y = 2x": "2*x",
    "y = 3(x+1)": "3*(x + 1)",
    "y = (x+1)(x-1)": "(x + 1)*(x - 1)",
    "y = 2x^2 - 3x + 1": "2*x**2 - 3*x + 1",
    "y = a x + b": "a*x + b",
    "f = 3x^2 y": "3*x**2*y",
    "f = 2 x y": "2*x*y",
    "y = (x+1)/(x-1)": "(x + 1)/(x - 1)",
    "y = 2(x + 1)^3": "2*(x + 1)**3",
    "y = (2x + 1)^2 / 2": "(2*x + 1)**2/2",
    "y = [x + 1]^2": "(x + 1)**2",
    # signs of multiplication, division and subtraction
    "y = 2·x": "2*x",
    "y = 2×x": "2*x",
    "y = 2⋅x − 1": "2*x - 1",
    "y = 2 ∗ x – 1": "2*x - 1",
    "y = x ÷ 4": "x/4",
    "y = x ∕ 4": "x/4",
    "y = x**2": "x**2",
    # powers
    "y = x²": "x**2",
    "y = x³ − 2x² + x": "x**3 - 2*x**2 + x",
    "f = 3x²y³": "3*x**2*y**3",
    "y = x⁻¹": "1/x",
    "y = x¹⁰": "x**10",
    "y = (x + 1)²": "(x + 1)**2",
    "y = -x^2": "-(x**2)",
    "y = x^2^3": "x**8",
    "y = x^(1/3)": "x**Rational(1, 3)",
    "y = x^-2": "x**-2",
    "y = x^0.5": "sqrt(x)",
    "y = x^(-2/3)": "x**Rational(-2, 3)",
    "f = x^y": "x**y",
    "y = 2^x": "2**x",
    "y = 2^-x": "2**(-x)",
    "y = 10^x": "10**x",
    # Euler's number and π
    "e^x": "exp(x)",
    "y = e^-x": "exp(-x)",
    "y = e^(-x²/2)": "exp(-x**2/2)",
    "y = e^-x^2": "exp(-x**2)",
    "y = e x": "E*x",
    "y = 2e^(3x)": "2*exp(3*x)",
    "y = exp(-x)": "exp(-x)",
    "y = e*x; e = 2": "e*x",
    "y = sin(2πx)": "sin(2*pi*x)",
    "y = πx²": "pi*x**2",
    "y = 2 pi x": "2*pi*x",
    "y = 1/(1 + e^(-x))": "1/(1 + exp(-x))",
    "y = e^x/(1 + e^x)": "exp(x)/(1 + exp(x))",
    # roots, fractions, bars
    "y = √x": "sqrt(x)",
    "y = √(x² + 1)": "sqrt(x**2 + 1)",
    "y = 2√x": "2*sqrt(x)",
    "y = sqrt(x)": "sqrt(x)",
    "y = ½x²": "x**2/2",
    "y = ½(x - t)²": "(x - t)**2/2",
    "y = ¾ x": "3*x/4",
    "y = |x|": "Abs(x)",
    "y = |x - y2|; y2 = 2": "Abs(x - y2)",
    "y = 2|x| + |b|": "2*Abs(x) + Abs(b)",
    "y = |x - |b||": "Abs(x - Abs(b))",
    "y = ||x| - 1|": "Abs(Abs(x) - 1)",
    "y = abs(b)": "Abs(b)",
    # names
    "y = s₀ + x; s₀ = 3": "s0 + x",
    "y = w_1*x + w_2; w_1 = 0.5; w_2 = 0.1": "w_1*x + w_2",
    "y = x2*w1; x2 = 0.5; w1 = 2": "x2*w1",
    "y = A sin(k x + φ); A = 2; k = 1.5; φ = 0.2": "A*sin(k*x + φ)",
    "y = e^(-(x - μ)²/(2σ²)); μ = 1; σ = 0.8": "exp(-(x - μ)**2/(2*σ**2))",
    "dN = r N (1 - N/K); r = 0.5; N = 10; K = 100": "r*N*(1 - N/K)",
    "y = λ e^(-λ x); λ = 0.5": "λ*exp(-λ*x)",
    "y = σ(x)": "1/(1 + exp(-x))",
    "y = sum + x; sum = 3": "sum + x",
    # functions
    "y = tan(x)": "tan(x)",
    "y = sin x": "sin(x)",
    "y = sin 2x + 1": "sin(2*x) + 1",
    "y = sin²(x) + cos^2(x) y2; y2 = 3": "sin(x)**2 + cos(x)**2*y2",
    "y = sin² x": "sin(x)**2",
    "y = ln x": "log(x)",
    "y = x ln(x)": "x*log(x)",
    "y = log10(x)": "log(x, 10)",
    "y = log2(x)": "log(x, 2)",
    "y = lg(x)": "log(x, 10)",
    "y = sinh(x)": "sinh(x)",
    "y = cosh(x)": "cosh(x)",
    "y = asinh(b)": "asinh(b)",
    "y = acosh(1 + x)": "acosh(1 + x)",
    "y = atanh(x)": "atanh(x)",
    "y = asin(x)": "asin(x)",
    "y = acos(x)": "acos(x)",
    "y = atan(x)": "atan(x)",
    "y = arctan(x) + arcsin(x) + arccos(t)": "atan(x) + asin(x) + acos(t)",
    "y = erf(x)": "erf(x)",
    "y = floor(3x) x": "floor(3*x)*x",
    "y = sign(b) x": "sign(b)*x",
    "y = tanh(x)²": "tanh(x)**2",
    "y = ln(1 + e^x)": "log(1 + exp(x))",
    # choices
    "y = if(x > 0, x^2, -x)": "Piecewise((x**2, x > 0), (-x, True))",
    "y = if(b > 0, ln(b), b^2)": "Piecewise((log(b), b > 0), (b**2, True))",
    "y = if(b > 0, sqrt(b), b^2)": "Piecewise((sqrt(b), b > 0), (b**2, True))",
    "y = if(b > 0, if(b > 1, ln b, sqrt(b)) x, 1/x)": "1/x + 0*b",
    "y = if(x ≤ t, 1, x)": "Piecewise((1, x <= t), (x, True))",
    "y = if(0 < x < 1, x², x)": "Piecewise((x**2, (x > 0) & (x < 1)), (x, True))",
    "y = if(c, a, b) x; c = 1": "Piecewise((a, Ne(c, 0)), (b, True))*x",
    "y = (x > 0) x": "x",
    "y = max(x, a, b)": "Max(x, a, b)",
    "y = min(x, a, b²)": "Min(x, a, b**2)",
    "y = max(0, x)": "Max(0, x)",
    # sums and vectors
    "y = sum(x, a, b)": "x + a + b",
    "y = sum(w*v); w = [1, 2, 3]; v = [0.5, -1, 2]": "w1*v1 + w2*v2 + w3*v3",
    "y = w·v; w = [1, 2]; v = [0.5, -1]": "w1*v1 + w2*v2",
    "h = tanh(w*x); y = sum(h²); w = [1, 2]": "tanh(w1*x)**2 + tanh(w2*x)**2",
    "y = mean((v - x)²); v = [1, 2, 4]": "((v1 - x)**2 + (v2 - x)**2 + (v3 - x)**2)/3",
    "y = max(v) x; v = [1, 4, 2]": "v2*x",
    "y = sum([x, 2x, x²])": "x + 2*x + x**2",
    # functions of one's own, and several formulas
    "f(x) = x^2 + 3x": "x**2 + 3*x",
    "f(u) = u² + 1; y = f(2x)": "(2*x)**2 + 1",
    "f(u, v) = u e^v; y = f(x, a) + f(a, x)": "x*exp(a) + a*exp(x)",
    "s(z) = 1/(1 + e^-z); y = s(a x + b)": "1/(1 + exp(-(a*x + b)))",
    "u = x²; y = 3x; z = u + 1": "x**2 + 1",
    "E = ½(y2 - t)²; y2 = a x; p = y2": "a*x",
    "y = x c; c = 1/4": "x*c",
    "y = x c; c = √2 π": "x*c",
}
ALONE = ("e^x", "x^2 + 3*x", "f(x) = x^2 + 3x")


def complete(text: str) -> str:
    """The text with numbers for those of its names that have none."""
    if text in ALONE:
        return text
    used = re.findall(r"[a-z]\w*", SPELLINGS[text])
    missing = [name for name in STARTS if name in used and f"; {name} = " not in text]
    return "; ".join([text, *(f"{name} = {STARTS[name]}" for name in missing)])
