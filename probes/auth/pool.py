"""Test users that are reused: which one a case gets."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from probes.auth.tokens import User

DOMAIN = "netra-verify.invalid"  # of all our users' emails; RFC 2606: no one else's can end in it


@dataclass(slots=True, kw_only=True)
class UserPool:
    """Users by role and number. No case gets a user that another case or a seeded row still has.

    A service creates a row for every user that it sees: because users are reused, a few rows serve every case. Their
    ids and emails stay the same from run to run, because services find a user by either.
    """

    mark: str  # what every id begins with
    each: int  # users per role, before further ones are made for a case that needs more at once
    taken: set[str] = field(default_factory=set)
    has_rows: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)
    _turn: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def take(self, role: str) -> User:
        """The next free user of the role; a further one if all of them are in use."""
        first = self._turn[role] % self.each
        self._turn[role] += 1
        order = [*range(first, self.each), *range(first)]
        further = range(self.each, self.each + len(self.taken) + len(self.has_rows) + 1)
        name = next(
            name for number in (*order, *further) if (name := self.name(role, number)) not in self.taken | self.has_rows
        )
        self.taken.add(name)
        self.made.add(name)
        return User(sub=name, email=f"{name}@{DOMAIN}")

    def name(self, role: str, number: int) -> str:
        """The id of a user, counted from 0: all of one width, so that no id begins with another."""
        return f"{self.mark}{role}-{number + 1:03d}"

    @staticmethod
    def lengthened(user: User, length: int, last: str) -> User:
        """A user whose id is that one's, as long as `length`, with `last` at its end; the address is its own."""
        return User(sub=f"{user.sub:x<{length - len(last)}}{last}", email=f"{last}-{user.email}")

    @staticmethod
    def lookalikes(user: User, other: User) -> list[User]:
        """Users whose ids a careless look-up takes for that one's: with one more character, in capitals, of a provider.

        They have the address of `other`: a look-up by address does not take them for the user.
        """
        names = f"{user.sub}0", user.sub.upper(), UserPool.of_provider(user)
        return [User(name, other.email) for name in names]

    @staticmethod
    def of_provider(user: User) -> str:
        """An id as those who let others log in write it, `provider|id`: what follows the bar is that user's."""
        return f"{user.sub}-at|{user.sub}"

    def named_in(self, text: str, but: User) -> list[str]:
        """The users so far, but for this one, whose ids are in a text."""
        return sorted(name for name in self.made if name != but.sub and name in text)

    def give_back(self, users: Iterable[User]) -> None:
        """The case is over."""
        self.taken -= {user.sub for user in users}

    def plant_for(self, names: Iterable[str]) -> None:
        """Rows name these users from now on: no case gets one of them until `clear` is called."""
        self.has_rows |= set(names)

    def clear(self, names: Iterable[str]) -> None:
        """Their rows are gone."""
        self.has_rows -= set(names)
