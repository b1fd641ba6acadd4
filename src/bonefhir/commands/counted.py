"""Numbers of things in what a command prints."""


def counted(number: int, thing: str) -> str:
    """`1 dose`, `2 doses`, `0 doses`: thing is the noun in the singular."""
    return f"{number} {thing}{'' if number == 1 else 's'}"
