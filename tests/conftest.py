"""What every test shares: how long hypothesis looks."""

from hypothesis import settings

settings.register_profile("quick", deadline=None, derandomize=True, max_examples=60)
settings.register_profile("deep", deadline=None, max_examples=2000)
settings.load_profile("quick")
