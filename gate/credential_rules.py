"""What looks like a credential in any text: for redaction, in time linear in the text."""

import re

from gate.text_rules import Rule

STARS = "[redacted]"
ASSIGNED = ("password", "passwd", "passphrase", "secret", "api_key", "api-key", "apikey")
NAMED = r"(password|passwd|passphrase|secret(?:_key)?|api[_-]?key)"
QUOTE = r"(?:\\{0,3}[\"'])"  # with the backslashes of JSON in JSON
VALUE = r"[^\s\"',;&\\]{4,}"
RULES = (
    Rule(
        ("bearer", "basic"),
        re.compile(r"\b((?i:bearer|basic))[ \t]{1,8}(?=[^\sA-Z0-9=]{0,64}[A-Z0-9=])[A-Za-z0-9._~+/=-]{6,}"),
        r"\1 [redacted]",
    ),
    # The words of our own advice, postgresql://user:password@host/db, are not a password.
    Rule(("://",), re.compile(r"(://(?!user:password@)[^\s/:@]{0,64}):[^\s/]{1,512}@"), r"\1:[redacted]@"),
    # A password whose host was cut off; a port is all digits.
    Rule(("://",), re.compile(r"(://[^\s/:@]{0,64}):(?!\d{1,5}…)[^\s@/…]{1,512}(?=…)"), r"\1:[redacted]"),
    Rule(
        ASSIGNED,
        re.compile(rf"(?i)\b{NAMED}({QUOTE}?(?:=|:\s{{0,8}}){QUOTE}?){VALUE}"),
        r"\1\2[redacted]",
    ),
    # Behind an underscore (db_password), a colon alone does not assign: "set NETRA_TOKENS__SIGNING_SECRET: ..."
    Rule(
        ASSIGNED,
        re.compile(rf"(?i)(?<=_){NAMED}(={QUOTE}?|{QUOTE}:\s{{0,8}}{QUOTE}){VALUE}"),
        r"\1\2[redacted]",
    ),
    # A token by its name: long, and with a digit, unlike the words of a sentence about tokens.
    Rule(
        ("token",),
        re.compile(rf"(?i)(token{QUOTE}?(?:=|:\s{{0,2}}){QUOTE}?)(?=[^\s\d]{{0,200}}\d)[A-Za-z0-9._~+/=-]{{12,}}"),
        r"\1[redacted]",
    ),
    Rule(
        ("cookie",),
        re.compile(rf"(?i)(?<![\w-])(cookie{QUOTE}?:\s{{0,8}}{QUOTE}?)(?=[^\r\n\"';=]{{1,80}}=)[^\r\n\"']{{6,}}"),
        r"\1[redacted]",
    ),
    # Of a cookie that is set, the attributes stay: a check may be about them.
    Rule(
        ("set-cookie",),
        re.compile(rf"(?i)(set-cookie{QUOTE}?:\s{{0,8}}{QUOTE}?[^\s=;\"']{{1,80}}=)[^\s;\"']{{6,}}"),
        r"\1[redacted]",
    ),
    Rule(
        ("aiza", "ghp_", "gho_", "ghu_", "ghs_", "github_pat_", "glpat-", "xox", "ya29.", "sk-", "akia", "gocspx-"),
        re.compile(
            r"(?<![\w-])(?:AIza|gh[pous]_|github_pat_|glpat-|xox[abprs]-|ya29\.|GOCSPX-)[\w.-]{10,}"
            r"|(?<![\w-])sk-(?=[^\W\d]{0,200}[\d-])[\w-]{16,}|\bAKIA[0-9A-Z]{16}\b"
        ),
        STARS,
    ),
    Rule(
        ("private key-----",),
        re.compile(r"(-----BEGIN (?:[A-Z]{1,20} ){0,2}PRIVATE KEY-----)[A-Za-z0-9+/=\s\\]{1,8000}"),
        r"\1[redacted]",
    ),
)
