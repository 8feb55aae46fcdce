"""
From the categories that compliance writes into its rules to those of the EU database.

Ours are free text, because rules are the operator's; theirs are a fixed list. Whoever wants to be
exact writes one of theirs into a rule or a decision, and it is passed on as it is. A common word
is translated here; anything else is a violation of the terms that says its own name.
"""

from typing import Final

PREFIX: Final = "STATEMENT_CATEGORY_"

#: All that version 2 of the database knows, since 1 July 2025.
CATEGORIES: Final = frozenset(
    PREFIX + name
    for name in (
        "ANIMAL_WELFARE",
        "CONSUMER_INFORMATION",
        "CYBER_VIOLENCE",
        "CYBER_VIOLENCE_AGAINST_WOMEN",
        "DATA_PROTECTION_AND_PRIVACY_VIOLATIONS",
        "ILLEGAL_OR_HARMFUL_SPEECH",
        "INTELLECTUAL_PROPERTY_INFRINGEMENTS",
        "NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS",
        "NOT_SPECIFIED_NOTICE",
        "OTHER_VIOLATION_TC",
        "PROTECTION_OF_MINORS",
        "RISK_FOR_PUBLIC_SECURITY",
        "SCAMS_AND_FRAUD",
        "SELF_HARM",
        "UNSAFE_AND_PROHIBITED_PRODUCTS",
        "VIOLENCE",
    )
)
OTHER: Final = PREFIX + "OTHER_VIOLATION_TC"

#: Words that need no explanation, each with the category that the database's own guide puts it in.
KNOWN: Final[dict[str, str]] = {
    word: PREFIX + category
    for category, words in {
        "ANIMAL_WELFARE": ("animals", "animal_welfare"),
        "CONSUMER_INFORMATION": ("consumer", "hidden_advertising", "misleading"),
        "CYBER_VIOLENCE": ("bullying", "harassment", "stalking", "sexual", "nudity", "pornography"),
        "DATA_PROTECTION_AND_PRIVACY_VIOLATIONS": ("privacy", "doxxing", "personal_data"),
        "ILLEGAL_OR_HARMFUL_SPEECH": ("abuse", "insult", "defamation", "discrimination", "hate"),
        "INTELLECTUAL_PROPERTY_INFRINGEMENTS": ("copyright", "trademark", "piracy"),
        "NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS": ("disinformation", "elections"),
        "PROTECTION_OF_MINORS": ("minors", "child_safety"),
        "RISK_FOR_PUBLIC_SECURITY": ("terrorism", "public_security"),
        "SCAMS_AND_FRAUD": ("scam", "scams", "fraud", "phishing", "impersonation"),
        "SELF_HARM": ("self_harm", "suicide", "eating_disorders"),
        "UNSAFE_AND_PROHIBITED_PRODUCTS": ("drugs", "weapons", "prohibited_products"),
        "VIOLENCE": ("violence", "threat", "threats", "gore", "human_trafficking"),
    }.items()
    for word in words
}


def category_of(ours: str) -> tuple[str, str | None]:
    """
    The database's category, and our own name where the database has none for it.

    Upper case and lower, spaces, hyphens and underscores are the same.
    """
    word = ours.strip().lower().replace(" ", "_").replace("-", "_")
    if word.upper() in CATEGORIES:
        return word.upper(), None
    known = KNOWN.get(word)
    return (OTHER, ours) if known is None else (known, None)
