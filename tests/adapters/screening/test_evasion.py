"""
Every way of dressing a word up that is to be seen through, with the very characters it covers.
"""

import pytest

from tests.adapters.screening.given import by_sound, phrases, spans

ZORBLAT = {
    "as it is": ("zorblat", "zorblat"),
    "capitals": ("a ZORBLAT!", "ZORBLAT"),
    "mixed case": ("ZoRbLaT", "ZoRbLaT"),
    "full width": ("买ＺＯＲｂｌａｔ吧", "ＺＯＲｂｌａｔ"),
    "mathematical": ("x 𝐳𝖔𝓇𝕓𝒍𝗮𝚝 x", "𝐳𝖔𝓇𝕓𝒍𝗮𝚝"),
    "circled": ("ⓩⓞⓡⓑⓛⓐⓣ", "ⓩⓞⓡⓑⓛⓐⓣ"),
    "in brackets": ("⒵⒪⒭⒝⒧⒜⒯", "⒵⒪⒭⒝⒧⒜⒯"),
    "negative squares": ("🆉🅾🆁🅱🅻🅰🆃!", "🆉🅾🆁🅱🅻🅰🆃"),
    "small capitals": ("ᴢᴏʀʙʟᴀᴛ", "ᴢᴏʀʙʟᴀᴛ"),
    "strokes and hooks": ("ƶøɍƀłąŧ", "ƶøɍƀłąŧ"),
    "zero width space": ("z\u200bo\u200brblat", "z\u200bo\u200brblat"),
    "zero width joiners": ("zor\u200cb\u200dl\u2060at", "zor\u200cb\u200dl\u2060at"),
    "byte order mark": ("zor\ufeffblat", "zor\ufeffblat"),
    "soft hyphen": ("zor\u00adblat", "zor\u00adblat"),
    "right to left mark": ("zor\u200fblat", "zor\u200fblat"),
    "control character": ("zor\x01blat", "zor\x01blat"),
    "variation selectors": ("z\ufe0fo\ufe0frblat", "z\ufe0fo\ufe0frblat"),
    "more variation selectors": ("z\U000e0100orblat", "z\U000e0100orblat"),
    "tags": ("zor\U000e0062blat", "zor\U000e0062blat"),
    "spaces": ("so z o r b l a t it is", "z o r b l a t"),
    "ideographic spaces": ("z\u3000o\u3000r\u3000b\u3000l\u3000a\u3000t", None),
    "a letter a line": ("z\no\nr\nb\nl\na\nt", None),
    "nearly a letter apart": ("z o rb l a t", "z o rb l a t"),
    "full stops": ("z.o.r.b.l.a.t.", "z.o.r.b.l.a.t"),
    "a hyphen": ("zor-blat", "zor-blat"),
    "an underscore": ("my_zor_blat_", "zor_blat"),
    "asterisks": ("**zor**blat**", "zor**blat"),
    "chinese punctuation": ("zor，blat。", "zor，blat"),
    "an apostrophe that is a letter": ("zorʼblat", "zorʼblat"),
    "emoji": ("z😀o🎉rblat", "z😀o🎉rblat"),
    "emoji of several parts": ("zor👩‍👧‍👦blat", "zor👩‍👧‍👦blat"),
    "a flag": ("zor🇨🇳blat", "zor🇨🇳blat"),
    "private use": ("zor\ue000blat", "zor\ue000blat"),
    "a blank letter": ("zor\u3164blat", "zor\u3164blat"),
    "a blank of braille": ("zor\u2800blat", "zor\u2800blat"),
    "combining marks": ("zo\u0301rbla\u0308t\u0323 x", "zo\u0301rbla\u0308t\u0323"),
    "marks above marks": ("z\u0336\u0337o\u0336rblat", "z\u0336\u0337o\u0336rblat"),
    "composed marks": ("żörblàṭ", "żörblàṭ"),
    "cyrillic": ("zоrblаt", "zоrblаt"),
    "greek": ("zοrblαt", "zοrblαt"),
    "capital greek": ("ΖΟRΒLΑΤ", "ΖΟRΒLΑΤ"),
    "small cyrillic by its capital": ("zorвlaт", "zorвlaт"),
    "cyrillic with marks": ("zӧrblӓt", "zӧrblӓt"),
    "cherokee": ("ᏃorblaᎢ", "ᏃorblaᎢ"),
    "armenian": ("zօrblat", "zօrblat"),
    "cyrillic between spaces": ("z о r b l а t", "z о r b l а t"),
    "all at once": ("《Ｚ\u200b·Ӧᴿ😀ｂ\ufe0f…ʟ~а!т》", "Ｚ\u200b·Ӧᴿ😀ｂ\ufe0f…ʟ~а!т"),
}


@pytest.mark.parametrize(("text", "span"), ZORBLAT.values(), ids=ZORBLAT)
def test_a_latin_word(text: str, span: str | None) -> None:
    assert spans(phrases("zorblat"), text) == [span or text]


WORKSHOP = {
    "as it is": ("去青瓷风筝坊玩", "青瓷风筝坊"),
    "traditional": ("去青瓷風箏坊玩", "青瓷風箏坊"),
    "half traditional": ("青瓷風筝坊", "青瓷風筝坊"),
    "radicals": ("⻘瓷⻛筝坊", "⻘瓷⻛筝坊"),
    "compatibility ideographs": ("\U0002f8aa瓷", ""),
    "spaces": ("青 瓷 风 筝 坊", "青 瓷 风 筝 坊"),
    "wide spaces": ("青　瓷　风筝　坊", "青　瓷　风筝　坊"),
    "lines": ("青\n瓷\r\n风\n筝\n坊", "青\n瓷\r\n风\n筝\n坊"),
    "punctuation": ("青，瓷。风、筝！坊", "青，瓷。风、筝！坊"),
    "symbols": ("青★瓷→风$筝^坊", "青★瓷→风$筝^坊"),
    "emoji": ("青😀瓷🪁风🪁筝坊", "青😀瓷🪁风🪁筝坊"),
    "zero width": ("青\u200b瓷\u2063风筝坊", "青\u200b瓷\u2063风筝坊"),
    "variation selectors": ("青\ufe00瓷\U000e0101风筝坊", "青\ufe00瓷\U000e0101风筝坊"),
    "marks": ("青\u0338瓷\u20dd风筝坊\u0338", "青\u0338瓷\u20dd风筝坊\u0338"),
    "between latin words": ("in青瓷风筝坊out", "青瓷风筝坊"),
    "circled": ("青瓷风筝坊㊙", "青瓷风筝坊"),
}


@pytest.mark.parametrize(("text", "span"), WORKSHOP.values(), ids=WORKSHOP)
def test_a_chinese_phrase(text: str, span: str) -> None:
    assert spans(phrases("青瓷風筝坊"), text) == ([span] if span else [])


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("一口金", "⼀⼝⾦"),  # Kangxi radicals
        ("山人", "⼭⼈"),
        ("龟马", "⻳⻢"),  # CJK radicals supplement
        ("雨骨", "⻗⻣"),
        ("豈更車", "\uf900\uf901\uf902"),  # compatibility ideographs
        ("亚国", "亜國"),  # Japanese, traditional
        ("着里", "着裡"),
        ("秘密", "㊙密"),
        ("株式会社", "㍿"),
        ("禁止", "🈲止"),
        ("カタカナ", "ｶﾀｶﾅ"),
        ("ガ", "ｶﾞ"),
        ("한글", "\u1112\u1161\u11ab\u1100\u1173\u11af"),  # a syllable's letters apart
        ("가", "ㄱㅏ"),
        ("12", "①②"),
        ("xii", "Ⅻ"),
        ("strasse", "STRAẞE"),
        ("ﬁne", "FINE"),
    ],
)
def test_one_writing_for_another(phrase: str, text: str) -> None:
    assert spans(phrases(phrase), text) == [text]
    assert spans(phrases(text), phrase) == [phrase]


def test_a_character_that_becomes_several_is_taken_whole() -> None:
    assert spans(phrases("会社"), "大㍿人") == ["㍿"]


HOMOPHONES = [
    ("青瓷风筝坊", "去清词锋争访玩", "清词锋争访"),
    ("青瓷风筝坊", "青瓷疯争坊", "青瓷疯争坊"),
    ("青瓷风筝坊", "青，词😀風\u200b正 坊", "青，词😀風\u200b正 坊"),
    ("云梯糕", "运梯高", "运梯高"),
    ("绿豆船会", "律斗传绘", "律斗传绘"),
]


@pytest.mark.parametrize(("phrase", "text", "span"), HOMOPHONES)
def test_the_same_sound(phrase: str, text: str, span: str) -> None:
    assert by_sound(phrases(phrase), text) == [(span, True)]
