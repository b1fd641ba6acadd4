"""Factors between mass and amount of substance, as semantics.md fixes them (section 3)."""

CREATININE_UMOL_L = 88.42
"""µmol/L per mg/dL."""

CALCIUM_MG_DL = 4.008
"""mg/dL per mmol/L."""

VITAMIN_D_NMOL_L = 2.496
"""nmol/L per ng/mL."""
