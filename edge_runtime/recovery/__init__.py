"""The organisation's recovery key: made and split, tried in drills, and put together when everything else is lost."""
