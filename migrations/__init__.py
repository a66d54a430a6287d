"""The history of the databases' tables, a folder for each program's."""
