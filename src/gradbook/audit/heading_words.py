"""The words in the headings of people's sheets, in the languages of their authors.

Each word is a part of a heading: "gradient" is also found in "Gradienten", 学习率 in 学习率 η. A
word that several languages share is listed with the first of them.
"""

from __future__ import annotations

import re
from functools import cache
from unicodedata import normalize

LOSS, CLIMBED, RATE, LEARNING = "loss", "climbed", "rate", "learning"
DERIVATIVE, LAYER, EMBEDDING = "derivative", "layer", "embedding"

WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    LOSS: {
        "en": (
            "e_tot",
            "etot",
            "total",
            "loss",
            "cost",
            "err",
            "mse",
            "sse",
            "entropy",
            "bce",
            "nll",
            "hinge",
        ),
        "de": ("fehler", "verlust", "kosten", "gesamt", "entropie"),
        "es": ("pérdida", "perdida", "entropía"),
        "pt": ("perda", "custo", "entropia"),
        "fr": ("perte", "coût"),
        "zh": ("损失", "損失", "误差", "誤差", "代价", "代價", "总和", "交叉熵"),
        "ko": ("손실", "오차", "비용", "총합", "엔트로피"),
        "vi": ("mất mát", "tổn thất", "sai số", "lỗi", "chi phí", "tổng"),
    },
    CLIMBED: {
        "en": ("likelihood", "reward", "utility", "fitness", "profit"),
        "de": ("belohnung", "nutzen", "gewinn"),
        "es": ("verosimilitud", "recompensa", "utilidad", "beneficio"),
        "pt": ("verossimilhança", "utilidade", "lucro"),
        "fr": ("vraisemblance", "récompense", "utilité"),
        "zh": ("似然", "奖励", "獎勵", "效用", "利润"),
        "ko": ("우도", "가능도", "보상", "효용", "이익"),
        "vi": ("khả năng xảy ra", "hợp lý", "phần thưởng", "lợi ích", "lợi nhuận"),
    },
    RATE: {
        "en": ("η", "eta", "rate", "lr", "alpha", "α", "learn"),
        "de": ("schrittweite",),  # "Lernrate" contains "rate"
        "es": ("tasa", "aprendizaje"),
        "pt": ("taxa", "aprendizado", "aprendizagem"),
        "fr": ("taux", "apprentissage"),
        "zh": ("学习率", "學習率", "学习速率", "步长", "步長"),
        "ko": ("학습률", "학습율"),
        "vi": ("tốc độ học", "tỷ lệ học", "tỉ lệ học", "hệ số học"),
    },
    LEARNING: {
        "en": ("grad", "slope", "delta", "learn", "deriv", "∂", "δ", "η", "eta", "w", "bias"),
        "de": ("ableit", "steigung", "lernrate", "lernen"),
        "es": ("pendiente", "sesgo", "aprendizaje"),
        "pt": ("inclinação", "viés", "aprendizado", "aprendizagem"),
        "fr": ("dériv", "pente", "poids", "biais", "apprentissage"),
        "zh": ("梯度", "导数", "導數", "斜率", "权重", "權重", "偏置", "学习", "學習"),
        "ko": ("기울기", "그래디언트", "미분", "도함수", "가중치", "편향", "학습"),
        "vi": ("đạo hàm", "độ dốc", "trọng số", "độ lệch", "tốc độ học"),
    },
    DERIVATIVE: {
        "en": ("grad",),
        "de": ("ableit", "steigung"),
        "es": ("derivada", "pendiente"),
        "pt": ("inclinação",),
        "fr": ("dérivée", "pente"),
        "zh": ("梯度", "导数", "導數", "斜率"),
        "ko": ("기울기", "그래디언트", "미분", "도함수"),
        "vi": ("đạo hàm", "độ dốc"),
    },
    LAYER: {
        "de": (
            *("verborgene schicht", "versteckte schicht", "verborgenes neuron", "faltung"),
            *("einbettung", "aktivierungsfunktion", "vorwärtsdurchlauf"),
        ),
        "es": (
            *("capa oculta", "capas ocultas", "perceptrón", "incrustación", "convolución"),
            *("función de activación", "propagación hacia adelante"),
        ),
        "pt": (
            *("camada oculta", "camadas ocultas", "neurônio", "neurónio", "convolução"),
            *("função de ativação", "propagação para frente"),
        ),
        "fr": (
            *("couche cachée", "couches cachées", "plongement", "fonction d'activation"),
            *("fonction d’activation", "propagation avant"),
        ),
        "zh": (
            *(
                "隐藏层",
                "隱藏層",
                "隐层",
                "神经元",
                "神經元",
                "激活函数",
                "激活函數",
                "卷积",
                "卷積",
            ),
            *("嵌入", "注意力", "感知机", "感知器", "前向传播", "前向傳播"),
        ),
        "ko": ("은닉층", "뉴런", "활성화 함수", "합성곱", "임베딩", "어텐션", "퍼셉트론", "순전파"),
        "vi": (
            *("lớp ẩn", "tầng ẩn", "nơ-ron", "nơron", "hàm kích hoạt", "tích chập", "nhúng"),
            *("lan truyền tiến", "lan truyền xuôi"),
        ),
    },
    EMBEDDING: {
        "en": ("embed",),
        "de": ("einbettung",),
        "es": ("incrustación",),
        "fr": ("plongement",),
        "zh": ("嵌入",),
        "ko": ("임베딩",),
        "vi": ("nhúng",),
    },
}
"""By meaning and language. Words that only English has, such as cell names, aren't listed."""

NAME = {
    "en": ("name",),
    "es": ("nombre",),
    "pt": ("nome",),
    "fr": ("nom",),
    "zh": ("姓名", "名字"),
    "ko": ("이름", "성명"),
    "vi": ("tên", "họ tên", "họ và tên"),
}
"""Labels of a student's name; many tables have the same heading."""
STUDENT = {
    "en": ("full name",),
    "de": ("schüler", "schülerin", "studentin", "vor- und nachname"),
    "es": ("estudiante", "alumno", "alumna", "nombre completo"),
    "pt": ("estudante", "aluno", "aluna", "nome completo"),
    "fr": ("élève", "étudiant", "étudiante", "nom de l'élève", "nom et prénom"),
    "zh": ("学生", "學生", "学生姓名", "學生姓名"),
    "ko": ("학생", "학생 이름"),
    "vi": ("học sinh", "sinh viên", "tên học sinh"),
}
"""Labels that are used for a student's name only."""


def calls(meaning: str, heading: str) -> bool:
    """Whether a heading contains one of the words for this meaning."""
    return _pattern(meaning).search(plain(heading)) is not None


def plain(heading: str) -> str:
    """In lower case, with each accent joined to its letter: some systems store them separately."""
    return heading.lower() if heading.isascii() else normalize("NFC", heading).lower()


@cache
def _pattern(meaning: str) -> re.Pattern[str]:
    words = (word for in_a_language in WORDS[meaning].values() for word in in_a_language)
    return re.compile("|".join(map(re.escape, words)))
