-- The instant of the last arrival never goes back, even if the clock does; the epoch names this
-- history of sequence numbers.
INSERT INTO counters VALUES ('arrived', coalesce((SELECT max(arrived) FROM records), 0));
INSERT INTO counters VALUES ('epoch', random() & 0x1fffffffffffff);

-- Replays read what arrived after a value.
CREATE INDEX records_by_arrival ON records (series, seq);

-- The last arrival among the values that retention has taken out.
ALTER TABLE series ADD COLUMN trimmed_seq INTEGER;
ALTER TABLE series ADD COLUMN trimmed_arrived INTEGER;
