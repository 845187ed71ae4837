"""The types of cases, a file each: its form, its rules, and what an approval does."""
