"""A request that is refused: raised wherever it is found out, answered in one place."""


class RefusedError(Exception):
    """A client's error (or 503): the status, a code for programs and a sentence for people, without internals."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text


def not_found() -> RefusedError:
    """A thread that does not exist, or that is not the user's."""
    return RefusedError(404, "not_found", "There is no such thread.")
