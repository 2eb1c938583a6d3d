"""cohort-sync: one daemon that makes a third-party system a full member of an open metadata cohort."""

__version__ = "0.1.0"
