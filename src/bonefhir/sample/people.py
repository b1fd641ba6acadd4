"""Invented names. Any likeness is chance."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from bonefhir.sample.model import Person


@dataclass(frozen=True)
class Names:
    female: tuple[str, ...]
    male: tuple[str, ...]
    family: tuple[str, ...]


AMERICAN = Names(
    ("Dolores", "Marcia", "Janelle", "Ruth", "Ofelia", "Beverly", "Tamika", "Carol"),
    ("Earl", "Leonard", "Darnell", "Hector", "Wayne", "Curtis", "Walter", "Ignacio"),
    ("Abernathy", "Castellano", "Whitlock", "Okafor", "Delgado", "Larkin", "Pruitt", "Sandoval", "Thorne", "Yates"),
)
GERMAN = Names(
    ("Käthe", "Ursula", "Gisela", "Jördis", "Bärbel", "Hannelore", "Ilse", "Renate"),
    ("Jürgen", "Günther", "Sönke", "Horst", "Dieter", "Björn", "Manfred", "Lüder"),
    ("Müller-Weiß", "Schröter", "Krößmann", "Brückner", "Döring", "Hübsch", "Jäger", "Löffler", "Strauß", "Vögele"),
)
BRITISH = Names(
    ("Margaret", "Siân", "Eileen", "Priya", "Moira", "Hilary", "Niamh", "Joyce"),
    ("Alun", "Derek", "Gurpreet", "Hamish", "Kenneth", "Nigel", "Roy", "Trevor"),
    ("Ashdown", "Bhatt", "Cadwallader", "Featherstone", "Griffiths", "MacInnes", "Nwosu", "Penhaligon", "Sowerby", "Tattersall"),
)


def person(chance: Random, names: Names, sex: str, age: int, on: date) -> Person:
    """Somebody of that age on that day, whose birthday is neither close before nor close after it."""
    born = on - timedelta(days=round(age * 365.25) + chance.randrange(40, 200))
    given = chance.choice(names.female if sex == "female" else names.male)
    return Person(sex=sex, birth=born, given=given, family=chance.choice(names.family))
