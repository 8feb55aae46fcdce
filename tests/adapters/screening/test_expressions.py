"""
Regular expressions: what they see, and the way back to what was written.
"""

import pytest

from tests.adapters.screening.given import compiled, rule, spans

SEEN = [
    (r"zor\d{3}", "ZOR123 zor１２３", ["ZOR123", "zor１２３"]),
    (r"ZOR[A-Z]+", "zorblat", ["zorblat"]),
    (r"\bzor\b", "zor zorblat 买zor", ["zor", "zor"]),
    (r"zor blat", "zor\u3000blat zor\tblat zor\nblat", ["zor\u3000blat", "zor\tblat"]),
    (r"zor\sblat", "zor\nblat", ["zor\nblat"]),
    (r"^zor$", "zor", ["zor"]),
    (r"(?m)^zor$", "a\nzor\nb", ["zor"]),
    (r"风筝.{0,3}坊", "風箏😀😀坊", ["風箏😀😀坊"]),
    (r"青.瓷", "青，瓷 青\n瓷", ["青，瓷"]),
    (r"q{2,}: ?\d+", "ＱＱ：１２３", ["ＱＱ：１２３"]),
    (r"zorblat", "z\u200bo\u0301rblat", ["z\u200bo\u0301rblat"]),
    (r"zorblat", "zоrblаt", ["zоrblаt"]),
    (r"zorblat", "z.o.r.b.l.a.t", []),
    (r"со", "со", ["со"]),
    (r"жаб[аы]", "ЖАБЫ", ["ЖАБЫ"]),
    (r"\p{Han}{3}", "一二三四", ["一二三"]),
    (r"[一-龥]{2}", "青瓷", ["青瓷"]),
    (r"[🪁🎏]", "a 🪁!", ["🪁"]),
    (r"한글", "\u1112\u1161\u11ab글", ["\u1112\u1161\u11ab글"]),
    (r"fi ", "ﬁ x", ["ﬁ "]),
]


@pytest.mark.parametrize(("expression", "text", "found"), SEEN)
def test_what_it_sees(expression: str, text: str, found: list[str]) -> None:
    assert spans(compiled(rule(regex=expression)), text) == found


def test_texts_that_are_no_texts() -> None:
    assert spans(compiled(rule(regex="z.b")), "z\ud800b") == ["z\ud800b"]
