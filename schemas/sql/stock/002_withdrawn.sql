-- An offer that is not for sale any more keeps its row: units were sold of it.
ALTER TABLE {offers} ADD COLUMN withdrawn {boolean} NOT NULL DEFAULT FALSE;
