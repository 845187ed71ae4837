"""The registry: the truth on agencies, people, accounts, rights and cases, and the `hufu` command."""
