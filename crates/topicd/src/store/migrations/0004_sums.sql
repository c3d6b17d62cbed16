-- Over the row's other columns; values that were stored before have none.
ALTER TABLE records ADD COLUMN sum INTEGER;
