"""Before a run's secrets are known: what is secret in the environment goes, and our own words about it stay."""

import pytest

from gate.crash import redactor_of_environment

SECRET = "s3cret-Part-0f-it"
ENVIRONMENT = {
    "NETRA_BACKEND__URL": f"ftp://127.0.0.1/?key={SECRET}1",
    "NETRA_DATABASE__URL": f"postgresql://u:a/{SECRET}2@h/db",
    "NETRA_BACKEND__HEADERS": f'{{"Authorization": "Bearer {SECRET}3"}}',
    "NETRA_AUTH__HEADERS": f"Authorization: {SECRET}4",
    "SLACK_WEBHOOK_URL": f"https://hooks.invalid/{SECRET}5",
    "NETRA_TELL": f"slack://{SECRET}6 discord://{SECRET}7",
    "NETRA_TOKENS__SIGNING_SECRET": f"{SECRET}8",
}
OUR_WORDS = (
    "no signing secret: set NETRA_TOKENS__SIGNING_SECRET: auth.same-answer",
    "url must begin with http:// or https://, got 'ftp://'",
    "headers can't set Authorization: the checks themselves do",
    "database.url must begin with postgresql://: write postgresql://user:password@host/db",
)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("text", OUR_WORDS)
def test_our_own_words_about_a_secret_stay(text: str) -> None:
    assert redactor_of_environment().text(text) == text


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_what_is_secret_goes_whole_or_alone(name: str) -> None:
    redact = redactor_of_environment().text
    for text in (ENVIRONMENT[name], *(f"got {SECRET}{number}" for number in range(1, 9))):
        assert SECRET not in redact(text)
