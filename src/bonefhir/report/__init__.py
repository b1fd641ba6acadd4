"""What a run found, for people and for programs: run.json, phi/ (names patients) and share/ (counts only).

`write.write_all(folder, facts)` is the only function that other packages need.
"""
